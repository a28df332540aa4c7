"""Move a booking to another slot of its event: the new places first, then the old ones are given back and offered on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from booking import clock
from booking.actions.expire_holds import expire
from booking.actions.host_entries import lock_host_entries, note_host_entry
from booking.actions.offer_places import lock_around, offer_places
from booking.actions.places import take_and_give_back
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.settle import ask_again
from booking.actions.steps import record
from booking.db import db
from booking.errors import AlreadyBooked, NotFound, TooLate, WrongState
from booking.models import BOOKER, Actor, Booking, HeldFor, Kind, Party, Slot, Status, Who
from booking.models.admission import rule_against
from booking.models.booking import OCCUPYING
from booking.queries import fetch
from booking.queries.standing import standing_of


def move_booking(reference: str, to_slot_id: int, who: Who = BOOKER, why: str = "") -> Booking:
    """Let a party that holds places come to another slot of the same event instead. Moving it where it is changes nothing.

    Reference, links and UID stay, and the invitation follows with the next SEQUENCE (RFC 5546, 2.1.4); whoever still has to
    approve is asked again, for another day. The booker may move until the old slot's last moment to cancel, the host until
    either begins. Who waits for the new slot and fits is served first. Raises `NotFound` (also for a slot of another event),
    `WrongState`, `TooLate`, `BookingClosed`, `AlreadyBooked`, `Invalid`, `PriorityOnly`, `ClassBooked`, `SchoolLimit` or
    `SlotFull`; the booking then stays as it was.
    """
    booking, now = fetch.booking(reference), clock.now()
    if booking.slot_id == to_slot_id and booking.is_live:
        return booking
    refuse_unless_it_may_change(booking, now)
    if who.actor is Actor.BOOKER and now >= booking.slot.cancel_until:
        raise TooLate("move", at=booking.slot.cancel_until)
    slot = other_slot(booking, to_slot_id, now)
    make_way(booking, slot, booking.party, who, now)
    left = [pool.id for pool in booking.slot.pools]
    old, was = booking.slot, _what_changes(booking.slot, slot)
    booking.slot, booking.places = slot, slot.places_for(booking.party)
    if booking.expires_at:
        booking.expires_at = min(booking.expires_at, slot.starts_at)
    record(booking, who, "changed_slot", now, booking.status, {"was": was} | ({"why": why} if why else {}))
    _tell(booking, old, was, who, why, now)
    take_and_give_back(booking, slot, now)
    offer_places(left, now)
    return fetch.booking(reference)


def refuse_unless_it_may_change(booking: Booking, now: datetime) -> None:
    """Only what holds places can be moved or split, and before its visit begins. Raises `WrongState` or `BookingClosed`."""
    if booking.is_overdue(now):
        raise WrongState(Status.EXPIRED)
    if booking.status not in {Status.HELD, Status.CONFIRMED} or booking.held_for is HeldFor.OFFER:
        raise WrongState(booking.status)
    closed = booking.slot.closed_because(now)
    if closed and closed.why in {"cancelled", "past", "archived"}:
        raise closed


def other_slot(booking: Booking, slot_id: int, now: datetime) -> Slot:
    """Another slot of the event, where the booking's party has nothing yet. Raises `NotFound` or `AlreadyBooked`."""
    slot = fetch.slot(slot_id)
    if slot.event_id != booking.slot.event_id:
        raise NotFound
    same_party = Booking.slot_id == slot_id, Booking.party_key == booking.party_key, Booking.status.in_(OCCUPYING)
    for found in db.session.scalars(select(Booking).where(*same_party)):
        if not found.is_overdue(now):
            raise AlreadyBooked(reference=found.reference)
        expire(found, now)
    return slot


def make_way(booking: Booking, slot: Slot, party: Party, who: Who, now: datetime) -> None:
    """Everything that comes before `party`, which the booking is or was part of, may take its places on another slot.

    The rules are asked with this booking, and its other half, left out of what counts against it. Then the pools of both slots
    are locked in one order, so that two who change places never block each other, and who waits for the slot is served first.
    Raises what `rule_against` answers.
    """
    of_class = [half.id for half in fetch.together(booking)]
    standing = standing_of(slot, party, of_class, to_write=True)
    if refused := rule_against(slot, party, now, by_host=who.actor is Actor.HOST, standing=standing):
        raise refused
    db.session.execute(select(Booking.id).where(Booking.id.in_(of_class)).order_by(Booking.id).with_for_update())
    lock_host_entries({booking.slot_id, slot.id})
    lock_around({pool.id for one in (booking.slot, slot) for pool in one.pools})
    if slot.is_waited_for:
        offer_places([pool.id for pool in slot.pools], now)


def _what_changes(old: Slot, new: Slot) -> dict[str, str]:
    was = {"starts_at": old.starts_at.isoformat(), "ends_at": old.ends_at.isoformat()}
    return was | ({"meeting_point": old.meets_at} if old.meets_at != new.meets_at else {})


def _tell(booking: Booking, old: Slot, was: Mapping[str, str], who: Who, why: str, now: datetime) -> None:
    if booking.status is not Status.CONFIRMED:
        ask_again(booking, now)
        return
    booking.next_invitation(now)
    queue_message(booking, Kind.BOOKING_RESCHEDULED, now, was=dict(was), why=why, by=who.actor.value)
    queue_host_notice(booking, Kind.HOST_BOOKING_CHANGED, now, was=dict(was))
    note_host_entry(old, now)
