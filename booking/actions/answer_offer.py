"""Accept or decline the places that were offered to somebody who waited."""

from __future__ import annotations

from datetime import datetime

from booking import clock
from booking.actions.join_waiting_list import stand_in_queues
from booking.actions.offer_places import end_offer, free_places, lock_around, offer_places
from booking.actions.settle import settle
from booking.actions.steps import step
from booking.actions.waiting_ends import list_ends_at, tell_of_closed_list
from booking.errors import BookingClosed, WrongState
from booking.models import BOOKER, Booking, HeldFor, Outcome, Slot, Status, Who
from booking.queries import fetch


def accept_offer(reference: str, who: Who = BOOKER) -> Booking:
    """Take the places: the booking is confirmed, or waits for whoever must approve. Accepting twice accepts once.

    Raises `NotFound`, `WrongState` (nothing is offered, or no longer) or `BookingClosed` (cancelled, or the visit has begun).
    """
    booking, now = fetch.booking(reference), clock.now()
    if booking.status is Status.CONFIRMED or booking.held_for in {HeldFor.HEAD, HeldFor.HOST}:
        return booking
    _refuse_unless_offered(booking, now)
    closed = booking.slot.closed_because(now)
    if closed and closed.why != "too_late":
        raise BookingClosed(closed.why, at=closed.at)
    end_offer(booking, Outcome.ACCEPTED, now)
    settle(booking, who, "offer_accepted", now)
    return booking


def decline_offer(reference: str, who: Who = BOOKER, *, stay: bool = False) -> Booking:
    """Give the offered places up; they go to the next who fits. Declining what was declined changes nothing.

    Who wants to `stay` keeps the rank and waits for what was not offered: for all of the class where a part was, and for
    the other slots where there are any (`what_is_left_to_wait_for`). Raises `NotFound` or `WrongState`.
    """
    booking, now = fetch.booking(reference), clock.now()
    if booking.status in {Status.CANCELLED, Status.WAITING}:
        return booking
    _refuse_unless_offered(booking, now)
    end_offer(booking, Outcome.DECLINED, now)
    left = what_is_left_to_wait_for(booking, now) if stay else []
    elsewhere = {pool.id for slot in left for pool in slot.pools}
    lock_around({pool.id for pool in booking.slot.pools} | elsewhere)
    if left:
        _wait_on(booking, left, who, now, "offer_declined")
    else:
        step(booking, Status.CANCELLED, who, "offer_declined", now)
    free_places([booking], now)
    offer_places(elsewhere, now)  # who had an offer was passed over there meanwhile
    return fetch.booking(reference)


def withdraw_offer(booking: Booking, who: Who, now: datetime) -> bool:
    """End the open offer of somebody whose slot is cancelled; says whether they go on waiting for other slots, with their rank.

    The caller gives the places back, and ends the request where nothing is left to wait for.
    """
    end_offer(booking, Outcome.WITHDRAWN, now)
    cancelled = booking.slot
    left = what_is_left_to_wait_for(booking, now) if booking.held_for is HeldFor.OFFER else []
    if not left:
        return False
    booking.slot = left[0]
    _wait_on(booking, left, who, now, "list_closed")
    tell_of_closed_list(booking, cancelled, now)
    return True


def what_is_left_to_wait_for(booking: Booking, now: datetime) -> list[Slot]:
    """The slots a party that declines an offer could go on waiting for: this one where a part was offered, and the others."""
    slots = fetch.slots(booking.wanted_slots)
    running = [slot for slot in slots if slot.cancelled_at is None and now < list_ends_at(slot)]
    return [slot for slot in running if slot.id != booking.slot_id or booking.asked_pupils is not None]


def _refuse_unless_offered(booking: Booking, now: datetime) -> None:
    if booking.is_overdue(now):
        raise WrongState(Status.EXPIRED)
    if booking.status is not Status.HELD or booking.held_for is not HeldFor.OFFER:
        raise WrongState(booking.status)


def _wait_on(booking: Booking, slots: list[Slot], who: Who, now: datetime, action: str) -> None:
    """Back into the queues with the old rank. Who declined a part waits for the whole; nobody declined what was withdrawn."""
    if booking.asked_pupils is not None:
        booking.pupils, booking.asked_pupils = booking.asked_pupils, None
        booking.at_least = None if action == "offer_declined" else booking.at_least
    booking.places = booking.slot.places_for(booking.party)
    booking.wanted_slots = [slot.id for slot in slots]
    step(booking, Status.WAITING, who, action, now)
    stand_in_queues(booking, slots, now)
