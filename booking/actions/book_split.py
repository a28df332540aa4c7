"""Book a class that is too large for one slot over two of one event: both halves, or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

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
from booking.actions.places import hold_places, lock_pools
from booking.actions.settle import settle
from booking.actions.split_booking import needs_of_half
from booking.db import db
from booking.errors import Invalid, NotFound, Problem
from booking.models import Actor, Booking, Party, Slot
from booking.queries import fetch
from booking.queries.standing import standing_of, take_turns

_NAMES = ("first", "second")
_OF_THE_CLASS = frozenset({"pupils", "adults"})


class Part(NamedTuple):
    """What comes to one of the two slots."""

    slot_id: int
    pupils: int
    adults: int


def book_split(party: Party, parts: Sequence[Part], terms: Terms) -> list[Booking]:
    """Take places for a class on two slots of one event, or find the two bookings the same request made before.

    The halves share one `group_key` and are in the order of `parts`. An unproven address gets one mail, which proves it for both;
    confirmed, each half has its own invitation. For what counts by class or by school they are one booking. The parts' pupils
    add up to the class, and each has an adult. Raises what `book_places` does; what is wrong with a part is said of
    `first_pupils`, `second_adults` and so on.
    """
    now = clock.now()
    take_turns(party)
    slots, classes = _read(party, parts)
    request_hash = request_hash_of([part.slot_id for part in parts], party, [list(part) for part in parts])
    each = (terms, replace(terms, key=f"second:{terms.key}"))
    for slot, its_terms in zip(slots, each, strict=True):
        before = earlier(slot, party, its_terms, request_hash, now)
        if before.booking:
            return _replayed(before.booking)
    refuse_own_address(party, terms)
    slots = _ready_slots(slots, now)
    _refuse(slots, classes, now, by_host=terms.who.actor is Actor.HOST)
    count_against_limits(party, terms, now)
    halves = [new_booking(*half, request_hash, now) for half in zip(slots, classes, each, strict=True)]
    group, until = secrets.token_hex(16), min(half.expires_at for half in halves if half.expires_at)
    for half in halves:
        half.group_key, half.expires_at = group, until
        db.session.add(half)
    db.session.flush()
    for half in halves:
        settle(half, terms.who, "booked", now, new=True, ask=half is halves[0])
    db.session.flush()
    # The pools of both are locked in one order: two who split over the same slots the other way round never block each other.
    lock_pools({pool.id for slot in slots for pool in slot.pools})
    for half in halves:
        hold_places(half, half.slot, now)
    return halves


def _read(party: Party, parts: Sequence[Part]) -> tuple[list[Slot], list[Party]]:
    """The slots, and the class as it comes to each. Raises `NotFound` or `Invalid`."""
    first, second = parts
    if not party.is_class:
        raise Invalid({"audience": Problem("not_a_class")})
    problems = {
        f"{name}_{what}": Problem("too_low", {"low": 1})
        for name, part in zip(_NAMES, parts, strict=True)
        for what in ("pupils", "adults")
        if getattr(part, what) < 1
    }
    if not problems and (together := first.pupils + second.pupils) != party.pupils:
        problems = {"second_pupils": Problem("halves_do_not_add_up", {"sum": together, "whole": party.pupils})}
    if first.slot_id == second.slot_id:
        problems["second_slot"] = Problem("not_a_choice")
    if problems:
        raise Invalid(problems)
    slots = [fetch.slot(part.slot_id) for part in parts]
    if slots[0].event_id != slots[1].event_id:
        raise NotFound
    halves = [replace(party, pupils=part.pupils, adults=part.adults) for part in parts]
    return slots, [replace(half, needs=needs_of_half(half)) for half in halves]


def _replayed(booking: Booking) -> list[Booking]:
    halves = fetch.together(booking)
    for half in halves:
        half.replayed = True
    return halves


def _ready_slots(slots: list[Slot], now: datetime) -> list[Slot]:
    """The slots as they are once who waits for them, and fits, has been served."""
    if any(slot.is_waited_for for slot in slots):
        offer_places({pool.id for slot in slots for pool in slot.pools}, now)
    return [fetch.slot(slot.id) for slot in slots]


def _refuse(slots: list[Slot], classes: list[Party], now: datetime, *, by_host: bool) -> None:
    """Each half by the rules of its slot, before either of them is there to count against the other."""
    problems: dict[str, Problem] = {}
    for name, slot, half in zip(_NAMES, slots, classes, strict=True):
        refusal = slot.refusal_for(half, now, by_host=by_host, standing=standing_of(slot, half))
        if isinstance(refusal, Invalid):
            problems |= {f"{name}_{field}" if field in _OF_THE_CLASS else field: found for field, found in refusal.fields.items()}
        elif refusal:
            raise refusal
    if problems:
        raise Invalid(problems)
