"""Held places whose time is over go back, and the person is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from booking import clock
from booking.actions.places import give_back
from booking.actions.queue_message import queue_message
from booking.actions.steps import step
from booking.db import db
from booking.errors import NotFound
from booking.models import CLOCK, Booking, Kind, Status
from booking.queries import fetch


def due_holds(limit: int = 100) -> list[str]:
    """References of held bookings whose deadline has passed, the longest overdue first."""
    statement = (
        select(Booking.reference)
        .where(Booking.status == Status.HELD, Booking.expires_at <= clock.now())
        .order_by(Booking.expires_at)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


def expire_hold(reference: str) -> bool:
    """Let one hold expire if its deadline has passed. Says whether it did; repeating it is harmless."""
    try:
        booking = fetch.booking(reference)
    except NotFound:
        return False
    now = clock.now()
    if booking.status is not Status.HELD or booking.expires_at is None or booking.expires_at > now:
        return False
    expire(booking, now)
    return True


def expire(booking: Booking, now: datetime) -> None:
    """The step itself: state, history, message, places."""
    step(booking, Status.EXPIRED, CLOCK, "expired", now)
    queue_message(booking, Kind.BOOKING_EXPIRED, now)
    db.session.flush()
    give_back(booking)
