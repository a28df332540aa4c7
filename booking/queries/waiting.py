"""The queues of slots: whose turn it is when places are free, and where somebody stands. No writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, text, tuple_, union

from booking.db import db
from booking.models import Audience, Booking, Slot, Status, Wait, slot_pools
from booking.models.admission import rule_against
from booking.models.booking import OCCUPYING
from booking.models.party import SCHOOL, comes_as
from booking.offer_times import offer_deadline
from booking.queries import fetch
from booking.queries.room import room_by_slot
from booking.queries.standing import standing_of

Passed = MutableMapping[int, tuple[int, int]]
"""By slot, the rank and booking up to which everybody in its queue was looked at."""

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


def pools_waited_for_by_the_same(bookings: Iterable[Booking]) -> set[int]:
    """The pools of slots that classes of the same schools wait for: what ends here no longer counts against them there.

    The texts are the words of partial indexes.
    """
    found: set[int] = set()
    for booking in bookings:
        event = booking.slot.event
        if booking.is_class and (event.one_per_class or event.edition.school_limit is not None):
            by_name = Booking.class_key if event.edition.school_limit is None else Booking.school_key
            either = [and_(text("bookings.class_key <> ''"), by_name == getattr(booking, by_name.key))]
            if booking.school_uai:
                either.append(and_(text("bookings.school_uai <> ''"), Booking.school_uai == booking.school_uai))
            of_them = (select(Booking.id).where(Booking.status == Status.WAITING, same) for same in either)
            waited = select(Wait.slot_id).where(Wait.booking_id.in_(union(*of_them)))
            found.update(db.session.scalars(select(slot_pools.c.pool_id).where(slot_pools.c.slot_id.in_(waited)).distinct()))
    return found


def slots_with_room(now: datetime) -> list[int]:
    """Slots somebody waits for who might fit: the fewest places anybody there would take are free."""
    fewest = select(Wait.slot_id, func.min(Wait.smallest).label("places")).group_by(Wait.slot_id).subquery()
    room = room_by_slot(None, now).subquery()
    statement = select(fewest.c.slot_id).join(room, room.c.slot_id == fewest.c.slot_id).join(Slot, Slot.id == fewest.c.slot_id)
    open_now = room.c.remaining >= fewest.c.places, Slot.closes_at > now, Slot.cancelled_at.is_(None)
    return list(db.session.scalars(statement.where(*open_now).order_by(fewest.c.slot_id)))


def first_who_fits(
    slot_ids: Collection[int], now: datetime, passed: Passed | None = None, most: int | None = None
) -> tuple[Booking, Next] | None:
    """Whose turn it is on one of these slots at this moment: who has waited longest, fits, and is kept away by no rule.

    Whom a rule keeps away is noted in `passed` and not looked at again when the same transaction asks for the next one. After
    `most` of them nobody is found.
    """
    passed = {} if passed is None else passed
    looked_at = 0
    while found := next_in_line(slot_ids, now, passed):
        booking = fetch.booking_by_id(found.wait.booking_id)
        if not is_kept_away(booking, found.slot, now):
            return booking, found
        passed[found.slot.id] = found.wait.rank, found.wait.booking_id
        looked_at += 1
        if looked_at == most:
            break
    return None


def next_in_line(slot_ids: Collection[int], now: datetime, passed: Passed | None = None) -> Next | None:
    """Who has waited longest among those for whom there is room on one of these slots at this moment; None: nobody.

    Those up to the one `passed` on a slot are left out there.
    """
    found: list[Next] = []
    for slot in fetch.slots(slot_ids):
        until = offer_deadline(now, slot.closes_at) if slot.event.is_public and slot.closed_because(now) is None else None
        if until is None:
            continue
        free = {word: slot.places_left(comes_as(word, ""), now).remaining for word in _WORDS}
        of_slot = [Wait.slot_id == slot.id, _fits(free)]
        if passed and slot.id in passed:
            of_slot.append(tuple_(Wait.rank, Wait.booking_id) > passed[slot.id])
        wait = db.session.scalars(select(Wait).where(*of_slot).order_by(Wait.rank, Wait.booking_id).limit(1)).first()
        if wait:
            found.append(Next(wait, slot, free[wait.audience], until))
    return min(found, key=_turn, default=None)


def _turn(one: Next) -> tuple[int, int, int, datetime]:
    """The longest wait first; of one party's slots the one with room for more of it, then the sooner one."""
    return one.wait.rank, one.wait.booking_id, -min(one.free, one.wait.largest), one.slot.starts_at


def is_kept_away(booking: Booking, slot: Slot, now: datetime) -> bool:
    """Whether a rule keeps a waiting party from this slot: its class has booked meanwhile, its school has enough."""
    if stands_already(slot.id, booking):
        return True
    return rule_against(slot, booking.party, now, standing=standing_of(slot, booking.party, [booking.id])) is not None


def stands_already(slot_id: int, booking: Booking) -> str | None:
    """The reference of another request of the same party for a slot, on which no party stands twice."""
    same = Booking.slot_id == slot_id, Booking.party_key == booking.party_key, Booking.status.in_(OCCUPYING)
    statement = select(Booking.id, Booking.reference).where(*same)
    return next((row.reference for row in db.session.execute(statement) if row.id != booking.id), None)


def queue_before(slot_id: int, rank: int, booking_id: int) -> int:
    """How many parties stand before this one in the queue of a slot."""
    before = or_(Wait.rank < rank, and_(Wait.rank == rank, Wait.booking_id < booking_id))
    return db.session.scalar(select(func.count()).select_from(Wait).where(Wait.slot_id == slot_id, before)) or 0


def _fits(free: dict[str, int]) -> ColumnElement[bool]:
    """Whether the fewest places a party would take are free for what it comes as."""
    if len(set(free.values())) == 1:
        return Wait.smallest <= next(iter(free.values()))
    return or_(*(and_(Wait.audience == word, Wait.smallest <= places) for word, places in free.items()))
