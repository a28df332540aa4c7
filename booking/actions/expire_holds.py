"""Held places whose time is over go back, and the person is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from booking import clock
from booking.actions.offer_places import end_offer, free_places
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.steps import step
from booking.db import db
from booking.errors import NotFound
from booking.models import CLOCK, Booking, HeldFor, Kind, Outcome, Status
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
    if not booking.is_overdue(now):
        return False
    expire(booking, now)
    return True


def expire(booking: Booking, now: datetime) -> None:
    """The step itself: state, history, messages, places. Both halves of a split class go together."""
    halves = [half for half in fetch.together(booking) if half.status is Status.HELD]
    for half in halves:
        held_for = half.held_for
        end_offer(half, Outcome.EXPIRED, now)
        step(half, Status.EXPIRED, CLOCK, "expired", now)
        queue_message(half, Kind.BOOKING_EXPIRED, now, held_for=held_for)
        if held_for is HeldFor.HOST:
            queue_host_notice(half, Kind.HOST_REQUEST_EXPIRED, now)
    db.session.flush()
    free_places(halves, now)
