"""Fixtures. Every test that asks for `app` runs on SQLite and on PostgreSQL, on real commits and an empty database."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from booking import clock
from booking.db import db
from tests import history_guard
from tests.applications import SharedApplication
from tests.databases import Emptying, migrate, postgresql_server, renew
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


@pytest.fixture(scope="session")
def emptying(postgresql_url: str) -> Iterator[Emptying]:
    emptying = Emptying(postgresql_url)
    yield emptying
    emptying.close()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sqlite") / "test.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database of each kind, always at the same address."""
    if request.param == "sqlite":
        file: Path = request.getfixturevalue("sqlite_file")
        renew(file, request.getfixturevalue("sqlite_template"))
        return f"sqlite:///{file}"
    url: str = request.getfixturevalue("postgresql_url")
    request.getfixturevalue("emptying")()
    return url


@pytest.fixture
def frozen() -> Iterator[datetime]:
    with clock.clock_at(NOW):
        yield NOW


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once for all the applications of a run."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def shared_application(compiled_templates: FileSystemBytecodeCache) -> Callable[[str], SharedApplication]:
    """The application on a database, made once in each process that runs tests."""
    return cache(lambda url: SharedApplication(url, compiled_templates))


@pytest.fixture
def app(database_url: str, frozen: datetime, shared_application: Callable[[str], SharedApplication]) -> Iterator[Flask]:
    """The application on an empty database, as if it were new."""
    with shared_application(database_url).lent() as app, history_guard.watched(db.engine) as forgotten:
        yield app
        assert forgotten == [], "written without a line of history"


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def world(app: Flask) -> World:
    """An edition with a port to visit: the debate, the visit inside it with 31 places, a boat that counts adults."""
    return World.build()
