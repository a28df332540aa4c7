"""The places of an event as one picture: which slots draw on what, who has taken how much. No writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload, selectinload

from booking.db import db
from booking.errors import NotFound
from booking.models import Booking, Event, HeldFor, Holding, Pool, PoolKind, Slot, Status, slot_pools

_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True)
class Taker:
    """A booking that takes some of a pool's places."""

    booking: Booking
    places: int

    @property
    def way(self) -> str:
        """How: confirmed, held (something is still needed) or offered (to a party that waited)."""
        if self.booking.status is not Status.HELD:
            return "confirmed"
        return "offered" if self.booking.held_for is HeldFor.OFFER else "held"


@dataclass
class PoolPicture:
    """One pool: the slots that draw on it, and who has taken how much of it."""

    pool: Pool
    slots: list[Slot] = field(default_factory=list)
    takers: list[Taker] = field(default_factory=list)

    @property
    def by_way(self) -> Counter[str]:
        """Places taken, by how they are."""
        found: Counter[str] = Counter()
        for taker in self.takers:
            found[taker.way] += taker.places
        return found

    def of_slot(self, slot: Slot) -> int:
        """Places that bookings of one slot take."""
        return sum(taker.places for taker in self.takers if taker.booking.slot_id == slot.id)


@dataclass(frozen=True)
class Picture:
    """All places of an event. Slots of events inside it are there where they draw on its pools."""

    slots: list[Slot]
    pools: dict[int, PoolPicture]
    """By id: the slots' own pools, and every shared or reserved pool of the event or that one of its slots draws on."""

    @property
    def named(self) -> list[PoolPicture]:
        """The pools people have made and named, in the order they were made."""
        return [one for one in self.pools.values() if one.pool.kind is not PoolKind.OWN]


def pool_of(event_id: int, pool_id: int) -> Pool:
    """A shared or reserved pool made for this event, fresh. Raises `NotFound`."""
    found = db.session.get(Pool, pool_id, populate_existing=True) if 0 < pool_id <= _LARGEST_ID else None
    if found is None or found.event_id != event_id or found.kind is PoolKind.OWN:
        raise NotFound
    return found


def admitted(event: Event, now: datetime) -> list[Slot]:
    """The slots that may begin to draw on an event's pools, the soonest first.

    Its own, and those of events of the same host that take place inside it; to come, not cancelled, and with places of their own.
    """
    inside = Event.parent_id == event.id, Event.host_id == event.host_id, Event.cancelled_at.is_(None)
    of_event = or_(Slot.event_id == event.id, Slot.event_id.in_(select(Event.id).where(*inside)))
    return [slot for slot in _slots(of_event) if can_draw(slot, now) and _has_own(slot)]


def can_draw(slot: Slot, now: datetime) -> bool:
    """Whether what a slot draws on may still change: it is to come and not cancelled."""
    return slot.cancelled_at is None and slot.starts_at > now


def picture(event: Event) -> Picture:
    """All places of an event, and who has them. Three statements, whatever there is."""
    made = select(Pool.id).where(Pool.event_id == event.id)
    drawing = select(slot_pools.c.slot_id).where(slot_pools.c.pool_id.in_(made))
    slots = _slots(or_(Slot.event_id == event.id, Slot.id.in_(drawing)))
    used = {pool.id for slot in slots if slot.event_id == event.id for pool in slot.pools}
    found = db.session.scalars(select(Pool).where(or_(Pool.event_id == event.id, Pool.id.in_(used))).order_by(Pool.id))
    pools = {pool.id: PoolPicture(pool) for pool in found}
    for slot in slots:
        for pool in slot.pools:
            if pool.id in pools:
                pools[pool.id].slots.append(slot)
    for pool_id, taker in _takers(pools.keys()):
        pools[pool_id].takers.append(taker)
    return Picture(slots, pools)


def _slots(which: ColumnElement[bool]) -> list[Slot]:
    around = joinedload(Slot.event, innerjoin=True), selectinload(Slot.pools)
    statement = select(Slot).where(which).options(*around).order_by(Slot.starts_at, Slot.id)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))


def _takers(pool_ids: Collection[int]) -> list[tuple[int, Taker]]:
    statement = (
        select(Holding.pool_id, Holding.places, Booking)
        .join(Booking, Booking.id == Holding.booking_id)
        .where(Holding.pool_id.in_(pool_ids))
        .order_by(Booking.id)
    )
    return [(row.pool_id, Taker(row.Booking, row.places)) for row in db.session.execute(statement)]


def _has_own(slot: Slot) -> bool:
    return any(pool.kind is PoolKind.OWN for pool in slot.pools)
