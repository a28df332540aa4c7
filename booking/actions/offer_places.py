"""What comes free is offered to whoever has waited longest among those that fit, in the transaction that frees it.

The rule, as its page says it: first come, first served among those that fit. A party too large for what came free keeps its rank,
and the offer that passes it over says so. Freeing places means calling `free_places` (or `offer_places` where the number of
places itself has grown); nothing else calls `give_back`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete, select

from booking.actions.places import give_back, hold_places, lock_pools
from booking.actions.queue_message import queue_copy, times_told
from booking.actions.steps import step
from booking.db import db
from booking.models import RULE, Booking, HeldFor, Kind, Offer, Outcome, Slot, Status, Wait, Who, slot_pools
from booking.queries.waiting import Next, Passed, first_who_fits, pools_waited_for_by_the_same, queue_before, waited_for

MOST_LOOKED_AT = 200
"""How many parties in a row, kept by a rule from what is free, one transaction looks at; the worker's sweep looks beyond them."""


def free_places(bookings: Iterable[Booking], now: datetime, places: int | None = None) -> list[Booking]:
    """Give back places of bookings (all they hold, unless `places` says how many) and offer them on; says to whom.

    Bookings that hold nothing give nothing back, so that repeating it is harmless.
    """
    bookings = list(bookings)
    pools = {pool.id for booking in bookings for pool in booking.slot.pools}
    if places is None:
        pools |= pools_waited_for_by_the_same(bookings)
    lock_around(pools)
    for booking in bookings:
        give_back(booking, places, now)
    return offer_places(pools, now)


def offer_places(pool_ids: Collection[int], now: datetime, passed: Passed | None = None) -> list[Booking]:
    """Offer what is free in these pools until nobody who waits for any slot that draws on them fits; says to whom.

    `passed` says, by slot, up to whom a rule is known to keep everybody away.
    """
    slot_ids = waited_for(pool_ids)
    if not slot_ids:
        return []
    lock_pools(_drawn_on_by(slot_ids))
    offered: list[Booking] = []
    passed = dict(passed or {})
    while found := first_who_fits(slot_ids, now, passed, MOST_LOOKED_AT):
        booking, turn = found
        make_offer(booking, turn, RULE, now)
        offered.append(booking)
    return offered


def lock_around(pool_ids: Collection[int]) -> None:
    """Lock these pools, and whatever else those draw on who wait for places in them, all in one order.

    Whoever then joins a queue waits for what is freed meanwhile, or stands in it before it is read.
    """
    lock_pools({*pool_ids, *_drawn_on_by(waited_for(pool_ids))})


def make_offer(booking: Booking, found: Next, who: Who, now: datetime, pupils: int | None = None) -> Offer:
    """Hold the places for a waiting booking until the deadline, and tell it. Not one more than the party has asked for.

    `pupils` says with how many it may come, where the host offers by hand; otherwise as many as fit. The caller has locked the
    pools. Raises `SlotFull` where even these do not fit.
    """
    slot = found.slot
    rank = booking.rank or 0
    passed_over = queue_before(slot.id, rank, booking.id)
    _let_come_with(booking, slot, pupils if pupils is not None else _pupils_that_fit(booking, slot, found.free))
    booking.slot = slot
    stop_waiting(booking)
    held = HeldFor.OFFER, found.until
    step(booking, Status.HELD, who, "offered", now, held=held, free=found.free, passed_over=passed_over)
    hold_places(booking, slot, now)
    offer = Offer(
        booking_id=booking.id, slot_id=slot.id, rank=rank, places=booking.places, free=found.free, passed_over=passed_over,
        made_by=who.actor, made_at=now, expires_at=found.until, outcome=Outcome.OPEN,
    )  # fmt: skip
    db.session.add(offer)
    queue_copy(booking, Kind.PLACES_OFFERED, now, times_told(booking, Kind.PLACES_OFFERED), slot_id=slot.id)
    db.session.flush()
    return offer


def end_offer(booking: Booking, outcome: Outcome, now: datetime) -> None:
    """Write down how a booking's open offer ended; where none is open nothing happens."""
    open_ones = Offer.booking_id == booking.id, Offer.outcome == Outcome.OPEN
    for offer in db.session.scalars(select(Offer).where(*open_ones).with_for_update()):
        offer.outcome, offer.ended_at = outcome, now


def stop_waiting(booking: Booking) -> None:
    """Take a booking out of every queue it stands in."""
    db.session.execute(delete(Wait).where(Wait.booking_id == booking.id), execution_options={"synchronize_session": False})


def _drawn_on_by(slot_ids: Collection[int]) -> list[int]:
    return list(db.session.scalars(select(slot_pools.c.pool_id).where(slot_pools.c.slot_id.in_(slot_ids)).distinct()))


def _pupils_that_fit(booking: Booking, slot: Slot, free: int) -> int:
    """With how many of its pupils a class fits: all of them, or as many as there are places for."""
    whole = booking.asked_pupils or booking.pupils
    return min(whole, free - (booking.adults if slot.counts_adults else 0))


def _let_come_with(booking: Booking, slot: Slot, pupils: int) -> None:
    if booking.is_class:
        whole = booking.asked_pupils or booking.pupils
        booking.pupils = pupils
        booking.asked_pupils = whole if pupils < whole else None
    booking.places = slot.places_for(booking.party)
