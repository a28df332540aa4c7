"""One step of a booking: the state, the history and nothing else. What follows from it is the verb's affair."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from booking.db import add_rows
from booking.errors import WrongState
from booking.models import Booking, HeldFor, HistoryEntry, Status, Subject, Who
from booking.models.booking import LIVE, STEPS

_ENDS = frozenset({Status.CANCELLED, Status.REFUSED, Status.EXPIRED})


def step(
    booking: Booking,
    to: Status,
    who: Who,
    action: str,
    now: datetime,
    why: str = "",
    *,
    new: bool = False,
    held: tuple[HeldFor, datetime] | None = None,
    **details: object,
) -> None:
    """Lead a booking to another state, if the table of steps lets this actor. A `new` one comes from no state at all.

    `held` says for what a held one is held, and until when. Raises `WrongState` where the table does not allow the step. The
    row's version guards the write: when somebody else changed the booking since it was read, the UPDATE matches no row and the
    transaction is run again.
    """
    before = None if new else booking.status
    if who.actor not in STEPS.get((before, to), frozenset()):
        raise WrongState(booking.status)
    booking.status = to
    booking.held_for, booking.expires_at = held or (None, None)
    if to is Status.CONFIRMED:
        booking.confirmed_at = now
    if to in _ENDS:
        booking.ended_at, booking.ended_by, booking.end_reason = now, who.actor, why
    record(booking, who, action, now, before, details | ({"why": why} if why else {}))


def record(
    booking: Booking, who: Who, action: str, now: datetime, before: Status | None, details: Mapping[str, object] | None = None
) -> None:
    """Add one line to a booking's history. The booking must have been flushed once: the line needs its id."""
    entry = {
        "booking_id": booking.id,
        "at": now,
        "actor": who.actor,
        "account_id": who.account_id,
        "acting_for_id": who.acting_for_id,
        "action": action,
        "subject": Subject.BOOKING,
        "subject_id": booking.id,
        "name": booking.reference,
        "organisation_id": booking.slot.event.host_id,
        "edition_id": booking.slot.event.edition_id,
        "event_id": booking.slot.event_id,
        "status_before": before,
        "status_after": booking.status,
        "places_after": booking.places if booking.status in LIVE else 0,
        "details": dict(details or {}),
    }
    add_rows(HistoryEntry, [entry])
