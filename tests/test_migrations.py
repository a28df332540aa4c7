"""Migrations: equal to the models, run from nothing, and run on data of the version before, on both databases.

`ROWS` holds one row or more for every table as each migration left it. Who adds a migration adds its rows, so that the one
after it meets them: `test_every_migration_has_rows_for_the_next_one_to_meet` says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import inspect, text

from booking.app import create_app
from booking.config import ROOT
from booking.db import db
from booking.queries import doctor, schema
from tests.databases import settings_for

Row = dict[str, Any]
_ORDER = [table.name for table in db.metadata.sorted_tables]

_EDITION: Row = {
    "id": 1, "key": "2026", "number": 15, "year": 2026, "name": "Semaine de l’industrie", "theme": None, "starts_on": "2026-11-23",
    "ends_on": "2026-11-29", "label_from": "2026-11-09", "label_until": "2026-12-13", "department": "92", "territory": "Hauts-de-Seine",
    "summary": "", "facts": '{"aims": ["recruter"]}', "invented": True,
}  # fmt: skip
_EVENT: Row = {
    "id": 1, "key": "visite", "edition_id": 1, "parent_id": None, "host_id": 1, "type": "company_visit", "publication": "published",
    "title": "Visite des activités portuaires", "summary": "", "description": "", "audiences": "|college|", "levels": "|3e|", "partners": "",
    "place_name": "", "address": "", "postcode": "92230", "commune": "Gennevilliers", "latitude": 48.94, "longitude": 2.29,
    "meeting_point": "", "access_info": "", "closed_shoes": True, "identity_needed": False, "equipment": "lent", "conditions": "",
    "accessible_for": "|motor|", "accessibility_note": "", "invented": True, "search_text": "visite", "updated_at": "2026-11-16 09:00:00",
}  # fmt: skip
_SLOT: Row = {
    "id": 1, "key": "visite-1", "event_id": 1, "starts_at": "2026-11-24 13:30:00", "ends_at": "2026-11-24 15:00:00",
    "arrive_minutes_before": 15, "meeting_point": "", "counts_adults": False, "min_party": 1, "pupils_per_adult": 15,
    "closes_at": "2026-11-23 13:30:00", "headcount_until": "2026-11-22 13:30:00", "cancel_until": "2026-11-24 13:30:00",
}  # fmt: skip
_BOOKING: Row = {
    "id": 1, "reference": "7KQ4-M9TX", "slot_id": 1, "status": "confirmed", "audience": "school", "email": "prof@college.example",
    "name": "Camille Martin", "phone": "", "locale": "fr", "school_name": "Collège du Port", "school_uai": "", "commune": "Gennevilliers",
    "level": "3e", "class_label": "3e B", "pupils": 31, "adults": 3, "needs": '{"motor": 1}', "places": 31, "party_key": "party",
    "idempotency_key": "key", "request_hash": "hash", "link_nonce": b"0123456789abcdef", "uid": "11111111-1111-4111-8111-111111111111",
    "sequence": 0, "calendar_stamp": "2026-11-16 09:00:00", "created_at": "2026-11-16 09:00:00", "confirmed_at": "2026-11-16 09:00:00",
    "end_reason": "", "version": 1,
}  # fmt: skip
_CALENDAR = (
    '{"calendar": {"method": "REQUEST", "uid": "11111111-1111-4111-8111-111111111111", "sequence": 0, '
    '"dtstamp": "2026-11-16T09:00:00+00:00"}}'
)

ROWS: dict[str, dict[str, list[Row]]] = {
    "0001": {
        "editions": [_EDITION],
        "organisations": [
            {"id": 1, "key": "port", "kind": "company", "name": "Port", "commune": "Gennevilliers", "invented": False}
        ],
        "events": [_EVENT],
        "labels": [{"id": 1, "event_id": 1, "decision": "labelled", "requested_at": "2026-11-01 09:00:00"}],
        "slots": [_SLOT],
        "pools": [{"id": 1, "key": "visite-1", "name": "", "capacity": 31, "taken": 31}],
        "slot_pools": [{"slot_id": 1, "pool_id": 1}],
        "bookings": [_BOOKING],
        "holdings": [{"booking_id": 1, "pool_id": 1, "places": 31}],
        "history": [
            {
                "id": 1,
                "booking_id": 1,
                "at": "2026-11-16 09:00:00",
                "actor": "booker",
                "action": "booked",
                "status_before": None,
                "status_after": "confirmed",
                "places_after": 31,
                "details": "{}",
            }
        ],
        "messages": [
            {
                "id": 1,
                "booking_id": 1,
                "kind": "booking_confirmed",
                "sequence": 0,
                "recipient": "prof@college.example",
                "locale": "fr",
                "facts": _CALENDAR,
                "created_at": "2026-11-16 09:00:00",
                "delivery": "queued",
                "attempts": 0,
                "next_attempt_at": "2026-11-16 09:00:00",
                "last_error": "",
            }
        ],
        "limit_counters": [{"subject": "hash", "hour": "2026-11-16 09:00:00", "count": 2}],
    },
}
_BEFORE = ROWS["0001"]


def _with(table: str, **more: object) -> list[Row]:
    """The rows of the version before, with the columns that are new."""
    return [row | more for row in _BEFORE[table]]


_AT = "2026-11-16 09:00:00"
ROWS["0002"] = _BEFORE | {
    "editions": _with("editions", authority_id=1, conditions="Gratuit.", version=1),
    "events": _with("events", cancel_reason="", more_contacts="", contact_phone="", free=True, price="", version=1),
    "labels": _with("labels", remarks="", seen='{"free": true}', decided_by_id=1),
    "slots": _with("slots", cancel_reason="", version=1),
    "history": [
        *_with("history", subject="booking", subject_id=1, name="7KQ4-M9TX", organisation_id=1, edition_id=1, event_id=1),
        {
            "id": 2, "at": _AT, "actor": "host", "account_id": 1, "action": "written", "subject": "event", "subject_id": 1, "name": "Visite",
            "organisation_id": 1, "edition_id": 1, "event_id": 1, "details": '{"changes": {"title": ["A", "B"]}}',
        },
    ],
    "messages": [
        *_with("messages", copy=0),
        {
            "id": 2, "kind": "sign_in", "sequence": 0, "copy": 0, "recipient": "visites@port.example", "locale": "fr",
            "facts": "{}", "created_at": _AT, "delivery": "queued", "attempts": 0, "next_attempt_at": _AT, "last_error": "",
        },
    ],
    "accounts": [
        {"id": 1, "email": "visites@port.example", "name": "", "locale": "fr", "created_at": _AT, "recovery_codes": "[]"}
    ],
    "sign_ins": [
        {
            "id": 1, "email": "visites@port.example", "nonce": b"0123456789abcdef", "browser_hash": "hash", "created_at": _AT,
            "expires_at": _AT, "attempts": 0,
        }
    ],
    "sessions": [
        {"id": 1, "account_id": 1, "token_hash": "hash", "browser": "", "created_at": _AT, "last_seen_at": _AT, "expires_at": _AT}
    ],
    "members": [{"id": 1, "account_id": 1, "organisation_id": 1, "role": "manager", "state": "active", "since": _AT, "founding": False}],
    "mandates": [{"id": 1, "chamber_id": 2, "organisation_id": 1, "since": _AT}],
    "organisations": [
        *_BEFORE["organisations"],
        {"id": 2, "key": "cci", "kind": "chamber", "name": "Chambre", "commune": "Nanterre", "invented": False},
    ],
    "pictures": [{"event_id": 1, "alt": "Le quai", "digest": "digest", "width": 1600, "height": 900, "content": b"jpeg"}],
    "imports": [
        {
            "id": 1, "edition_id": 1, "account_id": 1, "file_name": "programme.csv", "lines": "[]", "state": "checked", "only_good": False,
            "total": 0, "done": 0, "report": "[]", "error": "", "created_at": _AT,
        }
    ],
}  # fmt: skip

_BEFORE = ROWS["0002"]
ROWS["0003"] = _BEFORE | {
    "editions": _with("editions", school_limit=2, priority_until=_AT, priority_schools='{"0921234A": "REP"}'),
    "events": _with("events", one_per_class=True, host_approval=False, host_answer_hours=72, head_approval=False, head_answer_days=7),
    "slots": _with("slots", adults_required=False),
    "pools": _with("pools", kind="own", audiences="|"),
    "bookings": [
        *_with(
            "bookings", school_key="college du port|gennevilliers", class_key="college du port|gennevilliers|3e|3b", head_needed=False,
            head_email="", wanted_slots="[]", proven_at=_AT,
        ),
        _BOOKING | {
            "id": 2, "reference": "7KQ4-M9TY", "status": "waiting", "held_for": None, "party_key": "other", "idempotency_key": "second",
            "uid": "22222222-2222-4222-8222-222222222222", "calendar_stamp": None, "confirmed_at": None, "rank": 1, "at_least": 20,
            "school_key": "", "class_key": "", "head_needed": False, "head_email": "", "wanted_slots": "[1]", "proven_at": _AT,
        },
    ],
    "history": [
        *_BEFORE["history"],
        {
            "id": 3, "booking_id": 2, "at": _AT, "actor": "booker", "action": "booked", "status_before": None, "status_after": "waiting",
            "places_after": 0, "subject": "booking", "subject_id": 2, "name": "7KQ4-M9TY", "organisation_id": 1, "edition_id": 1,
            "event_id": 1, "details": "{}",
        },
    ],
    "waits": [{"booking_id": 2, "slot_id": 1, "rank": 1, "smallest": 20, "largest": 31, "audience": "college", "since": _AT}],
    "offers": [
        {
            "id": 1, "booking_id": 2, "slot_id": 1, "rank": 1, "places": 20, "free": 20, "passed_over": 0, "made_by": "rule",
            "made_at": _AT, "expires_at": _AT, "outcome": "declined", "ended_at": _AT,
        }
    ],
}  # fmt: skip

_BEFORE = ROWS["0003"]
ROWS["0004"] = _BEFORE | {
    "accounts": _with("accounts", operates=False),
    "editions": _with("editions", reminds_week=True, reminds_soon=True, thanks=True, digests=True),
    "events": _with("events", outdoors=False, host_mails="each"),
    "bookings": [_BEFORE["bookings"][0] | {"answer": "accepted", "answered_at": _AT, "answered_sequence": 0}, *_BEFORE["bookings"][1:]],
    "messages": [
        *_BEFORE["messages"],
        {
            "id": 3, "slot_id": 1, "kind": "host_slot", "sequence": 0, "copy": 0, "recipient": "visites@port.example", "locale": "fr",
            "facts": "{}", "created_at": _AT, "delivery": "sent", "sent_at": _AT, "attempts": 1, "next_attempt_at": _AT, "last_error": "",
        },
        {
            "id": 4, "booking_id": 1, "kind": "visit_soon", "sequence": 0, "copy": 0, "recipient": "", "locale": "fr", "facts": "{}",
            "created_at": _AT, "delivery": "sent", "sent_at": _AT, "attempts": 1, "next_attempt_at": _AT, "last_error": "",
        },
    ],
    "occasions": [{"key": "visit_soon:1:2026-11-24", "at": _AT, "told": True}],
    "feeds": [{"id": 1, "email": "prof@college.example", "nonce": b"0123456789abcdef", "created_at": _AT}],
    "host_entries": [
        {"slot_id": 1, "uid": "33333333-3333-4333-8333-333333333333", "sequence": 0, "stamp": _AT, "told": '{"people": 34}'}
    ],
    "feedback": [{"booking_id": 1, "rating": 5, "comment": "Bravo.", "given_at": _AT}],
    "inbound_mails": [
        {
            "id": 1, "fingerprint": "f" * 64, "received_at": _AT, "size": 4, "raw": b"mail", "sender": "prof@college.example",
            "subject": "Accepté", "arrived": "reply", "decision": "noted", "decided_at": _AT, "attempts": 1, "booking_id": 1,
            "organisation_id": 1, "details": "{}",
        }
    ],
}  # fmt: skip


def chain() -> list[str]:
    """Every migration, the oldest first."""
    return [script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()][::-1]


@pytest.fixture(params=["sqlite", "postgresql"])
def nothing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that holds nothing at all."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.sqlite3'}"
        return
    server = request.getfixturevalue("postgresql_url")
    with _postgresql_database(server, "coulisses_migrations") as url:
        yield url


@contextmanager
def _postgresql_database(server: str, name: str) -> Iterator[str]:
    engine = sqlalchemy.create_engine("postgresql+psycopg" + server.removeprefix("postgresql"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield server.replace("/postgres?", f"/{name}?")
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@contextmanager
def opened(url: str) -> Iterator[Flask]:
    app = create_app(settings_for(url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _fill(rows: dict[str, list[Row]]) -> None:
    for table, entries in sorted(rows.items(), key=lambda given: _ORDER.index(given[0])):
        for row in entries:
            names = ", ".join(row)
            db.session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row)
    db.session.commit()


def _described() -> dict[str, Any]:
    """Every table as the database describes it: columns, keys, checks, indexes with their conditions."""
    found = inspect(db.engine)
    tables = [name for name in found.get_table_names() if name != "alembic_version"]
    return {
        table: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"]) for c in found.get_columns(table)},
            "primary key": found.get_pk_constraint(table),
            "foreign keys": _sorted(found.get_foreign_keys(table)),
            "unique": _sorted(found.get_unique_constraints(table)),
            "checks": _sorted(found.get_check_constraints(table)),
            "indexes": _sorted(found.get_indexes(table)),
        }
        for table in tables
    }


def _sorted(things: list[Any]) -> list[str]:
    return sorted(_said(thing) for thing in things)


def _said(thing: Any) -> str:
    """As text that is equal for equal things: conditions of indexes are objects that compare by identity."""
    return str(sorted((name, _said(value)) for name, value in thing.items())) if isinstance(thing, dict) else str(thing)


def test_migrations_and_models_make_the_same_database(nothing: str) -> None:
    with opened(nothing):
        db.create_all()
        from_models = _described()
        db.session.rollback()
        db.drop_all()
        upgrade()
        assert _described() == from_models


def test_the_tool_that_writes_migrations_finds_nothing_to_write(nothing: str) -> None:
    with opened(nothing) as app:
        upgrade()
        assert app.test_cli_runner().invoke(args=["db", "check"]).exit_code == 0


def test_upgrading_from_nothing_and_again_is_current(nothing: str) -> None:
    with opened(nothing):
        assert not schema.is_current()
        db.session.rollback()
        for _ in range(2):
            upgrade()
            assert schema.is_current()
            db.session.rollback()


@pytest.mark.parametrize("version", chain())
def test_a_database_of_an_earlier_version_is_brought_up_to_date_with_its_rows(nothing: str, version: str) -> None:
    with opened(nothing):
        upgrade(revision=version)
        tables = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
        assert set(ROWS[version]) == tables, "every table has a row to migrate"
        _fill(ROWS[version])
        for following in chain()[chain().index(version) + 1 :]:
            upgrade(revision=following)
        assert schema.is_current()
        row = db.session.execute(text("SELECT reference, pupils, needs, class_key FROM bookings WHERE id = 1")).one()
        assert row.reference == "7KQ4-M9TX"
        assert row.pupils == 31
        assert row.class_key == "college du port|gennevilliers|3e|3b"
        assert [finding.broken for finding in doctor.examine() if finding.broken] == []


def test_every_migration_has_rows_for_the_next_one_to_meet() -> None:
    assert list(ROWS) == chain()


def test_migrations_stand_in_one_line() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_an_interrupted_migration_is_run_again(nothing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A migration that fails half-way leaves the version before, and the next upgrade does the whole of it."""
    folder = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", folder, ignore=shutil.ignore_patterns("__pycache__"))
    broken = folder / "versions" / "9999_breaks.py"
    broken.write_text(
        "from alembic import op\nimport sqlalchemy as sa\n\n"
        f'revision = "9999"\ndown_revision = "{chain()[-1]}"\nbranch_labels = None\ndepends_on = None\n\n\n'
        'def upgrade():\n    op.create_table("half_way", sa.Column("id", sa.Integer(), primary_key=True))\n'
        '    raise ValueError("the power went")\n'
    )
    with opened(nothing) as app:
        upgrade()
        with pytest.raises(ValueError, match="the power went"):
            upgrade(directory=str(folder))
        assert schema.is_current()
        db.session.rollback()
        broken.write_text(broken.read_text().replace('    raise ValueError("the power went")\n', ""))
        assert app.extensions["migrate"].db is db
        upgrade(directory=str(folder))
        assert "half_way" in inspect(db.engine).get_table_names()
