"""What every verb that changes a pool does alike: lock what draws on it, set its number of places, and leave a trace."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select, update

from booking.actions.offer_places import lock_around
from booking.actions.record_change import Changes, record_change
from booking.db import db
from booking.errors import CapacityTaken, EventFixed, NotFound
from booking.models import Booking, Event, Holding, Pool, Slot, Who, slot_pools
from booking.models.booking import LIVE
from booking.queries import fetch

_LARGEST_ID = 2**31 - 1
_PLAIN = {"synchronize_session": False}


def event_with_pools(event_id: int) -> Event:
    """The event whose pools are written, fresh. Raises `NotFound`, or `EventFixed` (cancelled, or its edition over)."""
    event = db.session.get(Event, event_id, populate_existing=True) if 0 < event_id <= _LARGEST_ID else None
    if event is None:
        raise NotFound
    if event.cancelled_at:
        raise EventFixed("cancelled")
    if event.edition.is_past:
        raise EventFixed("over")
    return event


def drawing_on(pool_id: int) -> list[int]:
    """The slots that draw on a pool, in ascending id."""
    drawing = select(slot_pools.c.slot_id).where(slot_pools.c.pool_id == pool_id)
    return list(db.session.scalars(drawing.order_by(slot_pools.c.slot_id)))


def lock_all(slot_ids: Collection[int], pool_id: int | None) -> list[Slot]:
    """Let nobody book, change or cancel on these slots from what was read before; answers with them, fresh, in ascending id.

    Locks are taken in the order slots, bookings that hold places, pools, as everywhere. Slots and bookings get a new version:
    whoever has read one finds, when it comes to writing, that its pools are others, and begins again.
    """
    of_slots = Slot.id.in_(slot_ids)
    db.session.scalars(select(Slot.id).where(of_slots).order_by(Slot.id).with_for_update()).all()
    live = Booking.slot_id.in_(slot_ids), Booking.status.in_(LIVE)
    ids = db.session.scalars(select(Booking.id).where(*live).order_by(Booking.id).with_for_update()).all()
    pools = set(db.session.scalars(select(slot_pools.c.pool_id).where(slot_pools.c.slot_id.in_(slot_ids))))
    lock_around(pools | ({pool_id} if pool_id else set()))
    db.session.execute(update(Slot).where(of_slots).values(version=Slot.version + 1), execution_options=_PLAIN)
    db.session.execute(update(Booking).where(Booking.id.in_(ids)).values(version=Booking.version + 1), execution_options=_PLAIN)
    return fetch.slots(slot_ids)


def live_on(slot_ids: Collection[int]) -> list[Booking]:
    """The bookings that hold places on these slots, fresh, in ascending id. Lock them first."""
    live = Booking.slot_id.in_(slot_ids), Booking.status.in_(LIVE)
    statement = select(Booking).where(*live).order_by(Booking.id)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))


def set_places(pool: Pool, capacity: int) -> None:
    """Set how many places a pool has, never below what is taken. Raises `CapacityTaken`, which names who holds them.

    The conditional UPDATE compares with what is taken at that very moment, under the row's lock; the table's CHECK stands behind.
    """
    statement = update(Pool).where(Pool.id == pool.id, Pool.taken <= capacity).values(capacity=capacity)
    if db.session.execute(statement, execution_options=_PLAIN).rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE has a row count
        raise CapacityTaken(db.session.scalar(select(Pool.taken).where(Pool.id == pool.id)) or 0, holders(pool.id))
    db.session.refresh(pool)


def holders(pool_id: int, slot_ids: Collection[int] | None = None) -> list[tuple[str, int]]:
    """Who holds a pool's places as they are now, with how many of them: references in the order they were made."""
    statement = select(Booking.reference, Holding.places).join(Holding, Holding.booking_id == Booking.id)
    statement = statement.where(Holding.pool_id == pool_id).order_by(Booking.id)
    if slot_ids is not None:
        statement = statement.where(Booking.slot_id.in_(slot_ids))
    return [(row.reference, row.places) for row in db.session.execute(statement)]


def pool_changed(
    pool: Pool, slots: Iterable[Slot], who: Who, action: str, now: datetime, changes: Changes | None = None, **details: object
) -> None:
    """Write a pool's line of history, and tell the pages of every event it concerns.

    Events are touched without a new version: who is writing their words has not been overtaken.
    """
    db.session.flush()
    events = {slot.event_id for slot in slots} | ({pool.event_id} if pool.event_id else set())
    db.session.execute(update(Event).where(Event.id.in_(events)).values(updated_at=now), execution_options=_PLAIN)
    record_change(who, action, pool, now, changes, **details)
