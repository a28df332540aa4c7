"""The queues of slots: whose turn it is when places are free, and where somebody stands. No writes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from booking.db import db
from booking.models import Audience, Booking, Slot, Wait, slot_pools
from booking.models.admission import rule_against
from booking.models.party import SCHOOL, comes_as
from booking.offer_times import offer_deadline
from booking.queries import fetch
from booking.queries.standing import standing_of

_WORDS = (*(word.value for word in Audience), SCHOOL)


@dataclass(frozen=True)
class Next:
    """Whose turn it is, and how many places are free for them."""

    wait: Wait
    slot: Slot
    free: int
    until: datetime


def waited_for(pool_ids: Collection[int]) -> list[int]:
    """The slots somebody waits for that draw on any of these pools, in ascending id."""
    drawing = select(slot_pools.c.slot_id).where(slot_pools.c.pool_id.in_(pool_ids))
    statement = select(Slot.id).where(Slot.id.in_(drawing), select(Wait.slot_id).where(Wait.slot_id == Slot.id).exists())
    return list(db.session.scalars(statement.order_by(Slot.id)))


def next_in_line(slot_ids: Collection[int], now: datetime, besides: Collection[int] = ()) -> Next | None:
    """Who has waited longest among those that fit on one of these slots at this moment; None: nobody."""
    found: list[Next] = []
    for slot in fetch.slots(slot_ids):
        until = offer_deadline(now, slot.closes_at) if slot.event.is_public and slot.closed_because(now) is None else None
        if until is None:
            continue
        free = {word: slot.places_left(comes_as(word, ""), now).remaining for word in _WORDS}
        of_slot = Wait.slot_id == slot.id, _fits(free), Wait.booking_id.not_in(besides)
        wait = db.session.scalars(select(Wait).where(*of_slot).order_by(Wait.rank, Wait.booking_id).limit(1)).first()
        if wait:
            found.append(Next(wait, slot, free[wait.audience], until))
    return min(found, key=_turn, default=None)


def _turn(one: Next) -> tuple[int, int, int, datetime]:
    """The longest wait first; of one party's slots the one with room for more of it, then the sooner one."""
    return one.wait.rank, one.wait.booking_id, -min(one.free, one.wait.largest), one.slot.starts_at


def is_kept_away(booking: Booking, slot: Slot, now: datetime) -> bool:
    """Whether a rule keeps a waiting party from this slot: its class has booked meanwhile, its school has enough."""
    return rule_against(slot, booking.party, now, standing=standing_of(slot, booking.party, [booking.id])) is not None


def queue_before(slot_id: int, rank: int, booking_id: int) -> int:
    """How many parties stand before this one in the queue of a slot."""
    before = or_(Wait.rank < rank, and_(Wait.rank == rank, Wait.booking_id < booking_id))
    return db.session.scalar(select(func.count()).select_from(Wait).where(Wait.slot_id == slot_id, before)) or 0


def _fits(free: dict[str, int]) -> ColumnElement[bool]:
    """Whether the fewest places a party would take are free for what it comes as."""
    if len(set(free.values())) == 1:
        return Wait.smallest <= next(iter(free.values()))
    return or_(*(and_(Wait.audience == word, Wait.smallest <= places) for word, places in free.items()))
