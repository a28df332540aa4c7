"""What the tables say at one moment, and what must be true of it: a model in plain Python that shares nothing with the engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from booking.db import db
from booking.models import Booking, Event, Holding, Offer, Pool, Slot, Wait, slot_pools
from booking.offer_times import offer_deadline

LIVE = {"held", "confirmed", "attended"}
STANDS = LIVE | {"waiting"}
FINAL = {"cancelled", "refused", "expired", "attended", "no_show"}
Pair = tuple[int, int]
"""A waiting booking and a slot."""

_b, _s, _p, _o = Booking.__table__.c, Slot.__table__.c, Pool.__table__.c, Offer.__table__.c
_BOOKINGS = select(
    _b.id, _b.reference, _b.slot_id, _b.status, _b.held_for, _b.expires_at, _b.audience, _b.pupils, _b.adults, _b.places,
    _b.asked_pupils, _b.at_least, _b.wanted_slots, _b.rank, _b.proven_at, _b.party_key, _b.class_key, _b.school_key, _b.group_key,
    _b.ended_by, _b.uid, _b.sequence, _b.email,
)  # fmt: skip
_SLOTS = select(
    _s.id, _s.event_id, _s.starts_at, _s.closes_at, _s.opens_at, _s.cancelled_at, _s.counts_adults, _s.min_party, _s.max_party,
    Event.one_per_class,
).join(Event, Event.id == _s.event_id)  # fmt: skip
_POOLS = select(_p.id, _p.kind, _p.capacity, _p.taken, _p.audiences, _p.opens_at)
_HOLDINGS = select(Holding.booking_id, Holding.pool_id, Holding.places)
_DRAWN = select(slot_pools.c.slot_id, slot_pools.c.pool_id)
_WAITS = select(Wait.booking_id, Wait.slot_id, Wait.rank, Wait.smallest, Wait.largest)
_OFFERS = select(_o.id, _o.booking_id, _o.slot_id, _o.places, _o.free, _o.made_by, _o.outcome).order_by(_o.id)

SCHOOL_LIMIT = 4


@dataclass(frozen=True)
class Picture:
    """Everything about places at one moment."""

    now: datetime
    bookings: dict[int, Any]
    slots: dict[int, Any]
    pools: dict[int, Any]
    drawn: dict[int, list[int]]
    holdings: dict[int, dict[int, int]]
    waits: dict[Pair, Any]
    offers: dict[int, Any]

    @classmethod
    def taken(cls, now: datetime) -> Picture:
        with db.engine.connect() as connection:
            drawn: dict[int, list[int]] = defaultdict(list)
            for slot_id, pool_id in connection.execute(_DRAWN):
                drawn[slot_id].append(pool_id)
            held: dict[int, dict[int, int]] = defaultdict(dict)
            for booking_id, pool_id, places in connection.execute(_HOLDINGS):
                held[booking_id][pool_id] = places
            rows = [{row.id: row for row in connection.execute(statement)} for statement in (_BOOKINGS, _SLOTS, _POOLS, _OFFERS)]
            waits = {(row.booking_id, row.slot_id): row for row in connection.execute(_WAITS)}
        bookings, slots, pools, offers = rows
        pools = {number: SimpleNamespace(**pool._mapping) for number, pool in pools.items()}
        return cls(now, bookings, slots, pools, dict(drawn), dict(held), waits, offers)

    def same_places(self, other: Picture) -> bool:
        """Whether nothing differs but the time."""
        mine, theirs = vars(self), vars(other)
        return all(mine[name] == theirs[name] for name in mine if name != "now")

    def faults(self) -> Iterator[str]:
        """What cannot be, whatever was done before."""
        yield from self._faults_of_pools()
        for booking in self.bookings.values():
            yield from self._faults_of(booking)
        for offer in self.offers.values():
            booking = self.bookings[offer.booking_id]
            is_held = booking.status == "held" and booking.held_for == "offer"
            if offer.outcome == "open" and not (is_held and (booking.slot_id, booking.places) == (offer.slot_id, offer.places)):
                yield f"offer {offer.id} is open, and its booking is {booking.status} with {booking.places} places"

    def _faults_of_pools(self) -> Iterator[str]:
        sums: dict[int, int] = defaultdict(int)
        for held in self.holdings.values():
            for pool_id, places in held.items():
                sums[pool_id] += places
        for pool in self.pools.values():
            if not sums[pool.id] == pool.taken <= pool.capacity:
                yield f"pool {pool.id}: {sums[pool.id]} held, {pool.taken} counted, {pool.capacity} there"

    def _faults_of(self, booking: Any) -> Iterator[str]:
        name = f"{booking.reference} ({booking.status})"
        held, slot = self.holdings.get(booking.id, {}), self.slots[booking.slot_id]
        if booking.status not in LIVE:
            if held:
                yield f"{name} holds {held}"
        else:
            drawn = self.drawn[slot.id]
            limits = {number for number in drawn if self.pools[number].kind == "shared"}
            if {number: places for number, places in held.items() if number in limits} != dict.fromkeys(limits, booking.places):
                yield f"{name} holds {held}, with {booking.places} places under the limits {limits}"
            if not held.keys() <= set(drawn) or sum(held[number] for number in held if number not in limits) != booking.places:
                yield f"{name} holds {held}, with {booking.places} places on the pools {drawn}"
        if booking.status in STANDS and booking.places != self.size(booking, slot, booking.pupils):
            yield f"{name} has {booking.places} places for {booking.pupils} + {booking.adults}"
        if booking.status == "held" and (booking.held_for is None or booking.expires_at is None):
            yield f"{name} is held without end"
        open_offers = [offer for offer in self.offers.values() if offer.booking_id == booking.id and offer.outcome == "open"]
        if len(open_offers) != (booking.status == "held" and booking.held_for == "offer"):
            yield f"{name} is held for {booking.held_for} with {len(open_offers)} open offers"
        yield from self._faults_of_queue(booking, name)

    def _faults_of_queue(self, booking: Any, name: str) -> Iterator[str]:
        queues = {slot_id for booking_id, slot_id in self.waits if booking_id == booking.id}
        if booking.status != "waiting" or booking.proven_at is None:
            if queues:
                yield f"{name} stands in the queues {queues}"
            return
        if not queues or not queues <= set(booking.wanted_slots):
            yield f"{name} wants {booking.wanted_slots} and stands in the queues {queues}"
        for slot_id in queues:
            wait, slot = self.waits[booking.id, slot_id], self.slots[slot_id]
            sizes = self.smallest(booking, slot), self.size(booking, slot, booking.pupils)
            if (wait.rank, wait.smallest, wait.largest) != (booking.rank, *sizes):
                yield f"{name} stands in queue {slot_id} as {wait}, with the sizes {sizes}"

    @staticmethod
    def size(booking: Any, slot: Any, pupils: int) -> int:
        """The places so many of a party take."""
        if booking.audience != "school":
            return 1
        return int(pupils + booking.adults * slot.counts_adults)

    def smallest(self, booking: Any, slot: Any) -> int:
        """The fewest places a waiting party would take."""
        return self.size(booking, slot, booking.at_least or booking.pupils)

    def free(self, slot_id: int, audience: str) -> int:
        """The places somebody has on a slot."""
        left = {number: self.pools[number].capacity - self.pools[number].taken for number in self.drawn[slot_id]}
        sources = 0
        for number in left:
            pool = self.pools[number]
            opened = pool.opens_at is not None and pool.opens_at <= self.now
            if pool.kind == "own" or (pool.kind == "reserved" and (opened or audience in pool.audiences)):
                sources += left[number]
        return max(0, min([sources, *(left[number] for number in left if self.pools[number].kind == "shared")]))

    def fitting(self) -> set[Pair]:
        """Who waits for a slot where they could be offered places at this moment."""
        return {pair for pair in self.waits if self.fits(*pair)}

    def fits(self, booking_id: int, slot_id: int) -> bool:
        """Whether places could be offered to a waiting party: room, rules, and time to answer."""
        booking, slot = self.bookings[booking_id], self.slots[slot_id]
        is_open = slot.cancelled_at is None and self.now < slot.closes_at and (slot.opens_at is None or slot.opens_at <= self.now)
        if not is_open or offer_deadline(self.now, slot.closes_at) is None:
            return False
        audience = "college" if booking.audience == "school" else booking.audience
        if self.smallest(booking, slot) > self.free(slot_id, audience):
            return False
        whole = self.size(booking, slot, booking.asked_pupils or booking.pupils)
        if whole < slot.min_party or (slot.max_party is not None and whole > slot.max_party):
            return booking.audience != "school"
        return not self._is_kept_away(booking, slot)

    def _is_kept_away(self, booking: Any, slot: Any) -> bool:
        others = [other for other in self.bookings.values() if other.id != booking.id]
        if any(other.slot_id == slot.id and other.party_key == booking.party_key and other.status in STANDS for other in others):
            return True
        if not booking.class_key:
            return False
        live = [other for other in others if other.status in LIVE]
        of_class = [other for other in live if other.class_key == booking.class_key]
        if slot.one_per_class and any(self.slots[other.slot_id].event_id == slot.event_id for other in of_class):
            return True
        of_school = {other.group_key or other.reference for other in live if other.school_key == booking.school_key}
        return len(of_school) >= SCHOOL_LIMIT
