"""What would happen if a pool had another number of places: said before anything is saved. No writes.

The rule that offers what comes free (`booking.actions.offer_places`) is played here on copies of the pools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select

from booking.db import db
from booking.models import Pool, Slot, Wait, slot_pools
from booking.models.party import comes_as
from booking.models.pool import all_places, places_in, shares
from booking.offer_times import offer_deadline
from booking.queries import fetch
from booking.queries.pools import PoolPicture, Taker
from booking.queries.waiting import is_kept_away, waited_for

MOST_WAITING = 200
"""How many waiting parties a preview looks at."""
_Pools = Mapping[int, Pool]


@dataclass(frozen=True)
class Room:
    """The places free on one slot, whoever they are for: now, and with the other number."""

    slot: Slot
    before: int
    after: int


@dataclass(frozen=True)
class WouldGet:
    """A waiting party, and how many places on which slot it would be offered; `asked` is what all of it would take."""

    wait: Wait
    slot: Slot
    places: int

    @property
    def asked(self) -> int:
        return self.wait.largest


@dataclass(frozen=True)
class Preview:
    """What another number of places would do."""

    pool: Pool
    capacity: int
    smallest: int
    """The least possible number: what is taken."""
    in_the_way: Sequence[Taker]
    """Who holds the places, where the number is too small."""
    rooms: Sequence[Room]
    would_get: Sequence[WouldGet]
    still_waiting: int
    """How many parties who wait for one of the slots would be offered nothing."""

    @property
    def possible(self) -> bool:
        return self.capacity >= self.smallest


def preview(one: PoolPicture, capacity: int, now: datetime) -> Preview:
    """What would happen if this pool had so many places."""
    pool = one.pool
    if capacity < pool.taken:
        return Preview(pool, capacity, pool.taken, one.takers, [], [], 0)
    slots = _drawing_on(pool.id)
    before = {slot.id: all_places(slot.pools).remaining for slot in slots}
    pools = {other.id: _copy(other) for slot in slots for other in slot.pools}
    pools[pool.id].capacity = capacity
    rooms = [Room(slot, before[slot.id], all_places(_of(slot, pools)).remaining) for slot in slots]
    would_get, parties = _offers([slot for slot in slots if slot.id in set(waited_for([pool.id]))], pools, now)
    return Preview(pool, capacity, pool.taken, [], rooms, would_get, parties - len(would_get))


def _offers(slots: Sequence[Slot], pools: _Pools, now: datetime) -> tuple[list[WouldGet], int]:
    """Who would be offered what, by rank; and how many parties wait at all."""
    by_id = {slot.id: slot for slot in slots if _can_offer(slot, now)}
    of_slots = select(Wait).where(Wait.slot_id.in_([slot.id for slot in slots]))
    waits = db.session.scalars(of_slots.order_by(Wait.rank, Wait.booking_id).limit(MOST_WAITING)).all()
    found: list[WouldGet] = []
    parties = 0
    for _, of_party in groupby(waits, key=lambda wait: wait.booking_id):
        parties += 1
        got = _turn([wait for wait in of_party if wait.slot_id in by_id], by_id, pools, now)
        if got:
            found.append(got)
            taken = shares(_of(got.slot, pools), comes_as(got.wait.audience, ""), got.places, now) or {}
            for pool_id, places in taken.items():
                pools[pool_id].taken += places
    return found, parties


def _turn(waits: list[Wait], slots: Mapping[int, Slot], pools: _Pools, now: datetime) -> WouldGet | None:
    """What one party would be offered: of its slots the one with room for more of it, then the sooner one."""
    fitting: list[tuple[int, datetime, Wait]] = []
    for wait in waits:
        slot = slots[wait.slot_id]
        free = places_in(_of(slot, pools), comes_as(wait.audience, ""), now).remaining
        if free >= wait.smallest:
            fitting.append((-min(free, wait.largest), slot.starts_at, wait))
    for less, _, wait in sorted(fitting, key=lambda one: one[:2]):
        slot = slots[wait.slot_id]
        if not is_kept_away(fetch.booking_by_id(wait.booking_id), slot, now):
            return WouldGet(wait, slot, -less)
    return None


def _can_offer(slot: Slot, now: datetime) -> bool:
    return slot.event.is_public and slot.closed_because(now) is None and offer_deadline(now, slot.closes_at) is not None


def _drawing_on(pool_id: int) -> list[Slot]:
    ids = db.session.scalars(select(slot_pools.c.slot_id).where(slot_pools.c.pool_id == pool_id)).all()
    return sorted(fetch.slots(ids), key=lambda slot: (slot.starts_at, slot.id))


def _of(slot: Slot, pools: _Pools) -> list[Pool]:
    return [pools[pool.id] for pool in slot.pools]


def _copy(pool: Pool) -> Pool:
    """The pool as it is, for thinking only: no session knows it."""
    return Pool(
        id=pool.id, kind=pool.kind, capacity=pool.capacity, taken=pool.taken, audiences=pool.audiences, opens_at=pool.opens_at
    )
