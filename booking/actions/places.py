"""Taking places and giving them back. Every door comes through here, and nothing else touches `Pool.taken`.

The conditional UPDATE is the guard: it counts and takes in one statement, under the row's lock, so no two
transactions can both see the last place. Pools are visited in ascending id, so that two parties drawing on the
same pools in another order wait for each other instead of blocking each other.

Which pools a party draws on is `booking.models.pool`'s affair. Where some are reserved, the places must be counted out among
several, so the pools are locked and read first; the guard stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm.exc import StaleDataError

from booking.db import add_rows, db
from booking.errors import SlotFull
from booking.models import Booking, Holding, Pool, PoolKind, Slot
from booking.models.pool import places_in, shares, sources_for

_PLAIN = {"synchronize_session": False}


def hold_places(booking: Booking, slot: Slot, now: datetime) -> None:
    """Take a new booking's places from the pools of its slot. Call it last: it locks the pools until the commit.

    Raises `SlotFull`, which says how many places are left for this party, or `StaleDataError` where the host changed the
    slot since it was read: what its booker would be told is no longer true, and the transaction is run again.
    """
    db.session.flush()
    wanted = _shares(booking, slot, booking.places, now)
    add_rows(Holding, [{"booking_id": booking.id, "pool_id": pool, "places": places} for pool, places in wanted.items()])
    _take(booking, slot, wanted, booking.places, now, exists().where(Slot.id == slot.id, Slot.version == slot.version))


def take_more(booking: Booking, places: int, now: datetime) -> None:
    """Take `places` more for a live booking from the pools of its slot. Raises `SlotFull`."""
    db.session.flush()
    wanted = _shares(booking, booking.slot, places, now)
    held = holdings(booking)
    for pool_id, more in wanted.items():
        _hold(booking, pool_id, held.get(pool_id, 0), more)
    _take(booking, booking.slot, wanted, places, now)


def give_back(booking: Booking, places: int | None = None, now: datetime | None = None) -> None:
    """Give back some of a booking's places, or all of them, to the pools they came from.

    The rows in `holdings` say what there is to give back; where they are gone nothing is given twice. Call
    `booking.actions.offer_places.free_places` instead: whoever waits is then offered what came free.
    """
    held = holdings(booking)
    for pool_id, returned in (held if places is None else _returned(booking, held, places, now)).items():
        _let_go(booking, pool_id, held[pool_id], returned)


def take_and_give_back(booking: Booking, slot: Slot, now: datetime) -> None:
    """Let a live booking, which says already where and how many it wants to be, hold its places on `slot` and nothing else.

    The new places are taken first, then the old ones are given back; where both slots draw on one pool only the difference is
    taken or given, so that a full boat does not stop a class from changing the hour. Raises `SlotFull` or `StaleDataError`.
    """
    db.session.flush()
    held = holdings(booking)
    pools = lock_pools({pool.id for pool in slot.pools} | held.keys())
    for pool in pools:
        pool.taken -= held.get(pool.id, 0)  # as it would be without this booking
    of_slot = [pool for pool in pools if pool.id in {one.id for one in slot.pools}]
    wanted = shares(of_slot, booking.comes_as, booking.places, now)
    left = places_in(of_slot, booking.comes_as, now).remaining
    for pool in pools:
        db.session.expire(pool)  # nothing of that thought is written
    if wanted is None:
        raise SlotFull(remaining=left, wanted=booking.places)
    more = {number: places - held.get(number, 0) for number, places in wanted.items() if places > held.get(number, 0)}
    for number, places in more.items():
        _hold(booking, number, held.get(number, 0), places)
    _take(booking, slot, more, booking.places, now, exists().where(Slot.id == slot.id, Slot.version == slot.version))
    for pool_id, places in held.items():
        if (less := places - wanted.get(pool_id, 0)) > 0:
            _let_go(booking, pool_id, places, less)


def draw_on(booking: Booking, pool_id: int, places: int) -> None:
    """Let a live booking draw on one more limit, which its slot has just got. Raises `SlotFull` with what the pool has left."""
    _hold(booking, pool_id, 0, places)
    _take_one(pool_id, places, lambda: SlotFull(remaining=_left(pool_id), wanted=places))


def stop_drawing_on(booking: Booking, pool_id: int) -> None:
    """Give back what a live booking draws from one pool, which its slot no longer has; where it draws nothing, nothing."""
    held = holdings(booking)
    if pool_id in held:
        _let_go(booking, pool_id, held[pool_id], held[pool_id])


def lock_pools(pool_ids: Iterable[int]) -> list[Pool]:
    """The pools, fresh and in ascending id, locked until the commit (on PostgreSQL; SQLite has one writer anyway)."""
    statement = select(Pool).where(Pool.id.in_(sorted(pool_ids))).order_by(Pool.id).with_for_update()
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))


def holdings(booking: Booking) -> dict[int, int]:
    """What a booking holds, fresh, by the pool's id in ascending order."""
    statement = select(Holding.pool_id, Holding.places).where(Holding.booking_id == booking.id).order_by(Holding.pool_id)
    return {row.pool_id: row.places for row in db.session.execute(statement)}


