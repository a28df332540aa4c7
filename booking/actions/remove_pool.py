"""Remove a shared or a reserved pool of an event."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm.exc import StaleDataError

from booking import clock
from booking.actions.draw_on_pool import leave_pool
from booking.actions.offer_places import offer_places
from booking.actions.pool_places import drawing_on, event_with_pools, lock_all, pool_changed
from booking.db import db
from booking.models import Pool, Who
from booking.queries.pools import pool_of


def remove_pool(event_id: int, pool_id: int, who: Who) -> None:
    """Let no slot draw on the pool any more, and take it away; what becomes free is offered to those who wait.

    Raises `NotFound`, `EventFixed`, or `PoolInUse`: reserved places that somebody holds stay (the pool can be made as small as
    they are, or opened to everybody), and so does what is all the places of a slot.
    """
    event, now = event_with_pools(event_id), clock.now()
    pool = pool_of(event.id, pool_id)
    drawing = drawing_on(pool.id)
    slots = lock_all(drawing, pool.id)
    if drawing_on(pool.id) != drawing:
        raise StaleDataError("the pool was changed while it was removed")
    others = {other.id for slot in slots for other in slot.pools} - {pool.id}
    leave_pool(pool, slots, who, now)
    pool_changed(pool, slots, who, "pool_removed", now, capacity=pool.capacity)
    db.session.execute(delete(Pool).where(Pool.id == pool.id), execution_options={"synchronize_session": False})
    db.session.expunge(pool)
    for slot in slots:
        db.session.expire(slot, ["pools"])
    offer_places(others, now)
