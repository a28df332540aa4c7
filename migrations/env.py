"""How Alembic meets our database: through the application's engine, one transaction a migration.

Our own column types are written as the plain types they stand on, so that an old migration never depends on
code that has changed since.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
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
        if context.config.attributes.get("connection") is None and engine.dialect.name == "sqlite":
            # Changing a table in place means rebuilding it on SQLite, which its foreign keys must not notice.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            render_item=render_item,
            transaction_per_migration=True,
            **migrate.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
        if engine.dialect.name == "sqlite":
            connection.commit()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


run()
