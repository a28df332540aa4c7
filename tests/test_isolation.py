"""Tests share an application and a database: none of them finds anything that another one left."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, text

from booking import transport
from booking.db import db
from tests.databases import Emptying, renew
from tests.world import World

_statements: list[str] = []


@pytest.mark.parametrize("turn", ["first", "second"])
def test_whatever_a_test_does_the_next_one_begins_anew(app: Flask, client: FlaskClient, turn: str) -> None:
    _statements.clear()
    assert not any(db.session.scalar(select(func.count()).select_from(table)) for table in db.metadata.sorted_tables)
    assert _statements == [], "nobody listens to the engine any more"
    assert app.config["SETTINGS"].mail_server is None
    assert app.config["MAIL_SERVER"] is None
    assert not app.config["WTF_CSRF_ENABLED"]
    assert not hasattr(app, "left")
    assert "LEFT" not in app.config
    assert "kept_pages" not in app.extensions
    assert "left" not in app.jinja_env.globals
    assert app.jinja_env.autoescape is not False
    assert not app.after_request_funcs.get("left")

    world = World.build()
    assert world.edition == 1, "numbers begin at 1"
    assert "left by a test" not in client.get(f"/events/{world.visit}").text
    assert "kept_pages" in app.extensions
    event.listen(db.engine, "before_cursor_execute", lambda *given: _statements.append(given[2]))
    event.listen(db.engine, "checkout", lambda *_: _statements.append("checkout"))
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], mail_server="127.0.0.1")
    transport.init_app(app)
    app.config.update(WTF_CSRF_ENABLED=True, LEFT=turn)
    app.jinja_env.globals["left"] = turn
    app.jinja_env.autoescape = False
    app.after_request_funcs["left"].append(lambda answer: answer)
    app.left = turn  # type: ignore[attr-defined]
    app.wsgi_app = lambda *_: [b"left by a test"]  # type: ignore[method-assign,assignment]
    db.session.execute(text("UPDATE editions SET name = 'left open'"))


def test_routes_are_for_applications_of_ones_own(app: Flask) -> None:
    with pytest.raises(AssertionError, match="can no longer be called"):
        app.add_url_rule("/left", view_func=lambda: "left")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_many_rows_go_as_few_do_and_leave_nothing_behind(app: Flask, emptying: Emptying) -> None:
    for many in (1, 5000):
        counted = text("INSERT INTO limit_counters SELECT n::text, now(), 1 FROM generate_series(1, :many) AS n")
        assert World.build().edition == 1
        db.session.execute(counted, {"many": many})
        db.session.commit()
        db.session.remove()
        emptying()
        assert db.session.execute(text("SELECT count(*) FROM limit_counters")).scalar_one() == 0
        db.session.remove()
    assert db.session.execute(text("SELECT pg_relation_size('limit_counters')")).scalar_one() == 0
    assert World.build().edition == 1


def test_whoever_still_has_an_old_file_open_does_not_disturb_the_new_one(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "test.sqlite3"
    renew(file, sqlite_template)
    old = sqlite3.connect(file)
    old.execute("INSERT INTO alembic_version VALUES ('left')")
    assert file.with_name("test.sqlite3-journal").exists()
    renew(file, sqlite_template)
    with suppress(sqlite3.OperationalError):  # its journal is gone
        old.commit()
    new = sqlite3.connect(file)
    assert new.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    old.close()
    new.close()
