"""The host offers places to somebody who waits, by hand: the queue may be passed over, and the history says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from booking import clock
from booking.actions.offer_places import lock_around, make_offer
from booking.db import db
from booking.errors import BookingClosed, Invalid, NotFound, Problem, SlotFull, WrongState
from booking.models import Booking, Slot, Status, Wait, Who
from booking.models.admission import rule_against
from booking.models.party import read_number
from booking.offer_times import offer_deadline
from booking.queries import fetch
from booking.queries.standing import standing_of
from booking.queries.waiting import Next, stands_already


def offer_by_hand(reference: str, slot_id: int, pupils: object, who: Who) -> Booking:
    """Offer free places on a slot to a party that waits for it, ahead of whoever has waited longer.

    `pupils` is with how many a class may come, as a form wrote it: all of them, or no fewer than it said it would come with; of a
    person nothing is asked. The offer holds the places like any other. Bookings that are closed do not bind the host, but there
    must be time to answer. Raises `NotFound`, `WrongState`, `Invalid`, `BookingClosed`, `SlotFull` or a rule of booking.
    """
    now = clock.now()
    slot = fetch.slot(slot_id)
    lock_around({pool.id for pool in slot.pools})
    slot, booking = fetch.slot(slot_id), fetch.booking(reference)
    if booking.slot.event_id != slot.event_id:
        raise NotFound
    wait = db.session.get(Wait, (booking.id, slot.id), populate_existing=True)
    if booking.status is not Status.WAITING or wait is None or stands_already(slot.id, booking):
        raise WrongState(booking.status)
    number = _read_pupils(booking, pupils)
    party = replace(booking.party, pupils=number) if booking.is_class else booking.party
    if refused := rule_against(slot, party, now, by_host=True, standing=standing_of(slot, party, [booking.id])):
        raise refused
    free, wanted = slot.places_left(booking.comes_as, now).remaining, slot.places_for(party)
    if wanted > free:
        raise SlotFull(remaining=free, wanted=wanted)
    until = offer_deadline(now, last_answer(slot))
    if until is None:
        raise BookingClosed("too_late", at=slot.closes_at)
    make_offer(booking, Next(wait, slot, free, until), who, now, number if booking.is_class else None)
    return fetch.booking(reference)


def last_answer(slot: Slot) -> datetime:
    """Until when an answer is of use: the close of bookings, or the visit itself where the host offers after it (UTC)."""
    return slot.closes_at if clock.now() < slot.closes_at else slot.starts_at


def _read_pupils(booking: Booking, given: object) -> int:
    if not booking.is_class:
        return 0
    whole = booking.asked_pupils or booking.pupils
    read = read_number(given, booking.at_least or whole, whole)
    if isinstance(read, Problem):
        raise Invalid({"pupils": read})
    return read
