"""Say how a visit was: a rating and a few words, which can be changed as long as the booking's links are open."""

from __future__ import annotations

from datetime import datetime

from booking import clock
from booking.actions.steps import record
from booking.db import db
from booking.errors import FeedbackClosed
from booking.models import BOOKER, Booking, Feedback, Status
from booking.queries import fetch
from booking.queries.personal_data import KEPT_AFTER_VISIT

_MAY_HAVE_COME = frozenset({Status.CONFIRMED, Status.ATTENDED})


def give_feedback(reference: str, rating: int, comment: str) -> Feedback:
    """Write down what a booker thought of the visit, once for each booking; a second time changes it.

    The history tells that it was given, and nothing of what was said. Raises `NotFound` or `FeedbackClosed`.
    """
    booking, now = fetch.booking(reference), clock.now()
    if closed := feedback_closed(booking, now):
        raise closed
    found = db.session.get(Feedback, booking.id, populate_existing=True)
    if found is not None and (found.rating, found.comment) == (rating, comment):
        return found
    if found is None:
        found = Feedback(booking_id=booking.id)
        db.session.add(found)
    found.rating, found.comment, found.given_at = rating, comment, now
    db.session.flush()
    record(booking, BOOKER, "feedback_given", now, booking.status)
    return found


def feedback_closed(booking: Booking, now: datetime) -> FeedbackClosed | None:
    """Why nobody can say now how this visit was, or None. Pages and the verb ask the same question here."""
    slot = booking.slot
    if booking.status not in _MAY_HAVE_COME or slot.cancelled_at or slot.event.cancelled_at:
        return FeedbackClosed("no_visit")
    if now < slot.starts_at:
        return FeedbackClosed("not_yet", at=slot.starts_at)
    return FeedbackClosed("over") if now >= slot.ends_at + KEPT_AFTER_VISIT else None
