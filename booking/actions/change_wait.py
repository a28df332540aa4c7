"""Change what a party waits for: with how few it would come, and to which slots. Its rank stays."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from booking import clock
from booking.actions.join_waiting_list import refuse_unless_it_can_ever_fit, stand_in_queues
from booking.actions.offer_places import lock_around, offer_places, stop_waiting
from booking.actions.steps import record
from booking.actions.waiting_ends import list_ends_at
from booking.db import db
from booking.errors import AlreadyBooked, BookingClosed, Invalid, NotFound, Problem, WrongState
from booking.models import BOOKER, Booking, Slot, Status, Wait, Who
from booking.models.admission import rule_against
from booking.models.party import read_number
from booking.queries import fetch
from booking.queries.standing import standing_of
from booking.queries.waiting import stands_already


def change_wait(reference: str, at_least: object, slot_ids: Collection[int], who: Who = BOOKER) -> Booking:
    """Let a party wait for these slots of its event, and come with `at_least` pupils (empty: with all or not at all).

    The number comes as a form or a program wrote it. What now fits is offered at once; the same answers again change nothing.
    Raises `NotFound`, `WrongState` (it waits no more), `Invalid`, `AlreadyBooked`, `BookingClosed` or another rule of booking
    against a slot that is new.
    """
    now, seen = clock.now(), fetch.booking(reference)
    chosen = sorted(set(slot_ids))
    if not chosen:
        raise Invalid({"also": Problem("required")})
    pools = {pool.id for slot in fetch.slots({*chosen, *seen.wanted_slots}) for pool in slot.pools}
    lock_around(pools)
    booking = fetch.booking(reference)  # as it is now that nothing more can be offered to it
    if booking.status is not Status.WAITING:
        raise WrongState(booking.status)
    fewest = _read_at_least(booking, at_least)
    in_order = [*(number for number in booking.wanted_slots if number in chosen), *(set(chosen) - set(booking.wanted_slots))]
    slots = [_slot_to_wait_for(booking, number, fewest, now) for number in in_order]
    if (fewest, set(chosen)) == (booking.at_least, set(booking.wanted_slots)):
        return booking
    _change(booking, slots, fewest, who, now)
    db.session.flush()
    if booking.rank is not None:
        offer_places(pools, now)
    return fetch.booking(reference)


def _read_at_least(booking: Booking, given: object) -> int | None:
    """The fewest pupils; None where nobody is to be left out. Raises `Invalid`."""
    if not booking.is_class or given is None or (isinstance(given, str) and not given.strip()):
        return None
    read = read_number(given, 1, booking.pupils)
    if isinstance(read, Problem):
        raise Invalid({"at_least": read})
    return read if read < booking.pupils else None


def _slot_to_wait_for(booking: Booking, number: int, at_least: int | None, now: datetime) -> Slot:
    """One of the slots asked for; the rules are asked of those that are new. Raises a refusal where it cannot be waited for."""
    slot = fetch.slot(number)
    if slot.event_id != booking.slot.event_id:
        raise NotFound
    refuse_unless_it_can_ever_fit(slot, booking.party, at_least)
    if number in booking.wanted_slots:
        return slot
    if refused := rule_against(slot, booking.party, now, standing=standing_of(slot, booking.party, [booking.id])):
        raise refused
    if now >= list_ends_at(slot):
        raise BookingClosed("too_late", at=slot.closes_at)
    if reference := stands_already(number, booking):
        raise AlreadyBooked(reference=reference)
    return slot


def _change(booking: Booking, slots: list[Slot], at_least: int | None, who: Who, now: datetime) -> None:
    before = {"at_least": booking.at_least, "slots": list(booking.wanted_slots)}
    statement = select(Wait.slot_id, Wait.since).where(Wait.booking_id == booking.id)
    since = {row.slot_id: row.since for row in db.session.execute(statement)}
    booking.at_least, booking.wanted_slots = at_least, [slot.id for slot in slots]
    if booking.slot_id not in booking.wanted_slots:
        booking.slot = slots[0]
        booking.places = slots[0].places_for(booking.party)
    record(booking, who, "wait_changed", now, Status.WAITING, {"was": before})
    if booking.rank is None:  # its address is not proven yet: it stands in no queue
        return
    stop_waiting(booking)
    stand_in_queues(booking, slots, now, since)
