"""Fixtures. Every test that asks for `app` runs on SQLite and on PostgreSQL, on real commits and an empty database."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from booking import clock
from booking.app import create_app
from booking.db import db
from tests.databases import empty, migrate, postgresql_server, settings_for
from tests.world import World

MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2**30:
    # Databases of tests live in memory: every commit still asks for durability, and no disk has to give it.
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
"""A Monday, 10:00 in Paris, a week before the week of the tests' edition."""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with postgresql_server() as url:
        migrate(url)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgresql_url")
    empty(url)
    return url


@pytest.fixture
def frozen() -> Iterator[datetime]:
    with clock.clock_at(NOW):
        yield NOW


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once for all the applications of a run."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(database_url: str, frozen: datetime, compiled_templates: FileSystemBytecodeCache) -> Iterator[Flask]:
    app = create_app(settings_for(database_url))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    app.jinja_env.bytecode_cache = compiled_templates
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def world(app: Flask) -> World:
    """An edition with a port to visit: the debate, the visit inside it with 31 places, a boat that counts adults."""
    return World.build()
