"""A class that has its booking waits no more at the same event, where the event takes each class once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from booking.actions.offer_places import stop_waiting
from booking.actions.steps import step
from booking.db import db
from booking.models import BOOKER, Booking, Slot, Status

BOOKED_MEANWHILE = "booked_meanwhile"
"""The reason in the history, and on the page of the request that ended."""


def leave_lists(booking: Booking, now: datetime) -> None:
    """End what the same person asked for the same class at the same event, now that it has a confirmed booking.

    A colleague's request is left alone: the rule will pass it over, and its page says why.
    """
    event = booking.slot.event
    if not (booking.is_class and event.one_per_class and booking.class_key):
        return
    same = Booking.class_key == booking.class_key, Booking.email == booking.email, Booking.id != booking.id
    waiting = select(Booking).join(Booking.slot).where(Booking.status == Status.WAITING, *same, Slot.event_id == event.id)
    for other in db.session.scalars(waiting.order_by(Booking.id)):
        stop_waiting(other)
        step(other, Status.CANCELLED, BOOKER, "cancelled", now, BOOKED_MEANWHILE)
