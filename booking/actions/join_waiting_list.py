"""Wait for a full slot: one request for one party, however large, with a rank from the moment its address is proven."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import func, select

from booking import clock
from booking.actions.booking_request import (
    Terms,
    count_against_limits,
    earlier,
    new_booking,
    refuse_own_address,
    request_hash_of,
)
from booking.actions.offer_places import lock_around, offer_places
from booking.actions.queue_message import queue_copy, queue_message, times_told
from booking.actions.steps import record
from booking.actions.waiting_ends import list_ends_at
from booking.db import add_rows, db
from booking.errors import AlreadyBooked, BookingClosed, Invalid, NotFound, NotFull, Problem
from booking.models import Actor, Booking, Kind, Party, Slot, Status, Wait, Who
from booking.models.admission import misfits, rule_against
from booking.models.party import AUDIENCE_OF_LEVEL
from booking.queries import fetch
from booking.queries.standing import standing_of, take_turns
from booking.queries.waiting import stands_already


def join_waiting_list(
    slot_id: int, party: Party, terms: Terms, at_least: int | None = None, also: Collection[int] = ()
) -> Booking:
    """Let a party wait for a slot, or find the request it made before.

    `at_least` is the number of pupils a class would come with, where not all fit; `also` names other slots of the event it would
    come to. Who has proven the address stands in the queue at once, anybody else when they confirm. Where part of a class fits at
    once it is offered at once. Raises `NotFound`, `IdempotencyKeyReused`, `AlreadyBooked`, `NotFull` (there is room: book),
    `BookingClosed` (also where the list is over), `Invalid`, `PriorityOnly`, `ClassBooked`, `SchoolLimit` or `TooMany`.
    """
    now = clock.now()
    take_turns(party)
    slot = fetch.slot(slot_id)
    others = sorted(set(also) - {slot_id})
    request_hash = request_hash_of([slot_id, *others], party, at_least)
    before = earlier(slot, party, terms, request_hash, now)
    if before.booking:
        return before.booking
    refuse_own_address(party, terms)
    pools = {pool.id for one in fetch.slots([slot_id, *others]) for pool in one.pools}
    lock_around(pools)
    offer_places(pools, now)  # who waited before is served before anybody is told that there is room
    slot = fetch.slot(slot_id)
    wanted = [slot, *(_other(slot, number) for number in others)]
    by_host = terms.who.actor is Actor.HOST
    _refuse_unless_it_may_wait(wanted, party, at_least, now, by_host=by_host)
    count_against_limits(party, terms, now)
    booking = new_booking(slot, party, terms, request_hash, now)
    _refuse_if_it_stands_there(booking, others)
    booking.status, booking.held_for = Status.WAITING, None
    booking.at_least = at_least if party.is_class and at_least and at_least < party.pupils else None
    booking.wanted_slots = [one.id for one in wanted]
    booking.expires_at = now + terms.hold_for
    db.session.add(booking)
    db.session.flush()
    record(booking, terms.who, "booked", now, None, {"also": others} if others else {})
    if terms.proven:
        return enter_queues(booking, terms.who, now)
    queue_message(booking, Kind.WAITING_TO_PROVE, now)
    return booking


def enter_queues(booking: Booking, who: Who, now: datetime) -> Booking:
    """Give a request its rank and its place in the queue of each slot it asked for, and offer it what fits already.

    Raises `BookingClosed` where every slot it asked for is over.
    """
    slots = [slot for slot in fetch.slots(booking.wanted_slots) if slot.cancelled_at is None and now < list_ends_at(slot)]
    if not slots:
        raise BookingClosed("too_late", at=booking.slot.closes_at)
    pools = {pool.id for slot in slots for pool in slot.pools}
    lock_around(pools)
    booking.proven_at = booking.proven_at or now
    if booking.rank is None:
        booking.rank = (db.session.scalar(select(func.max(Booking.rank))) or 0) + 1
    stand_in_queues(booking, slots, now)
    record(booking, who, "queued", now, Status.WAITING, {"rank": booking.rank})
    queue_copy(booking, Kind.WAITING_JOINED, now, times_told(booking, Kind.WAITING_JOINED))
    db.session.flush()
    offer_places(pools, now)
    return fetch.booking(booking.reference)


def stand_in_queues(
    booking: Booking, slots: Collection[Slot], now: datetime, since: Mapping[int, datetime] = MappingProxyType({})
) -> None:
    """Put a request into the queue of each slot, with its rank and the places it would take there.

    `since` says, by slot, since when it has stood there already.
    """
    whole = replace(booking.party, pupils=booking.asked_pupils or booking.pupils)
    part = replace(whole, pupils=booking.at_least) if booking.at_least else whole
    audience = AUDIENCE_OF_LEVEL[booking.level].value if booking.level in AUDIENCE_OF_LEVEL else booking.audience
    rows = [
        {
            "booking_id": booking.id, "slot_id": slot.id, "rank": booking.rank, "smallest": slot.places_for(part),
            "largest": slot.places_for(whole), "audience": audience, "since": since.get(slot.id, now),
        }
        for slot in slots
    ]  # fmt: skip
    booking.expires_at = max(list_ends_at(slot) for slot in slots)
    add_rows(Wait, rows)


def _other(slot: Slot, number: int) -> Slot:
    """Another slot of the same event the party would come to. Raises `NotFound`."""
    other = fetch.slot(number)
    if other.event_id != slot.event_id:
        raise NotFound
    return other


def _refuse_if_it_stands_there(booking: Booking, others: list[int]) -> None:
    """One party stands once on a slot: who has a request for one of the others cannot be offered that one too."""
    for number in others:
        if reference := stands_already(number, booking):
            raise AlreadyBooked(reference=reference)


def _refuse_unless_it_may_wait(slots: list[Slot], party: Party, at_least: int | None, now: datetime, *, by_host: bool) -> None:
    """The rules are those of booking, and the slot must be full: who fits, and stands behind nobody who fits, books."""
    for slot in slots:
        standing = standing_of(slot, party)
        if refused := rule_against(slot, party, now, by_host=by_host, standing=standing):
            raise refused
        if now >= list_ends_at(slot):
            raise BookingClosed("too_late", at=slot.closes_at)
        refuse_unless_it_can_ever_fit(slot, party, at_least)
        left = slot.places_left(party.comes_as, now).remaining
        if left >= slot.places_for(party):
            raise NotFull(remaining=left, slot_id=slot.id)


def refuse_unless_it_can_ever_fit(slot: Slot, party: Party, at_least: int | None) -> None:
    """Nobody waits for what can never be: the fewest who would come must suit the slot. Raises `Invalid`."""
    smallest = party
    if party.is_class and at_least is not None:
        if at_least > party.pupils:
            raise Invalid({"at_least": Problem("too_high", {"high": party.pupils})})
        smallest = replace(party, pupils=at_least)
        if size := misfits(slot, smallest).get("pupils"):
            raise Invalid({"at_least": size})
    most = slot.places_left(party.comes_as, slot.closes_at).capacity  # with what opens to this party meanwhile
    if slot.places_for(smallest) > most:
        raise Invalid({"pupils" if party.is_class else "audience": Problem("never_fits", {"most": most})})
