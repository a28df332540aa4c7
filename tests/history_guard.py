"""No door forgets the history: while tests run, every transaction a door commits is looked at.

A transaction of `in_transaction` that wrote to a table whose rows have a history must have written a line of history, too.
What tests prepare by hand (`db.session.commit()`) is nobody's act and is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

from booking.db import in_transaction

AUDITED = frozenset(
    {"events", "slots", "labels", "organisations", "members", "mandates", "editions", "accounts", "bookings", "pictures"}
)
_WRITE = re.compile(r'\s*(INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?', re.IGNORECASE)


_by_hand = {"on": False}


def by_hand(work: Callable[[], object]) -> None:
    """Do something no door does, in a transaction that nobody looks at: a test that makes a state no verb leads to."""
    _by_hand["on"] = True
    try:
        in_transaction(work)
    finally:
        _by_hand["on"] = False


@contextmanager
def watched(engine: Engine) -> Iterator[list[str]]:
    """Gather, inside the block, what was committed without a line of history."""
    forgotten: list[str] = []

    def note(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if found := _WRITE.match(statement):
            verb, table = found[1].upper(), found[2].lower()
            # A purge deletes bookings with their history: nothing is left that a line could be about.
            if table == "history" or (table in AUDITED and not (verb == "DELETE FROM" and table in {"bookings", "accounts"})):
                connection.info.setdefault("written", set()).add(table)

    def judge(connection: Connection) -> None:
        written = connection.info.pop("written", set())
        if _by_hand["on"]:
            return
        if connection.get_execution_options().get("coulisses_writes") and written and "history" not in written:
            forgotten.append(", ".join(sorted(written)))

    def forget(connection: Connection) -> None:
        connection.info.pop("written", None)

    listeners = (("before_cursor_execute", note), ("commit", judge), ("rollback", forget))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield forgotten
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)
