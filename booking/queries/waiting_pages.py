"""What people are shown of waiting lists: a party's own places in them, and a slot's queue as its host reads it. No writes.

Positions are counted, never stored: they are as true as the queue at that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import joinedload

from booking.db import db
from booking.errors import Refusal
from booking.models import Actor, Booking, Offer, Outcome, Slot, Wait
from booking.models.admission import NOTHING_YET, rule_against
from booking.offer_times import offer_deadline
from booking.queries import fetch
from booking.queries.standing import standing_of
from booking.queries.waiting import stands_already

A_PAGE = 50
MOST_PAST_OFFERS = 50


class NotOffered(StrEnum):
    """Why places that are free are not offered to somebody who waits for them."""

    TOO_FEW = "too_few"
    RULE = "rule"
    BOOKED = "booked"
    """The same party has another request for this slot."""
    NO_TIME = "no_time"
    """No fair time to answer would be left, or bookings are closed."""
    SOON = "soon"
    """Nothing is in the way: they are offered within a minute."""


@dataclass(frozen=True)
class PlaceInQueue:
    """Where a party stands in the queue of one slot, at this moment."""

    slot: Slot
    since: datetime
    before: int
    """How many parties have waited longer."""
    places_before: int
    """What these ask for, all together."""
    smallest: int
    largest: int
    free: int
    """Places nobody holds at this moment that this party could take."""
    why_not: NotOffered | None
    """Why the free ones are not offered to it; None where none are free."""
    rule: Refusal | None = None

    @property
    def position(self) -> int:
        return self.before + 1


@dataclass(frozen=True)
class Queued:
    """One line of a slot's queue as its host reads it."""

    wait: Wait
    position: int
    too_few: int
    """How often places were offered to somebody behind it because they were too few for this party."""
    kept_away: int
    """How often because a rule kept it from them, or because they were for another audience."""
    by_hand: int
    """How often because the host chose so."""
    others: Sequence[Slot]
    """The other slots it would come to."""
    rule: Refusal | None
    """The rule that keeps it from this slot now."""

    @property
    def booking(self) -> Booking:
        return self.wait.booking


@dataclass(frozen=True)
class QueuePage:
    """One page of a slot's queue. Pages count from 1; a page past the end is the last one."""

    lines: list[Queued]
    parties: int
    places: int
    """What all who wait ask for, together."""
    page: int
    pages: int


def places_in_queues(booking: Booking, now: datetime) -> list[PlaceInQueue]:
    """Where a waiting party stands in each queue, the sooner slot first. Nothing while its address is not proven."""
    waits = list(db.session.scalars(select(Wait).where(Wait.booking_id == booking.id)))
    slots = {slot.id: slot for slot in fetch.slots([wait.slot_id for wait in waits])}
    found = [_place(booking, wait, slots[wait.slot_id], now) for wait in waits]
    return sorted(found, key=lambda one: (one.slot.starts_at, one.slot.id))


