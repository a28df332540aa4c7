"""Whose visit is on a day, and who has not been written to about it yet. No writes.

What was done about a visit is remembered in `occasions`, under the kind of mail, the booking and the day in Paris.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, String, cast, exists, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from booking import clock
from booking.db import db
from booking.models import Booking, Edition, Event, Kind, Message, Occasion, Slot, Status, Wait
from booking.queries import fetch

_SWITCHES: Mapping[Kind, InstrumentedAttribute[bool]] = MappingProxyType(
    {
        Kind.VISIT_IN_A_WEEK: Edition.reminds_week,
        Kind.VISIT_SOON: Edition.reminds_soon,
        Kind.VISIT_THANKS: Edition.thanks,
    }
)


def sends(edition_id: int, kind: Kind) -> bool:
    """Whether an edition sends mails of this kind, as the authority has it now."""
    return bool(db.session.scalar(select(_SWITCHES[kind]).where(Edition.id == edition_id)))


def occasion_key(kind: Kind, booking_id: int, day: date) -> str:
    """The name under which a mail about one visit on one day in Paris is remembered."""
    return f"{kind.value}:{booking_id}:{day.isoformat()}"


def days_of_visits(column: InstrumentedAttribute[datetime], first: date, last: date) -> list[date]:
    """The days in Paris, from the first to the last, on which some slot begins or ends (whichever instant `column` is)."""
    within = column >= clock.at_paris(first, 0), column < clock.at_paris(last + timedelta(days=1), 0)
    instants = db.session.scalars(select(column).where(*within).distinct())
    return sorted({clock.paris_day(instant) for instant in instants})


def untold(
    kind: Kind,
    column: InstrumentedAttribute[datetime],
    day: date,
    statuses: Collection[Status],
    limit: int,
    *more: ColumnElement[bool],
) -> Sequence[int]:
    """Bookings of visits that begin or end on a day in Paris, about which no mail of a kind was sent or passed over yet."""
    key = literal(f"{kind.value}:") + cast(Booking.id, String) + literal(f":{day.isoformat()}")
    statement = (
        select(Booking.id)
        .join(Slot, Booking.slot_id == Slot.id)
        .join(Event, Slot.event_id == Event.id)
        .where(
            column >= clock.at_paris(day, 0),
            column < clock.at_paris(day + timedelta(days=1), 0),
            Slot.cancelled_at.is_(None),
            Event.cancelled_at.is_(None),
            Booking.status.in_(statuses),
            ~exists().where(Occasion.key == key),
            *more,
        )
        .order_by(column, Booking.id)
        .limit(limit)
    )
    return db.session.scalars(statement).all()


def locked(booking_id: int) -> Booking:
    """A booking as it is now, which nobody changes until the transaction ends. Raises `NotFound`."""
    db.session.execute(select(Booking.id).where(Booking.id == booking_id).with_for_update())
    return fetch.booking_by_id(booking_id)


def how_many_wait(slot_ids: Collection[int]) -> int:
    """How many requests wait for places on these slots."""
    waiting = select(func.count(func.distinct(Wait.booking_id))).where(Wait.slot_id.in_(slot_ids))
    return db.session.scalar(waiting) or 0


def told_since(booking_id: int, kinds: Collection[Kind], since: datetime) -> bool:
    """Whether a mail of one of these kinds was queued about a booking since then."""
    found = select(Message.id).where(Message.booking_id == booking_id, Message.kind.in_(kinds), Message.created_at >= since)
    return db.session.scalar(found.limit(1)) is not None
