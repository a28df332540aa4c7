"""Who is expected at the door: the slots of an organisation with their numbers, and the list of one slot.

The list holds what somebody at the gate needs and no more: addresses are never read for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from booking import clock
from booking.db import db
from booking.models import Booking, Edition, Event, HistoryEntry, HostEntry, Publication, Slot, Status, Subject
from booking.models.booking import LIVE

EXPECTED = (Status.CONFIRMED, Status.ATTENDED)
_OF_THE_DOOR = (
    Booking.reference,
    Booking.status,
    Booking.audience,
    Booking.name,
    Booking.phone,
    Booking.school_name,
    Booking.class_label,
    Booking.level,
    Booking.pupils,
    Booking.adults,
    Booking.places,
    Booking.needs,
)


@dataclass(frozen=True)
class Expected:
    """A slot with event and pools, and who is expected: confirmed bookings, their people, and bookings still held."""

    slot: Slot
    bookings: int = 0
    pupils: int = 0
    adults: int = 0
    persons: int = 0
    """Who comes alone."""
    held: int = 0
    entry: HostEntry | None = None
    """What the host's contacts were mailed of it; read for calendars only."""

    @property
    def people(self) -> int:
        """Pupils, adults and persons who come alone."""
        return self.pupils + self.adults + self.persons


@dataclass(frozen=True)
class DoorList:
    """The bookings of one slot: those expected, and those nobody has confirmed yet."""

    expected: list[Row[Any]]
    held: list[Row[Any]]


def coming(organisation_id: int, now: datetime) -> list[Expected]:
    """The slots of today (in Paris) and of the days to come, soonest first. Three statements, whatever is found."""
    today = clock.at_paris(clock.paris_day(now), 0)
    return _expected(organisation_id, Slot.ends_at > today, Slot.cancelled_at.is_(None), Event.cancelled_at.is_(None))


def calendar(organisation_id: int, now: datetime) -> list[tuple[Expected, datetime]]:
    """The slots of editions that are not over, cancelled ones too, each with the instant it or its bookings last changed.

    Six statements, whatever is found.
    """
    today = clock.paris_day(now)
    under_way = Edition.archived_at.is_(None), or_(Edition.ends_on >= today, Edition.label_until >= today)
    found = _expected(organisation_id, Event.edition_id.in_(select(Edition.id).where(*under_way)))
    numbers = [one.slot.id for one in found]
    changed = _last_changes(numbers)
    entries = {entry.slot_id: entry for entry in db.session.scalars(select(HostEntry).where(HostEntry.slot_id.in_(numbers)))}
    return [
        (replace(one, entry=entries.get(one.slot.id)), max([one.slot.event.updated_at, *changed.get(one.slot.id, ())]))
        for one in found
    ]


def of_slot(slot_id: int, now: datetime) -> DoorList:
    """Who comes to one slot, in the order of the alphabet as the database knows it. One statement."""
    still_held = and_(Booking.status == Status.HELD, Booking.expires_at > now)
    statement: Any = (
        select(*_OF_THE_DOOR)
        .where(Booking.slot_id == slot_id, or_(Booking.status.in_(EXPECTED), still_held))
        .order_by(func.lower(Booking.school_name), func.lower(Booking.class_label), func.lower(Booking.name), Booking.id)
    )
    rows = db.session.execute(statement).all()
    return DoorList(
        [row for row in rows if row.status is not Status.HELD],
        [row for row in rows if row.status is Status.HELD],
    )


def _expected(organisation_id: int, *which: Any) -> list[Expected]:
    event = joinedload(Slot.event, innerjoin=True)
    statement = (
        select(Slot)
        .join(Event)
        .where(Event.host_id == organisation_id, Event.publication != Publication.DRAFT, *which)
        .options(event.joinedload(Event.edition, innerjoin=True), selectinload(Slot.pools))
        .order_by(Slot.starts_at, Slot.id)
    )
    slots = db.session.scalars(statement, execution_options={"populate_existing": True}).all()
    numbers = _numbers([slot.id for slot in slots])
    return [Expected(slot, *numbers.get(slot.id, (0, 0, 0, 0, 0))) for slot in slots]


def _numbers(slot_ids: Sequence[int]) -> dict[int, tuple[int, int, int, int, int]]:
    comes, held = Booking.status.in_(EXPECTED), Booking.status == Status.HELD
    alone = Booking.audience != "school"
    statement = (
        select(
            Booking.slot_id,
            func.count().filter(comes),
            func.coalesce(func.sum(Booking.pupils).filter(comes), 0),
            func.coalesce(func.sum(Booking.adults).filter(comes), 0),
            func.count().filter(comes, alone),
            func.count().filter(held),
        )
        .where(Booking.slot_id.in_(slot_ids), Booking.status.in_(LIVE))
        .group_by(Booking.slot_id)
    )
    rows = db.session.execute(statement)
    return {row[0]: (row[1], int(row[2]), int(row[3]), row[4], row[5]) for row in rows}


def _last_changes(slot_ids: Sequence[int]) -> dict[int | None, list[datetime]]:
    """When the history last spoke of each slot, and when of one of its bookings."""
    of_bookings = (
        select(Booking.slot_id, func.max(HistoryEntry.at))
        .join(Booking, Booking.id == HistoryEntry.booking_id)
        .where(Booking.slot_id.in_(slot_ids))
        .group_by(Booking.slot_id)
    )
    of_slots = (
        select(HistoryEntry.subject_id, func.max(HistoryEntry.at))
        .where(HistoryEntry.subject == Subject.SLOT, HistoryEntry.subject_id.in_(slot_ids))
        .group_by(HistoryEntry.subject_id)
    )
    found: dict[int | None, list[datetime]] = {}
    for statement in (of_bookings, of_slots):
        for number, at in db.session.execute(statement):
            found.setdefault(number, []).append(at)
    return found
