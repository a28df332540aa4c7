"""The bookings of one slot: those that must hear of a change, and those its host looks through."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from booking.db import db
from booking.models import Booking, HistoryEntry, Slot, Status
from booking.models.booking import LIVE

TO_COME = frozenset({Status.HELD, Status.WAITING, Status.CONFIRMED})
"""The states of those who still mean to come."""


def live(slot_id: int) -> list[Booking]:
    """The bookings that hold places, fresh, in the order they were made."""
    return _of(slot_id, LIVE)


def to_come(slot_id: int) -> list[Booking]:
    """The bookings of those who still mean to come, the waiting ones among them, fresh, in the order they were made."""
    return _of(slot_id, TO_COME)


def not_waiting(slot_id: int) -> list[Booking]:
    """Every booking the slot ever had, in the order they were made; those who wait have a page of their own."""
    return _of(slot_id, frozenset(Status) - {Status.WAITING})


def last_move(booking: Booking) -> HistoryEntry | None:
    """The last time the host changed when or where this visit takes place; its `details` say what it `was`, and why.

    Whoever has chosen another slot since, or was given one, has left that news behind.
    """
    moves = HistoryEntry.booking_id == booking.id, HistoryEntry.action.in_(("rescheduled", "changed_slot"))
    last = db.session.scalars(select(HistoryEntry).where(*moves).order_by(HistoryEntry.id.desc()).limit(1)).first()
    return last if last and last.action == "rescheduled" else None


def form_key(event_id: int, key: str) -> str:
    """What the slots one form adds are named with, so that the form sent twice adds them once."""
    return hashlib.sha256(f"slots:{event_id}:{key}".encode("utf-8", "surrogatepass")).hexdigest()[:40]


def added_by_form(event_id: int, key: str) -> list[Slot]:
    """The slots this very form has added before."""
    named = Slot.key.like(f"{form_key(event_id, key)}:%")
    return list(db.session.scalars(select(Slot).where(Slot.event_id == event_id, named).order_by(Slot.starts_at, Slot.id)))


def _of(slot_id: int, states: frozenset[Status]) -> list[Booking]:
    statement = select(Booking).where(Booking.slot_id == slot_id, Booking.status.in_(states)).order_by(Booking.id)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))
