"""The history: every verb writes its line, and the guard that watches all tests sees who forgets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from booking.config import ROOT
from tests.history_guard import watched

NO_VERBS = {
    "__init__": "says what the package is",
    "host_entries": "leads a slot's calendar entry on for the verbs that change who comes, and they write the line",
    "import_words": "reads the words of a file",
    "limits": "counts against abuse, hour by hour",
    "label_changes": "is a part of the verbs that change an event, and they write the line",
    "once": "notes that a mail went out, for the verbs that send it",
    "one_time_codes": "counts wrong codes; the verb that accepts one writes the line",
    "pass_on_mail": "queues a mail and changes nothing: the mail that came in keeps what was done about it",
    "places": "takes and gives back places for the verbs of bookings, which write the line",
    "queue_message": "queues what a verb says",
    "record_change": "writes the lines",
    "remind_bookers": "queues a mail and changes nothing: the message itself tells of it",
    "steps": "writes the lines of bookings",
    "tell_host": "queues a mail and changes nothing: the message itself tells of it",
    "tell_hosts_of_day": "queues a mail and changes nothing: the message itself tells of it",
    "thank_bookers": "queues a mail and changes nothing: the message itself tells of it",
}
"""Modules of `booking.actions` that are no use case of their own, and why they write no line themselves."""
RECORDERS = {"record", "record_change", "step"}


def calls_in(source: str) -> set[str]:
    return {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }


def verbs() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "booking" / "actions").glob("*.py")):
        if path.stem not in NO_VERBS:
            yield path.stem, path.read_text()


def test_every_verb_writes_history_itself_or_through_another_verb() -> None:
    sources = dict(verbs())
    assert len(sources) > 20
    writing = {name for name, source in sources.items() if RECORDERS & calls_in(source)}
    functions = {
        node.name: name
        for name, source in sources.items()
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    }
    silent = {
        name
        for name in sources
        if name not in writing and not {functions.get(call) for call in calls_in(sources[name])} & writing
    }
    assert silent == set()


@pytest.mark.parametrize(
    ("statements", "door", "found"),
    [
        (["UPDATE events SET title = 'x'"], True, ["events"]),
        (["UPDATE events SET title = 'x'", "INSERT INTO history (id) VALUES (1)"], True, []),
        (["UPDATE events SET title = 'x'"], False, []),
        (["INSERT INTO messages (id) VALUES (1)"], True, []),
    ],
    ids=["forgotten", "told", "no door", "not audited"],
)
def test_the_guard_sees_a_door_that_forgets_the_history(statements: list[str], door: bool, found: list[str]) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        for table in ("events (title)", "history (id)", "messages (id)"):
            connection.execute(text(f"CREATE TABLE {table}"))
    with watched(engine) as forgotten:
        with engine.connect() as connection:
            if door:
                connection = connection.execution_options(coulisses_writes=True)
            for statement in statements:
                connection.execute(text(statement))
            connection.commit()
        assert forgotten == found
    engine.dispose()
