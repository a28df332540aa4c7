"""The bookings of one slot: those that must hear of a change, and those its host looks through."""

from __future__ import annotations

from sqlalchemy import select

from booking.db import db
from booking.models import Booking, Status
from booking.models.booking import LIVE

TO_COME = frozenset({Status.HELD, Status.WAITING, Status.CONFIRMED})
"""The states of those who still mean to come."""


def live(slot_id: int) -> list[Booking]:
    """The bookings that hold places, fresh, in the order they were made."""
    return _of(slot_id, LIVE)


def to_come(slot_id: int) -> list[Booking]:
    """The bookings of those who still mean to come, the waiting ones among them, fresh, in the order they were made."""
    return _of(slot_id, TO_COME)


def of_slot(slot_id: int) -> list[Booking]:
    """Every booking the slot ever had, in the order they were made."""
    return _of(slot_id, frozenset(Status))


def _of(slot_id: int, states: frozenset[Status]) -> list[Booking]:
    statement = select(Booking).where(Booking.slot_id == slot_id, Booking.status.in_(states)).order_by(Booking.id)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))
