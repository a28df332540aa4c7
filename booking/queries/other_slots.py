"""The other slots of an event a party could come to: all of it, or a class over two of them. No writes; the verbs decide."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, select

from booking.db import db
from booking.models import Booking, Holding, Party, Pool, PoolKind, Slot
from booking.models.admission import NOTHING_YET, Standing, misfits, rule_against
from booking.models.pool import places_in
from booking.queries import fetch
from booking.queries.standing import standing_of


class Heads(NamedTuple):
    """How many of a class come to one slot."""

    pupils: int
    adults: int


@dataclass(frozen=True)
class Choice:
    """A slot a party could come to, and the places it has for them, those they would give back counted among them."""

    slot: Slot
    left: int


@dataclass(frozen=True)
class Halves:
    """A class over two slots: the one it asks for or has, and another."""

    slot: Slot
    """The other slot."""
    left: int
    """The places it has for the class."""
    first: Heads
    second: Heads


def are_there(booking: Booking, now: datetime) -> bool:
    """Whether the event has any other slot to come, full or not."""
    others = Slot.event_id == booking.slot.event_id, Slot.id != booking.slot_id, Slot.cancelled_at.is_(None), Slot.starts_at > now
    return bool(db.session.scalar(select(exists().where(*others))))


def to_move_to(booking: Booking, now: datetime, *, by_host: bool = False) -> list[Choice]:
    """The other slots with room for all of a booking's party, whom no rule keeps away; the soonest first."""
    halves = fetch.together(booking)
    look = _Look(booking.party, now, by_host, _held(booking))
    others = look.others(booking.slot, {half.slot_id for half in halves if half.is_live}, [half.id for half in halves])
    fitting = (one for one in others if look.admits(one.slot, booking.party))
    return [one for one in fitting if one.left >= one.slot.places_for(booking.party)]


def to_split_over(booking: Booking, now: datetime, *, by_host: bool = False) -> list[Halves]:
    """The other slots that could take a part of a booked class, each with halves as even as the places allow."""
    look = _Look(booking.party, now, by_host, _held(booking))
    here = Choice(booking.slot, look.room(booking.slot))
    others = look.others(booking.slot, {booking.slot_id}, [half.id for half in fetch.together(booking)])
    return look.halves(here, others, is_there=True)


def to_book_over(slot: Slot, party: Party, now: datetime) -> list[Halves]:
    """The other slots that have room for a class together with this one, where it is too small for all of it."""
    if not party.is_class:
        return []
    look = _Look(replace(party, adults=max(2, party.adults)), now, by_host=False, held={})
    return look.halves(Choice(slot, look.room(slot)), look.others(slot, {slot.id}, []), is_there=False)


class _Look:
    """One party looking for places: by the rules, and with what it would give back itself."""

    def __init__(self, party: Party, now: datetime, by_host: bool, held: Mapping[int, int]) -> None:
        self.party, self.now, self.by_host, self.held = party, now, by_host, held
        self.standing: Standing = NOTHING_YET

    def others(self, slot: Slot, taken: set[int], besides: list[int]) -> list[Choice]:
        """The other slots of the event with a place, the soonest first."""
        self.standing = standing_of(slot, self.party, besides)  # what rules ask of it is the same all over an event
        if not slot.event.is_public:
            return []
        ids = db.session.scalars(select(Slot.id).where(Slot.event_id == slot.event_id, Slot.id.not_in(taken))).all()
        found = sorted(fetch.slots(ids), key=lambda one: (one.starts_at, one.id))
        return [Choice(one, left) for one in found if (left := self.room(one))]

    def room(self, slot: Slot) -> int:
        """The places a slot has for the party once it has given back what it holds."""
        pools = [
            Pool(
                id=pool.id, kind=pool.kind, capacity=pool.capacity, taken=pool.taken - self.held.get(pool.id, 0),
                audiences=pool.audiences, opens_at=pool.opens_at,
            )
            for pool in slot.pools
        ]  # fmt: skip
        return places_in(pools, self.party.comes_as, self.now).remaining

    def admits(self, slot: Slot, party: Party) -> bool:
        return rule_against(slot, party, self.now, by_host=self.by_host, standing=self.standing) is None

    def halves(self, first: Choice, others: list[Choice], *, is_there: bool) -> list[Halves]:
        """For each other slot the most even halves that fit, with adults in proportion; none where none fit."""
        return [found for other in others if (found := self._most_even(first, other, is_there=is_there))]

    def _most_even(self, first: Choice, second: Choice, *, is_there: bool) -> Halves | None:
        whole = self.party
        for pupils in sorted(range(1, whole.pupils), key=lambda here: (abs(2 * here - whole.pupils), -here)):
            for adults in _adults(whole, pupils):
                heads = Heads(pupils, adults), Heads(whole.pupils - pupils, whole.adults - adults)
                here, there = (replace(whole, pupils=half.pupils, adults=half.adults, needs={}) for half in heads)
                suits = not misfits(first.slot, here) if is_there else self.admits(first.slot, here)
                if suits and self.admits(second.slot, there) and self._fit(first, here, second, there):
                    return Halves(second.slot, second.left, *heads)
        return None

    def _fit(self, first: Choice, here: Party, second: Choice, there: Party) -> bool:
        wanted = first.slot.places_for(here), second.slot.places_for(there)
        of_second = {pool.id for pool in second.slot.pools}
        common = [pool for pool in first.slot.pools if pool.id in of_second and pool.kind is PoolKind.SHARED]
        of_both = min((pool.remaining + self.held.get(pool.id, 0) for pool in common), default=math.inf)
        return wanted[0] <= first.left and wanted[1] <= second.left and sum(wanted) <= of_both


def _adults(whole: Party, pupils: int) -> list[int]:
    """How many adults may come with so many of the pupils, in proportion first; at least one with each half."""
    even = whole.adults * pupils / whole.pupils
    return sorted(range(1, whole.adults), key=lambda adults: (abs(adults - even), -adults))


def _held(booking: Booking) -> dict[int, int]:
    rows = db.session.execute(select(Holding.pool_id, Holding.places).where(Holding.booking_id == booking.id))
    return {row.pool_id: row.places for row in rows}