def _shares(booking: Booking, slot: Slot, places: int, now: datetime) -> Mapping[int, int]:
    """How many places to take from each pool, in ascending id. Raises `SlotFull` where it is plain that they do not fit."""
    if sum(pool.kind is not PoolKind.SHARED for pool in slot.pools) <= 1 and not slot.has_reserved:
        return dict.fromkeys(sorted(pool.id for pool in slot.pools), places)
    pools = lock_pools(pool.id for pool in slot.pools)
    found = shares(pools, booking.comes_as, places, now)
    if found is None:
        raise SlotFull(remaining=places_in(pools, booking.comes_as, now).remaining, wanted=places)
    return found


def _returned(booking: Booking, held: Mapping[int, int], places: int, now: datetime | None) -> Mapping[int, int]:
    """What to give back of each pool: all of it from limits, and from the sources in the opposite order of taking."""
    pools = {pool.id: pool for pool in db.session.scalars(select(Pool).where(Pool.id.in_(held)))}
    returned = {number: min(places, held[number]) for number in held if pools[number].kind is PoolKind.SHARED}
    rest = places
    of_sources = [pools[number] for number in held if pools[number].kind is not PoolKind.SHARED]
    open_to_it = sources_for(of_sources, booking.comes_as, now) if now else of_sources
    for pool in [*(pool for pool in of_sources if pool not in open_to_it), *reversed(open_to_it)]:
        part = min(rest, held[pool.id])
        if part > 0:
            returned[pool.id] = part
            rest -= part
    return dict(sorted(returned.items()))


def _hold(booking: Booking, pool_id: int, held: int, more: int) -> None:
    if not held:
        add_rows(Holding, [{"booking_id": booking.id, "pool_id": pool_id, "places": more}])
        return
    row = Holding.booking_id == booking.id, Holding.pool_id == pool_id
    db.session.execute(update(Holding).where(*row).values(places=Holding.places + more), execution_options=_PLAIN)


def _let_go(booking: Booking, pool_id: int, held: int, returned: int) -> None:
    row = Holding.booking_id == booking.id, Holding.pool_id == pool_id, Holding.places == held
    if returned >= held:
        changed = db.session.execute(delete(Holding).where(*row), execution_options=_PLAIN)
    else:
        changed = db.session.execute(update(Holding).where(*row).values(places=held - returned), execution_options=_PLAIN)
    if changed.rowcount == 1:  # type: ignore[attr-defined]  # an UPDATE or DELETE always has a row count
        taken = update(Pool).where(Pool.id == pool_id).values(taken=Pool.taken - min(returned, held))
        db.session.execute(taken, execution_options=_PLAIN)


def _take(
    booking: Booking, slot: Slot, wanted: Mapping[int, int], places: int, now: datetime, *as_read: ColumnElement[bool]
) -> None:
    for pool_id, part in wanted.items():
        _take_one(pool_id, part, lambda: _full(booking, slot, places, now, as_read), *as_read)


def _take_one(pool_id: int, places: int, refusal: Callable[[], Exception], *as_read: ColumnElement[bool]) -> None:
    fits = Pool.taken + places <= Pool.capacity
    statement = update(Pool).where(Pool.id == pool_id, fits, *as_read).values(taken=Pool.taken + places)
    if db.session.execute(statement, execution_options=_PLAIN).rowcount != 1:  # type: ignore[attr-defined]  # as above
        raise refusal()


def _full(booking: Booking, slot: Slot, places: int, now: datetime, as_read: Iterable[ColumnElement[bool]]) -> Exception:
    """Why a pool gave nothing: it has too little, or the slot is not as it was read."""
    if any(not db.session.scalar(select(same)) for same in as_read):
        return StaleDataError("the slot was changed while it was booked")
    fresh = db.session.scalars(
        select(Pool).where(Pool.id.in_([pool.id for pool in slot.pools])), execution_options={"populate_existing": True}
    )
    return SlotFull(remaining=places_in(fresh, booking.comes_as, now).remaining, wanted=places)


def _left(pool_id: int) -> int:
    return db.session.scalar(select(func.max(Pool.capacity - Pool.taken)).where(Pool.id == pool_id)) or 0
