"""What a host's calendar and mails say of a slot: what is true of it now, and which bookings are expected, in numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.orm import joinedload

from booking import clock
from booking.db import db
from booking.models import Booking, Edition, Event, HostEntry, Occasion, Slot
from booking.queries.door import EXPECTED

ABOUT_THE_SLOT = ("starts_at", "ends_at", "arrive_at", "meeting_point", "title", "place", "cancelled")
"""What an entry says of the slot itself; all the rest is who comes."""
_LONGEST_WAIT = timedelta(hours=26)
"""No digest is farther off: they come once a day, and a day has 25 hours at most."""
_SOMEBODY_COMES = select(Booking.id).where(Booking.slot_id == Slot.id, Booking.status.in_(EXPECTED)).exists()


def expected_on(slot_id: int) -> Sequence[Row[Any]]:
    """The bookings expected on a slot, in the order they were made: a reference and numbers, no name and no address."""
    statement: Any = (
        select(
            Booking.reference,
            Booking.audience,
            Booking.school_name,
            Booking.commune,
            Booking.level,
            Booking.pupils,
            Booking.adults,
            Booking.needs,
        )
        .where(Booking.slot_id == slot_id, Booking.status.in_(EXPECTED))
        .order_by(Booking.id)
    )
    return db.session.execute(statement).all()


def true_of(slot: Slot, expected: Sequence[Row[Any]]) -> dict[str, Any]:
    """What the host's entry of a slot says, as plain JSON: instants in ISO 8601 and UTC, each booking as `[pupils, adults]`.

    Who comes alone is `[0, 0]`. Nobody's name.
    """
    event = slot.event
    town = f"{event.postcode} {event.commune}".strip()
    return {
        "starts_at": slot.starts_at.isoformat(),
        "ends_at": slot.ends_at.isoformat(),
        "arrive_at": slot.arrive_at.isoformat(),
        "meeting_point": slot.meets_at,
        "title": event.title,
        "place": ", ".join(part for part in (event.place_name, event.address, town) if part),
        "cancelled": bool(slot.cancelled_at or event.cancelled_at),
        "bookings": {row.reference: [row.pupils, row.adults] for row in expected},
    } | numbers_of(expected)


def numbers_of(expected: Sequence[Row[Any]]) -> dict[str, int]:
    """How many are expected: pupils and adults of classes, and persons who come alone."""
    return {
        "pupils": sum(row.pupils for row in expected if row.audience == "school"),
        "adults": sum(row.adults for row in expected if row.audience == "school"),
        "persons": sum(row.audience != "school" for row in expected),
    }


def is_due(now: datetime) -> ColumnElement[bool]:
    """Whether the contacts of a slot are to hear of it: also where a clock that has gone back since set a moment too far off."""
    return or_(HostEntry.due_at <= now, HostEntry.due_at > now + _LONGEST_WAIT)


def due_entries(now: datetime, limit: int = 100) -> list[int]:
    """The slots whose hosts are to hear of them now, the one due longest first. Read from an index of those alone."""
    due = select(HostEntry.slot_id).where(is_due(now)).order_by(HostEntry.due_at, HostEntry.slot_id).limit(limit)
    return list(db.session.scalars(due))


def slots_of_day(organisation_id: int, day: date) -> list[Slot]:
    """The slots one organisation expects somebody on, on a day in Paris, soonest first, with event and host.

    Left out are cancelled ones, and those of editions that send no digests.
    """
    event = joinedload(Slot.event, innerjoin=True)
    statement = (
        select(Slot)
        .join(Event, Event.id == Slot.event_id)
        .join(Edition, Edition.id == Event.edition_id)
        .where(*_on_day(day), Event.host_id == organisation_id, _SOMEBODY_COMES)
        .options(event.joinedload(Event.host, innerjoin=True))
        .order_by(Slot.starts_at, Slot.id)
    )
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))


def hosts_of_day(day: date) -> Sequence[Row[Any]]:
    """Who expects somebody on a day in Paris: `host_id`, when the first such slot `begins`, and since when one is `booked`."""
    statement: Any = (
        select(Event.host_id, func.min(Slot.starts_at).label("begins"), func.min(Booking.confirmed_at).label("booked"))
        .select_from(Slot)
        .join(Event, Event.id == Slot.event_id)
        .join(Edition, Edition.id == Event.edition_id)
        .join(Booking, Booking.slot_id == Slot.id)
        .where(*_on_day(day), Booking.status.in_(EXPECTED))
        .group_by(Event.host_id)
        .order_by(Event.host_id)
    )
    return db.session.execute(statement).all()


def passed(keys: Collection[str]) -> set[str]:
    """Which of these occasions were taken already."""
    return set(db.session.scalars(select(Occasion.key).where(Occasion.key.in_(keys)))) if keys else set()


def _on_day(day: date) -> tuple[Any, ...]:
    return (
        Slot.starts_at >= clock.at_paris(day, 0),
        Slot.starts_at < clock.at_paris(day + timedelta(days=1), 0),
        Slot.cancelled_at.is_(None),
        Event.cancelled_at.is_(None),
        Edition.digests,
    )
