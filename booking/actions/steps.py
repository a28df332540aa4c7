"""One step of a booking: the state, the history and nothing else. What follows from it is the verb's affair."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from booking.db import add_rows
from booking.errors import WrongState
from booking.models import Actor, Booking, HistoryEntry, Status
from booking.models.booking import LIVE, STEPS

_ENDS = frozenset({Status.CANCELLED, Status.REFUSED, Status.EXPIRED})


def step(booking: Booking, to: Status, actor: Actor, action: str, now: datetime, why: str = "") -> None:
    """Lead a booking to another state, if the table of steps lets this actor.

    Raises `WrongState` otherwise. The row's version guards the write: when somebody else changed the booking
    since it was read, the UPDATE matches no row and the transaction is run again.
    """
    before = booking.status
    if actor not in STEPS.get((before, to), frozenset()):
        raise WrongState(before)
    booking.status = to
    booking.held_for = booking.expires_at = None
    if to is Status.CONFIRMED:
        booking.confirmed_at = now
    if to in _ENDS:
        booking.ended_at, booking.ended_by, booking.end_reason = now, actor, why
    record(booking, actor, action, now, before, {"why": why} if why else {})


def record(
    booking: Booking, actor: Actor, action: str, now: datetime, before: Status | None, details: Mapping[str, object] | None = None
) -> None:
    """Add one line to a booking's history. The booking must have been flushed once: the line needs its id."""
    entry = {
        "booking_id": booking.id,
        "at": now,
        "actor": actor,
        "action": action,
        "status_before": before,
        "status_after": booking.status,
        "places_after": booking.places if booking.status in LIVE else 0,
        "details": dict(details or {}),
    }
    add_rows(HistoryEntry, [entry])
