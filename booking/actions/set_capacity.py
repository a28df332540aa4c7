"""Raise or lower the places of a slot, never below what is taken."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select, update

from booking import clock
from booking.actions.offer_places import offer_places
from booking.actions.slot_changes import own_pool, running_slot_to_change, slot_changed
from booking.db import db
from booking.errors import CapacityTaken, NotFound
from booking.models import Booking, Holding, Pool, Who
from booking.models.slot_words import read_capacity

_PLAIN = {"synchronize_session": False}


def set_capacity(slot_id: int, raw: Mapping[str, object], who: Who) -> int:
    """Set the number of places in the slot's own pool (`capacity` as a form wrote it), and answer with it.

    The conditional UPDATE compares with what is taken at that very moment, under the row's lock, and the table's CHECK stands
    behind it. Raises `NotFound` (also where the slot has no places of its own), `Invalid`, `BookingClosed` (cancelled, past,
    archived), or `CapacityTaken`, which names the bookings in the way.
    """
    capacity = read_capacity(raw)
    slot = running_slot_to_change(slot_id)
    pool = own_pool(slot)
    if pool is None:
        raise NotFound
    before = pool.capacity
    if before == capacity:
        return capacity
    statement = update(Pool).where(Pool.id == pool.id, Pool.taken <= capacity).values(capacity=capacity)
    if db.session.execute(statement, execution_options=_PLAIN).rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE has a row count
        raise _taken(pool)
    now = clock.now()
    slot_changed(slot, who, "resized", now, {"capacity": (before, capacity)})
    offer_places([pool.id], now)
    return capacity


def _taken(pool: Pool) -> CapacityTaken:
    """The refusal, with who holds the pool's places as they are now."""
    holders = (
        select(Booking.reference, Holding.places)
        .join(Holding, Holding.booking_id == Booking.id)
        .where(Holding.pool_id == pool.id)
        .order_by(Booking.id)
    )
    taken = db.session.scalar(select(Pool.taken).where(Pool.id == pool.id)) or 0
    return CapacityTaken(taken, [(row.reference, row.places) for row in db.session.execute(holders)])
