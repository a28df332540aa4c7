"""Whether the database has the tables this code was written for."""

from __future__ import annotations

from functools import lru_cache

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from booking.config import ROOT
from booking.db import db


@lru_cache(maxsize=1)
def newest_migration() -> str | None:
    """The last migration of this code."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def applied_migration() -> str | None:
    """The migration the database is at; None when it is empty."""
    return MigrationContext.configure(db.session.connection()).get_current_revision()


def is_current() -> bool:
    """Whether every migration has been applied, and none that this code does not know."""
    return applied_migration() == newest_migration()
