"""Remind a school's head, once, of a request that waits for an answer.

A mailbox that many people share is read with some delay: the first half of the time belongs to it, and where there is plenty, all
but the last two days do. A reminder any sooner would press, a later one would help nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from booking import clock
from booking.actions.queue_message import queue_to_head
from booking.actions.steps import record
from booking.db import db
from booking.errors import NotFound
from booking.models import CLOCK, Booking, HeldFor, Kind, Message, Status
from booking.queries import fetch

LAST_CALL = timedelta(days=2)
"""How long before the deadline the reminder goes out, where half of the time has gone by then."""


def remind_at(asked_at: datetime, until: datetime) -> datetime:
    """When to remind who was asked at `asked_at` and may answer until `until`. Lengths are real time, whatever clocks show."""
    return max(asked_at + (until - asked_at) / 2, until - LAST_CALL)


def due_reminders(limit: int = 100) -> list[str]:
    """References of bookings whose head is to be reminded now, the nearest deadline first."""
    now = clock.now()
    asked_at = func.max(Message.created_at)  # a visit that was moved is asked about once more
    statement = (
        select(Booking.reference, Booking.expires_at, asked_at)
        .join(Message, Message.booking_id == Booking.id)
        .where(
            Booking.status == Status.HELD,
            Booking.expires_at > now,
            Booking.held_for == HeldFor.HEAD,
            Booking.head_reminded_at.is_(None),
            Message.kind == Kind.HEAD_ASKED,
        )
        .group_by(Booking.id, Booking.reference, Booking.expires_at)
        .order_by(Booking.expires_at)
    )
    waits = [row.tuple() for row in db.session.execute(statement)]
    return [reference for reference, until, at in waits if until and remind_at(at, until) <= now][:limit]


def remind_head(reference: str) -> bool:
    """Remind the head of one request if nobody has yet. Says whether it did; repeating it is harmless."""
    try:
        booking = fetch.booking(reference)
    except NotFound:
        return False
    now = clock.now()
    waits = booking.status is Status.HELD and booking.held_for is HeldFor.HEAD and not booking.is_overdue(now)
    if not waits or booking.head_reminded_at is not None:
        return False
    booking.head_reminded_at = now
    queue_to_head(booking, Kind.HEAD_REMINDED, now)
    record(booking, CLOCK, "head_reminded", now, booking.status)
    return True
