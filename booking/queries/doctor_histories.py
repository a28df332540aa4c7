"""What the doctor reads in the histories: they lead to what is, by steps that may be taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, and_, or_, select

from booking.db import db
from booking.models import Booking, HistoryEntry, Status
from booking.models.booking import LIVE, STEPS

_FINAL = frozenset(Status) - {before for before, _ in STEPS}


def bookings_their_history_does_not_explain() -> Iterator[str]:
    """Bookings whose history, replayed, leads elsewhere, or takes a step nobody may take."""
    of_bookings = histories()
    for row in db.session.execute(select(Booking.id, Booking.status, Booking.places).order_by(Booking.id)):
        entries = of_bookings.get(row.id, [])
        if fault := _fault_in(entries):
            yield f"booking {row.id} ({fault})"
        elif entries[-1].status_after is not row.status:
            yield f"booking {row.id} (is {row.status}, its history says {entries[-1].status_after})"
        elif entries[-1].places_after != (row.places if row.status in LIVE else 0):
            yield f"booking {row.id} (its history ends with {entries[-1].places_after} places)"


def _fault_in(entries: list[Row[Any]]) -> str | None:
    """What is wrong with the chain of states of one booking, or None."""
    if not entries:
        return "has no history"
    reached, ended = None, ""
    for n, entry in enumerate(entries):
        if entry.status_before != reached:
            return f"entry {entry.id} does not follow from the one before"
        stays = n > 0 and entry.status_after == reached
        if not stays and entry.actor not in STEPS.get((reached, entry.status_after), ()):
            return f"entry {entry.id} is no step that {entry.actor} may take"
        if reached is Status.CANCELLED and entry.status_after is Status.CONFIRMED and ended != "declined":
            return f"entry {entry.id} brings back what was not declined"
        if entry.status_after is Status.CANCELLED and not stays:
            ended = entry.action
        reached = entry.status_after
    return None


def final_states_left() -> Iterator[str]:
    """Bookings that left a final state; out of a cancellation leads booking again, and nothing else."""
    final = or_(
        HistoryEntry.status_before.in_(_FINAL),
        and_(HistoryEntry.status_before == Status.CANCELLED, HistoryEntry.action != "booked_again"),
    )
    left = final, HistoryEntry.status_after != HistoryEntry.status_before
    for row in db.session.execute(select(HistoryEntry.id, HistoryEntry.booking_id).where(*left).order_by(HistoryEntry.id)):
        yield f"booking {row.booking_id} (entry {row.id})"


def histories() -> dict[int, list[Any]]:
    """The lines of every booking's history, in the order they were written."""
    entry = HistoryEntry
    columns = (
        entry.id,
        entry.booking_id,
        entry.actor,
        entry.action,
        entry.status_before,
        entry.status_after,
        entry.places_after,
        entry.details,
    )
    found: dict[int, list[Any]] = defaultdict(list)
    of_bookings = select(*columns).where(entry.booking_id.is_not(None)).order_by(entry.booking_id, entry.id)
    for row in db.session.execute(of_bookings):
        found[row.booking_id].append(row)
    return found
