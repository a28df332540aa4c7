"""What time alone frees: reserved pools that open to everybody, and slots somebody waits for that are open (again)."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from booking import clock
from booking.actions.offer_places import offer_places
from booking.actions.record_change import record_change
from booking.db import db
from booking.models import CLOCK, Event, Pool, Slot, slot_pools
from booking.queries.waiting import Passed, first_who_fits, slots_with_room


def due_pools(limit: int = 100) -> list[int]:
    """Reserved pools whose time to open has come, and whose places nobody has been offered yet."""
    due = Pool.opens_at <= clock.now(), Pool.opens_at.is_not(None), Pool.opened_at.is_(None)
    return list(db.session.scalars(select(Pool.id).where(*due).order_by(Pool.opens_at).limit(limit)))


def open_pool(pool_id: int) -> bool:
    """Write down that a pool has opened to everybody, and offer its places to those who wait. Repeating it is harmless."""
    statement = select(Pool).where(Pool.id == pool_id).options(joinedload(Pool.event)).with_for_update(of=Pool)
    pool = db.session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    now = clock.now()
    if pool is None or pool.opened_at is not None or pool.opens_at is None or pool.opens_at > now:
        return False
    pool.opened_at = now
    record_change(CLOCK, "pool_opened", pool, now, places=pool.remaining)
    of_slots = select(Slot.event_id).join(slot_pools, slot_pools.c.slot_id == Slot.id).where(slot_pools.c.pool_id == pool.id)
    touched = update(Event).where(Event.id.in_(of_slots)).values(updated_at=now)
    db.session.execute(touched, execution_options={"synchronize_session": False})
    offer_places([pool.id], now)
    return True


def slots_to_look_at() -> list[int]:
    """Slots somebody waits for who might fit: the fewest places anybody there would take are free."""
    return slots_with_room(clock.now())


def offer_what_is_free(slot_id: int) -> int:
    """Offer what is free on one slot to those who wait for it; says to how many. Where nobody fits nothing is locked."""
    now = clock.now()
    passed: Passed = {}
    if first_who_fits([slot_id], now, passed) is None:
        return 0
    pools = select(slot_pools.c.pool_id).where(slot_pools.c.slot_id == slot_id)
    return len(offer_places(list(db.session.scalars(pools)), now, passed))
