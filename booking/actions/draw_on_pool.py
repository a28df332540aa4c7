"""Let slots draw on a pool, or leave it: the places of who has booked there follow, all or nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete

from booking.actions.places import draw_on, stop_drawing_on
from booking.actions.pool_places import holders, live_on, pool_changed
from booking.db import db
from booking.errors import CapacityTaken, PoolInUse
from booking.models import Booking, Pool, PoolKind, Slot, Who, slot_pools


def leave_pool(pool: Pool, slots: Sequence[Slot], who: Who, now: datetime) -> None:
    """Let these slots, which the caller has locked, no longer draw on the pool.

    What is taken from a shared pool on them comes back to it: their own places stay taken. A reserved place is the very place
    somebody has, so that a slot keeps the pool while one is held there. Raises `PoolInUse` with who holds what.
    """
    ids = [slot.id for slot in slots]
    if any(not any(other.kind is PoolKind.OWN for other in slot.pools) for slot in slots):
        raise PoolInUse("only", [])
    if pool.kind is PoolKind.RESERVED:
        if held := holders(pool.id, ids):
            raise PoolInUse("held", held)
    else:
        for booking in live_on(ids):
            stop_drawing_on(booking, pool.id)
    db.session.execute(delete(slot_pools).where(slot_pools.c.pool_id == pool.id, slot_pools.c.slot_id.in_(ids)))
    for slot in slots:
        pool_changed(pool, [slot], who, "pool_left", now, slot=slot.id, starts_at=slot.starts_at)


def enter_pool(pool: Pool, slots: Sequence[Slot], who: Who, now: datetime) -> None:
    """Let these slots, which the caller has locked, draw on the pool from now on.

    Who has booked on them draws on a shared pool too; a reserved one changes nothing for them. Whether they all fit is asked
    before (`check_fits`). Raises `SlotFull` where they do not.
    """
    db.session.flush()
    if slots:
        db.session.execute(slot_pools.insert(), [{"slot_id": slot.id, "pool_id": pool.id} for slot in slots])
    if pool.kind is PoolKind.SHARED:
        for booking in live_on([slot.id for slot in slots]):
            draw_on(booking, pool.id, booking.places)
    for slot in slots:
        pool_changed(pool, [slot], who, "pool_drawn", now, slot=slot.id, starts_at=slot.starts_at)


def check_fits(pool: Pool, capacity: int, entering: Collection[int], leaving: Collection[int]) -> None:
    """Refuse a shared pool too small for who has booked already: on the slots it keeps, and on those that begin to draw on it.

    Raises `CapacityTaken` with the least possible number, and with everybody who would hold its places.
    """
    if pool.kind is not PoolKind.SHARED:
        return
    gone = {booking.reference for booking in live_on(leaving)}
    staying = [(reference, places) for reference, places in holders(pool.id) if reference not in gone]
    coming: list[Booking] = live_on(entering)
    held = staying + [(booking.reference, booking.places) for booking in coming]
    if (smallest := sum(places for _, places in held)) > capacity:
        raise CapacityTaken(smallest, held)
