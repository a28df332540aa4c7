"""What an organisation's home page answers: what is next, who is coming, what waits for somebody, what is nearly full or empty.

The number of statements does not grow with the number of events, slots or bookings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import joinedload, selectinload

from booking import clock
from booking.db import db
from booking.models import (
    Booking,
    Edition,
    Event,
    HeldFor,
    Inbound,
    Label,
    LabelDecision,
    Member,
    MemberState,
    Publication,
    Slot,
    Status,
)
from booking.models.booking import LIVE
from booking.queries import requests
from booking.queries.received_mail import to_see
from booking.queries.workspace_bookings import could_not_be_told

NEXT = 5
SOON = timedelta(days=21)
"""Slots further away than this are not called nearly empty: there is time."""
_COMING = (Slot.cancelled_at.is_(None), Event.cancelled_at.is_(None))


@dataclass(frozen=True)
class Numbers:
    """The figures on top of the page. Places are counted over slots to come."""

    events: int
    slots: int
    bookings: int
    pupils: int
    taken: int
    capacity: int


@dataclass(frozen=True)
class ComingSlot:
    """A slot to come and who comes to it: live bookings, their pupils and adults and persons alone."""

    slot: Slot
    bookings: int
    pupils: int
    adults: int
    persons: int


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for somebody here. `code` says what it is, `count` how often, `event` where it is one event."""

    code: str
    count: int = 1
    event: Event | None = None


@dataclass(frozen=True)
class Home:
    """Everything the page shows."""

    numbers: Numbers
    coming: list[ComingSlot]
    waiting: list[Waiting]
    nearly_full: list[Slot]
    nearly_empty: list[Slot]


def home(organisation_id: int, now: datetime) -> Home:
    """The home of one organisation, as of now."""
    slots = _coming_slots(organisation_id, now)
    people = _people([slot.id for slot in slots])
    coming = [ComingSlot(slot, *people.get(slot.id, (0, 0, 0, 0))) for slot in slots]
    open_slots = [slot for slot in slots if slot.event.is_public and slot.closed_because(now) is None]
    return Home(
        Numbers(
            events=_published(organisation_id, now),
            slots=len(slots),
            bookings=sum(one.bookings for one in coming),
            pupils=sum(one.pupils for one in coming),
            taken=sum(slot.taken for slot in slots),
            capacity=sum(slot.capacity for slot in slots),
        ),
        coming[:NEXT],
        list(_waiting(organisation_id, now)),
        [slot for slot in open_slots if slot.remaining * 8 <= slot.capacity][:NEXT],
        [slot for slot in open_slots if slot.taken * 4 < slot.capacity and slot.starts_at <= now + SOON][:NEXT],
    )


def _coming_slots(organisation_id: int, now: datetime) -> Sequence[Slot]:
    statement = (
        select(Slot)
        .join(Event)
        .where(Event.host_id == organisation_id, Slot.ends_at > now, *_COMING)
        .options(joinedload(Slot.event, innerjoin=True).joinedload(Event.edition, innerjoin=True), selectinload(Slot.pools))
        .order_by(Slot.starts_at, Slot.id)
    )
    return db.session.scalars(statement, execution_options={"populate_existing": True}).all()


def _people(slot_ids: list[int]) -> dict[int, tuple[int, int, int, int]]:
    statement = (
        select(
            Booking.slot_id,
            func.count(),
            func.sum(Booking.pupils),
            func.sum(Booking.adults),
            func.sum(Booking.places).filter(Booking.audience != "school"),
        )
        .where(Booking.slot_id.in_(slot_ids), Booking.status.in_(LIVE))
        .group_by(Booking.slot_id)
    )
    return {row[0]: (row[1], row[2] or 0, row[3] or 0, row[4] or 0) for row in db.session.execute(statement)}


def _published(organisation_id: int, now: datetime) -> int:
    published = Event.publication == Publication.PUBLISHED, Event.cancelled_at.is_(None), Edition.ends_on >= clock.paris_day(now)
    return _count(select(Event.id).join(Edition).where(Event.host_id == organisation_id, *published))


def _waiting(organisation_id: int, now: datetime) -> list[Waiting]:
    """What somebody here has to do, the most pressing first."""
    returned = _events(organisation_id, Label.decision == LabelDecision.RETURNED)
    drafts = _events(organisation_id, Event.publication == Publication.DRAFT, Label.id.is_(None))
    without_slots = _events(
        organisation_id, Event.publication == Publication.PUBLISHED, ~exists().where(Slot.event_id == Event.id)
    )
    answers = requests.counts(organisation_id, now)
    found = [Waiting(code, count) for code, count in (("requests", answers.requests), ("changes", answers.changes)) if count]
    found += [Waiting("returned", event=event) for event in returned]
    found += [Waiting("no_slots", event=event) for event in without_slots]
    found += [Waiting("draft", event=event) for event in drafts]
    asking = select(Member.id).where(Member.organisation_id == organisation_id, Member.state == MemberState.ASKED)
    bounced = (
        select(Booking.id)
        .join(Slot)
        .join(Event)
        .where(
            Event.host_id == organisation_id,
            Booking.status.in_(LIVE),
            could_not_be_told(),
        )
    )
    unproven = Booking.status == Status.HELD, Booking.held_for == HeldFor.EMAIL
    held = select(Booking.id).join(Slot).join(Event).where(Event.host_id == organisation_id, *unproven)
    mail = select(Inbound.id).where(Inbound.organisation_id == organisation_id, to_see())
    numbers = select(*(_number(rows).scalar_subquery() for rows in (mail, asking, bounced, held)))
    counted = zip(("mail", "asking", "bounced", "held"), db.session.execute(numbers).one(), strict=True)
    return found + [Waiting(code, count) for code, count in counted if count]


def _events(organisation_id: int, *which: ColumnElement[bool]) -> Sequence[Event]:
    statement = (
        select(Event)
        .join(Edition)
        .outerjoin(Label, Label.event_id == Event.id)
        .where(Event.host_id == organisation_id, Event.cancelled_at.is_(None), Edition.archived_at.is_(None), *which)
        .order_by(Event.id)
        .limit(20)
    )
    return db.session.scalars(statement).all()


def _number(rows: Select[int]) -> Select[int]:
    return select(func.count()).select_from(rows.subquery())


def _count(rows: Select[int]) -> int:
    return db.session.scalar(_number(rows)) or 0
