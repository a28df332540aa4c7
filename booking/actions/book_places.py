"""Book places on a slot for one party: the product's first verb."""

from __future__ import annotations

from booking import clock
from booking.actions.booking_request import (
    Terms,
    count_against_limits,
    earlier,
    new_booking,
    refuse_own_address,
    request_hash_of,
)
from booking.actions.offer_places import offer_places
from booking.actions.places import hold_places
from booking.actions.settle import settle
from booking.db import db
from booking.models import Actor, Booking, Party
from booking.queries import fetch
from booking.queries.standing import slot_in_turn, standing_of

__all__ = ["Terms", "book_places"]


def book_places(slot_id: int, party: Party, terms: Terms) -> Booking:
    """Take places for a party, or find the booking the same request made before.

    An unproven address gets held places and a mail that asks to confirm; a proven one is confirmed at once with the invitation,
    or held for whoever must approve. Whoever waits for the slot and fits is served first. Raises `NotFound`,
    `IdempotencyKeyReused`, `AlreadyBooked`, `BookingClosed`, `Invalid`, `PriorityOnly`, `ClassBooked`, `SchoolLimit`, `TooMany`
    or `SlotFull`. Places are taken by the last statement, so that the pools are locked for an instant.
    """
    now = clock.now()
    slot = slot_in_turn(slot_id, party)  # first of all: the same request may be under way, and is then the booking this one made
    request_hash = request_hash_of(slot_id, party)
    before = earlier(slot, party, terms, request_hash, now)
    if before.booking:
        return before.booking
    if slot.is_waited_for:
        offer_places([pool.id for pool in slot.pools], now)
    if slot.is_waited_for or before.let_go:
        slot = fetch.slot(slot_id)  # its places may have changed just now
    refuse_own_address(party, terms)
    standing = standing_of(slot, party)
    if refusal := slot.refusal_for(party, now, by_host=terms.who.actor is Actor.HOST, standing=standing):
        raise refusal
    count_against_limits(party, terms, now)
    booking = new_booking(slot, party, terms, request_hash, now)
    db.session.add(booking)
    db.session.flush()
    settle(booking, terms.who, "booked", now, new=True)
    hold_places(booking, slot, now)
    return booking