def queue_of(slot: Slot, page: int, now: datetime) -> QueuePage:
    """A page of those who wait for a slot, in their order. The queue may be long: no more than the page is read."""
    counts = select(func.count(), func.coalesce(func.sum(Wait.largest), 0)).where(Wait.slot_id == slot.id)
    parties, places = db.session.execute(counts).one()
    pages = max(1, -(-parties // A_PAGE))
    page = min(max(page, 1), pages)
    first = (page - 1) * A_PAGE
    statement = select(Wait).where(Wait.slot_id == slot.id).order_by(Wait.rank, Wait.booking_id).offset(first).limit(A_PAGE)
    waits = list(db.session.scalars(statement.options(joinedload(Wait.booking, innerjoin=True))))
    skips = _passed_over(slot.id, [wait.booking_id for wait in waits])
    others = _other_slots(slot, waits)
    lines = [
        Queued(
            wait, first + number, *skips.get(wait.booking_id, (0, 0, 0)),
            [others[one] for one in wait.booking.wanted_slots if one in others], _rule(wait.booking, slot, now),
        )
        for number, wait in enumerate(waits, start=1)
    ]  # fmt: skip
    return QueuePage(lines, parties, places, page, pages)


def how_many_wait(slot_id: int) -> int:
    """How many parties wait for a slot."""
    return db.session.scalar(select(func.count()).select_from(Wait).where(Wait.slot_id == slot_id)) or 0


def open_offers(slot_id: int) -> list[Offer]:
    """The offers on a slot that nobody has answered yet, the first to end first; each with its booking."""
    of_slot = Offer.slot_id == slot_id, Offer.outcome == Outcome.OPEN
    statement = select(Offer).where(*of_slot).order_by(Offer.expires_at, Offer.id)
    return list(db.session.scalars(statement.options(joinedload(Offer.booking, innerjoin=True))))


def past_offers(slot_id: int) -> list[Offer]:
    """The offers on a slot that have ended, the latest first and not all where they are many; each with its booking."""
    of_slot = Offer.slot_id == slot_id, Offer.outcome != Outcome.OPEN
    statement = select(Offer).where(*of_slot).order_by(Offer.made_at.desc(), Offer.id.desc()).limit(MOST_PAST_OFFERS)
    return list(db.session.scalars(statement.options(joinedload(Offer.booking, innerjoin=True))))


def last_offer(booking_id: int) -> Offer | None:
    """The offer made to a booking last, open or not."""
    return db.session.scalars(select(Offer).where(Offer.booking_id == booking_id).order_by(Offer.id.desc()).limit(1)).first()


def waits_for(booking_id: int) -> list[int]:
    """The slots in whose queues a booking stands."""
    return list(db.session.scalars(select(Wait.slot_id).where(Wait.booking_id == booking_id).order_by(Wait.slot_id)))


def _place(booking: Booking, wait: Wait, slot: Slot, now: datetime) -> PlaceInQueue:
    ahead = or_(Wait.rank < wait.rank, and_(Wait.rank == wait.rank, Wait.booking_id < wait.booking_id))
    counts = select(func.count(), func.coalesce(func.sum(Wait.largest), 0)).where(Wait.slot_id == slot.id, ahead)
    before, places = db.session.execute(counts).one()
    free = slot.places_left(booking.comes_as, now).remaining
    why_not, rule = _why_not(booking, wait, slot, free, now)
    return PlaceInQueue(slot, wait.since, before, places, wait.smallest, wait.largest, free, why_not, rule)


def _why_not(booking: Booking, wait: Wait, slot: Slot, free: int, now: datetime) -> tuple[NotOffered | None, Refusal | None]:
    rule = _rule(booking, slot, now)
    if slot.closed_because(now) or (free and offer_deadline(now, slot.closes_at) is None):
        return NotOffered.NO_TIME, None
    if rule:
        return NotOffered.RULE, rule
    if stands_already(slot.id, booking):
        return NotOffered.BOOKED, None
    if not free:
        return None, None
    return (NotOffered.TOO_FEW if free < wait.smallest else NotOffered.SOON), None


def _rule(booking: Booking, slot: Slot, now: datetime) -> Refusal | None:
    """The rule that keeps a party from a slot though it waits for it; the hours of booking are not meant."""
    if slot.closed_because(now):
        return None
    counts = slot.event.one_per_class or slot.event.edition.school_limit is not None
    standing = standing_of(slot, booking.party, [booking.id]) if counts else NOTHING_YET
    return rule_against(slot, booking.party, now, standing=standing)


def _passed_over(slot_id: int, booking_ids: Collection[int]) -> Mapping[int, tuple[int, int, int]]:
    """For each of these, how many offers on this slot went to somebody behind it since it stands there: by why."""
    rule = Offer.made_by == Actor.RULE

    def counted(*which: object) -> object:
        return func.sum(case((and_(*which), 1), else_=0))  # type: ignore[arg-type]

    columns = (
        counted(rule, Offer.free < Wait.smallest),
        counted(rule, Offer.free >= Wait.smallest),
        counted(Offer.made_by != Actor.RULE),
    )
    behind = and_(Offer.slot_id == Wait.slot_id, Offer.rank > Wait.rank, Offer.made_at >= Wait.since)
    statement = select(Wait.booking_id, *columns).join(Offer, behind)  # type: ignore[call-overload]
    statement = statement.where(Wait.slot_id == slot_id, Wait.booking_id.in_(booking_ids)).group_by(Wait.booking_id)
    return {row[0]: (row[1], row[2], row[3]) for row in db.session.execute(statement)}


def _other_slots(slot: Slot, waits: Sequence[Wait]) -> dict[int, Slot]:
    numbers = {number for wait in waits for number in wait.booking.wanted_slots if number != slot.id}
    return {one.id: one for one in fetch.slots(numbers)} if numbers else {}
