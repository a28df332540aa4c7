"""How many places slots have left, in SQL: the same sum as `booking.models.pool`, for the database to sort and count by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, String, and_, case, func, or_, select, type_coerce

from booking.models import Pool, PoolKind, slot_pools

_MANY = 10**9


def room_by_slot(audiences: frozenset[str] | None, now: datetime) -> Select[tuple[int, int]]:
    """For each slot its places left (`slot_id`, `remaining`) for somebody of these audiences; of None whoever they are for.

    What the sources add up to, within every limit; a test holds it together with `places_in`.
    """
    left = Pool.capacity - Pool.taken
    is_limit = Pool.kind == PoolKind.SHARED
    opened = and_(Pool.opens_at.is_not(None), Pool.opens_at <= now)
    usable = or_(Pool.kind == PoolKind.OWN, opened)
    if audiences is None:
        usable = Pool.kind != PoolKind.SHARED
    elif audiences:
        admits = and_(*(type_coerce(Pool.audiences, String).like(f"%|{word}|%") for word in sorted(audiences)))
        usable = or_(usable, and_(Pool.kind == PoolKind.RESERVED, admits))
    limit = func.min(case((is_limit, left), else_=_MANY))
    sources = func.sum(case((usable, left), else_=0))
    has_sources = func.max(case((is_limit, 0), else_=1))
    of_sources = case((has_sources == 1, sources), else_=_MANY)
    remaining = case((limit < of_sources, limit), else_=of_sources).label("remaining")
    joined = select(slot_pools.c.slot_id, remaining).join(Pool, Pool.id == slot_pools.c.pool_id)
    return joined.group_by(slot_pools.c.slot_id)
