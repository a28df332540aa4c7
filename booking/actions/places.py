"""Taking places and giving them back. Every door comes through here, and nothing else touches `Pool.taken`.

The conditional UPDATE is the guard: it counts and takes in one statement, under the row's lock, so no two
transactions can both see the last place. Pools are visited in ascending id, so that two parties drawing on the
same pools in another order wait for each other instead of blocking each other.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm.exc import StaleDataError

from booking.db import add_rows, db
from booking.errors import SlotFull
from booking.models import Booking, Holding, Pool, Slot


def hold_places(booking: Booking, pool_ids: Iterable[int], places: int) -> None:
    """Take `places` from each pool for a new booking. Call it last: it locks the pools until the commit.

    Raises `SlotFull`, which says how many places the narrowest pool has left, or `StaleDataError` where the host changed the
    slot since it was read: what its booker would be told is no longer true, and the transaction is run again.
    """
    ordered = sorted(pool_ids)
    rows = [{"booking_id": booking.id, "pool_id": pool_id, "places": places} for pool_id in ordered]
    add_rows(Holding, rows)
    _take(ordered, places, exists().where(Slot.id == booking.slot_id, Slot.version == booking.slot.version))


def take_more(booking: Booking, places: int) -> None:
    """Take `places` more for a live booking from every pool it draws on. Raises `SlotFull`."""
    pool_ids = [holding.pool_id for holding in _holdings(booking)]
    db.session.execute(
        update(Holding).where(Holding.booking_id == booking.id).values(places=Holding.places + places), execution_options=_PLAIN
    )
    _take(pool_ids, places)


def give_back(booking: Booking, places: int | None = None) -> None:
    """Give back some of a booking's places, or all of them, to the pools they came from.

    The rows in `holdings` say what there is to give back; where they are gone nothing is given twice.
    """
    for holding in _holdings(booking):
        returned = holding.places if places is None else places
        row = Holding.booking_id == booking.id, Holding.pool_id == holding.pool_id, Holding.places == holding.places
        if returned >= holding.places:
            changed = db.session.execute(delete(Holding).where(*row), execution_options=_PLAIN)
        else:
            changed = db.session.execute(
                update(Holding).where(*row).values(places=Holding.places - returned), execution_options=_PLAIN
            )
        if changed.rowcount == 1:  # type: ignore[attr-defined]  # an UPDATE or DELETE always has a row count
            db.session.execute(
                update(Pool).where(Pool.id == holding.pool_id).values(taken=Pool.taken - returned), execution_options=_PLAIN
            )


_PLAIN = {"synchronize_session": False}


def _take(pool_ids: Iterable[int], places: int, *as_read: ColumnElement[bool]) -> None:
    db.session.flush()
    for pool_id in pool_ids:
        fits = Pool.taken + places <= Pool.capacity
        statement = update(Pool).where(Pool.id == pool_id, fits, *as_read).values(taken=Pool.taken + places)
        if db.session.execute(statement, execution_options=_PLAIN).rowcount != 1:  # type: ignore[attr-defined]  # as above
            if as_read and not db.session.scalar(select(*as_read)):
                raise StaleDataError("the slot was changed while it was booked")
            raise SlotFull(remaining=_remaining(pool_ids), wanted=places)


def _remaining(pool_ids: Iterable[int]) -> int:
    left = db.session.scalars(select(Pool.capacity - Pool.taken).where(Pool.id.in_(list(pool_ids))))
    return max(0, min(left, default=0))


def _holdings(booking: Booking) -> list[Holding]:
    statement = select(Holding).where(Holding.booking_id == booking.id).order_by(Holding.pool_id)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))
