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
from booking.queries import fetch
from booking.queries.waiting import Next, is_kept_away, next_in_line, queue_before, waited_for

MOST_LOOKED_AT = 200
"""How many parties one transaction looks at whom a rule keeps from what is free; the worker's sweep looks at the others."""


def free_places(bookings: Iterable[Booking], now: datetime, places: int | None = None) -> list[Booking]:
    """Give back places of bookings (all they hold, unless `places` says how many) and offer them on; says to whom.

    Bookings that hold nothing give nothing back, so that repeating it is harmless.
    """
    pools: set[int] = set()
    for booking in bookings:
        pools.update(pool.id for pool in booking.slot.pools)
        give_back(booking, places, now)
    return offer_places(pools, now)


def offer_places(pool_ids: Collection[int], now: datetime) -> list[Booking]:
    """Offer what is free in these pools until nobody who waits for any slot that draws on them fits; says to whom."""
    slot_ids = waited_for(pool_ids)
    if not slot_ids:
        return []
    drawn = select(slot_pools.c.pool_id).where(slot_pools.c.slot_id.in_(slot_ids))
    lock_pools(db.session.scalars(drawn))
    offered: list[Booking] = []
    kept_away: set[int] = set()
    while len(kept_away) < MOST_LOOKED_AT and (found := next_in_line(slot_ids, now, kept_away)):
        booking = fetch.booking_by_id(found.wait.booking_id)
        if is_kept_away(booking, found.slot, now):
            kept_away.add(booking.id)
        else:
            make_offer(booking, found, RULE, now)
            offered.append(booking)
    return offered


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
