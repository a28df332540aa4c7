"""Every wait has an end: the list of a slot is over when nothing can be offered any more, and who still waits is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from booking import clock
from booking.actions.offer_places import stop_waiting
from booking.actions.queue_message import queue_copy, queue_message, times_told
from booking.actions.steps import record, step
from booking.db import db
from booking.errors import NotFound
from booking.models import CLOCK, Booking, Kind, Slot, Status, Wait, Who
from booking.offer_times import last_call
from booking.queries import fetch
from booking.queries.waiting import stands_already

LISTED_AT_LEAST_UNTIL = timedelta(hours=48)
"""A list stays until so long before the visit, though bookings be closed: the host may open them again."""


def list_ends_at(slot: Slot) -> datetime:
    """From when on nobody need wait for this slot any more: no fair time to answer an offer would be left."""
    return last_call(max(slot.closes_at, slot.starts_at - LISTED_AT_LEAST_UNTIL))


def due_waits(limit: int = 100) -> list[str]:
    """References of requests whose wait is over, or whose address nobody has proven in time; the longest overdue first."""
    statement = (
        select(Booking.reference)
        .where(Booking.status == Status.WAITING, Booking.expires_at <= clock.now())
        .order_by(Booking.expires_at)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


def end_wait(reference: str) -> bool:
    """Let one wait end if its time is over. Says whether it did; repeating it is harmless."""
    try:
        booking = fetch.booking(reference)
    except NotFound:
        return False
    now = clock.now()
    if booking.status is not Status.WAITING or booking.expires_at is None or booking.expires_at > now:
        return False
    stop_waiting(booking)
    step(booking, Status.EXPIRED, CLOCK, "expired", now)
    queue_message(booking, Kind.WAITING_ENDED, now)
    return True


def set_waits_by(slot: Slot) -> None:
    """Let the waits for a slot end by the times it has now. Its verb writes the history."""
    waiting = select(Wait.booking_id).where(Wait.slot_id == slot.id)
    ends: dict[int, datetime] = {}
    rows = select(Wait.booking_id, Slot).join(Slot, Slot.id == Wait.slot_id).where(Wait.booking_id.in_(waiting))
    for booking_id, one in db.session.execute(rows):
        ends[booking_id] = max(ends.get(booking_id, list_ends_at(one)), list_ends_at(one))
    for booking in db.session.scalars(select(Booking).where(Booking.id.in_(waiting)).order_by(Booking.id)):
        booking.expires_at = ends[booking.id]


def close_list(slot: Slot, who: Who, why: str, now: datetime) -> list[Booking]:
    """Nobody can come to this slot any more: who would also come to another goes on waiting there, and the rest is answered with.

    Their requests are cancelled; the caller tells them.
    """
    ended = []
    for booking in _waiting_for(slot):
        others = [other for other in fetch.slots(booking.wanted_slots) if other.id != slot.id and _runs(other, now)]
        left = [other for other in others if not stands_already(other.id, booking)]
        booking.wanted_slots = [other.id for other in left]
        db.session.execute(delete(Wait).where(Wait.booking_id == booking.id, Wait.slot_id.not_in(booking.wanted_slots)))
        if left:
            booking.slot = booking.slot if booking.slot_id != slot.id else left[0]
            booking.places = booking.slot.places_for(booking.party)
            booking.expires_at = max(list_ends_at(other) for other in left)
            record(booking, who, "list_closed", now, Status.WAITING, {"slot": slot.id, "why": why})
            if booking.proven_at:
                tell_of_closed_list(booking, slot, now)
        else:
            step(booking, Status.CANCELLED, who, "cancelled", now, why)
            ended.append(booking)
    return ended


def tell_of_closed_list(booking: Booking, slot: Slot, now: datetime) -> None:
    """Tell somebody who goes on waiting elsewhere that nobody can come to this slot any more."""
    copy = times_told(booking, Kind.WAITING_JOINED)
    queue_copy(booking, Kind.WAITING_JOINED, now, copy, closed=slot.starts_at.isoformat())


def _waiting_for(slot: Slot) -> Iterable[Booking]:
    """Who waits for a slot, proven or not, in the order of their requests."""
    queued = select(Wait.booking_id).where(Wait.slot_id == slot.id)
    either = Booking.id.in_(queued) | (Booking.slot_id == slot.id)
    statement = select(Booking).where(Booking.status == Status.WAITING, either).order_by(Booking.id)
    of_event = joinedload(Booking.slot, innerjoin=True).joinedload(Slot.event, innerjoin=True)
    return db.session.scalars(statement.options(of_event), execution_options={"populate_existing": True}).all()


def _runs(slot: Slot, now: datetime) -> bool:
    return slot.cancelled_at is None and now < list_ends_at(slot)
