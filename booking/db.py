"""The database: one binding, one way to open a transaction, on SQLite and on PostgreSQL.

Writes go through `in_transaction`, which begins with BEGIN IMMEDIATE on SQLite (a plain BEGIN that turns
into a write later fails at once when somebody else wrote in between) and repeats the work when the database
reports a deadlock, a serialization failure or a lock it could not get.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import DateTime, Dialect, MetaData, String, Table, event, insert
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeDecorator

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

ATTEMPTS = 8
BUSY_TIMEOUT_MS = 15_000
# Serialization failure, deadlock, lock not available; unique violation, a race lost to a twin of the same request, which the
# next attempt finds and answers for; and foreign key violation, where somebody has removed meanwhile what was read (a pool).
_RETRIED_SQLSTATES = {"40001", "40P01", "55P03", "23505", "23503"}
_WRITES = {"coulisses_writes": True}
_ONLY_READS = "coulisses_only_reads"
_READING_ENGINE = "coulisses_reading_engine"


class Base(DeclarativeBase):
    """The base of every table. Constraints are named, so that migrations and refusals can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class HouseSession(Session):
    """A session that reads without BEGIN and ROLLBACK where a door has said that it only reads.

    At READ COMMITTED each statement has its own snapshot anyway, and a page saves two round trips to PostgreSQL.
    SQLite keeps its transactions, which cost nothing and are snapshots.
    """

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        bind = super().get_bind(*args, **kwargs)
        if self.info.get(_ONLY_READS) and isinstance(bind, Engine) and bind.dialect.name == "postgresql":
            # One object for the session's whole life: it takes a connection for each engine it is given.
            if _READING_ENGINE not in self.info:
                self.info[_READING_ENGINE] = bind.execution_options(isolation_level="AUTOCOMMIT")
            return cast("Engine", self.info[_READING_ENGINE])
        return bind


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "class_": HouseSession})


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Aware in Python, always UTC; `timestamptz` on PostgreSQL, naive UTC on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Word(TypeDecorator[E]):
    """One word of a closed vocabulary, stored as text."""

    impl = String(32)
    cache_ok = True

    def __init__(self, vocabulary: type[E]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.vocabulary(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self.vocabulary(value)


class Words(TypeDecorator[tuple[str, ...]]):
    """A small set of words in one column, stored as `|word|word|` so that a query can ask for one of them."""

    impl = String(255)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return "|" + "".join(f"{word}|" for word in value or ())

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(word for word in (value or "").split("|") if word)


def only_read(yes: bool) -> None:
    """Say that this session only reads from here on, except inside `in_transaction`; or that it no longer does."""
    db.session.info[_ONLY_READS] = yes


def in_transaction(work: Callable[[], T]) -> T:
    """Run `work` in one write transaction and commit it.

    Any exception rolls everything back and is passed on, except the database's own "try again", which is
    answered by trying again with jitter. `work` must therefore read what it needs itself and have no effect
    outside the database.
    """
    reads = db.session.info.get(_ONLY_READS, False)
    only_read(False)
    try:
        return _committed(work)
    finally:
        only_read(reads)


def _committed(work: Callable[[], T]) -> T:
    for attempt in range(1, ATTEMPTS + 1):
        db.session.commit()  # ends a read that may be open, so that the write begins as a write
        committing = False
        try:
            db.session.connection(execution_options=_WRITES)
            result = work()
            committing = True
            db.session.commit()
            return result
        except (DBAPIError, StaleDataError) as error:
            db.session.rollback()
            # A connection that broke before COMMIT was said left nothing behind; afterwards nobody can tell.
            lost = isinstance(error, DBAPIError) and error.connection_invalidated and not committing
            if attempt == ATTEMPTS or not (lost or is_passing(error)):
                raise
            time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter, not a secret
        except BaseException:
            db.session.rollback()
            raise
    raise AssertionError("unreachable")


def add_rows(model: type[Base], rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows nobody needs as objects afterwards: one statement, without the unit of work."""
    db.session.execute(insert(cast("Table", model.__table__)), rows)


def is_passing(error: DBAPIError | StaleDataError) -> bool:
    """Whether running the transaction again may help: a busy file, a deadlock, a row changed by somebody else."""
    if isinstance(error, StaleDataError):
        return True
    if isinstance(error.orig, sqlite3.OperationalError):
        return "locked" in str(error.orig) or "busy" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) in _RETRIED_SQLSTATES


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite can checkpoint a write-ahead log from two connections without corrupting the file.

    Repaired in 3.51.3, and in 3.44.6 and 3.50.7 for those who stayed behind.
    """
    return version >= (3, 51, 3) or (
        version[:2] in {(3, 44), (3, 50)} and version >= {44: (3, 44, 6), 50: (3, 50, 7)}[version[1]]
    )


def engine_options(url: str) -> dict[str, Any]:
    """What SQLAlchemy is told about this database. Errors never quote the values of a statement: they are personal."""
    if url.startswith("sqlite"):
        connect = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        return {"hide_parameters": True, "connect_args": connect}
    return {"hide_parameters": True, "pool_recycle": 1800, "connect_args": {"connect_timeout": 10}}


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # BEGIN is ours to say, see below
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")  # what a purge takes away is overwritten in the file, not only forgotten
    journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "TRUNCATE"
    cursor.execute(f"PRAGMA journal_mode={journal}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("coulisses_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
