"""How Alembic meets our database: through the application's engine, one transaction a migration.

Our own column types are written as the plain types they stand on, so that an old migration never depends on
code that has changed since.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeDecorator


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | bool:
    if kind == "type" and isinstance(item, TypeDecorator):
        impl = item.impl_instance
        return f"sa.{impl!r}"
    return False


def run() -> None:
    migrate = current_app.extensions["migrate"]
    engine = migrate.db.engine
    with engine.connect() as connection:
        _foreign_keys(connection, on=False)
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            render_item=render_item,
            transaction_per_migration=True,
            **migrate.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        _foreign_keys(connection, on=True)


def _foreign_keys(connection: Connection, *, on: bool) -> None:
    """Changing a table in place means rebuilding it on SQLite, which its foreign keys must not notice.

    The pragma does nothing inside a transaction, so it goes to the driver before SQLAlchemy begins one. No row is left
    pointing nowhere: that is looked at before they are switched on again.
    """
    if connection.dialect.name != "sqlite":
        return
    driver = connection.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    if on and (lost := cursor.execute("PRAGMA foreign_key_check").fetchall()):
        raise RuntimeError(f"rows point at nothing after the migration: {lost[:5]}")
    cursor.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
    cursor.close()


run()
