"""Whose visit is on a day, and who has not been written to about it yet. No writes.

What was done about a visit is remembered in `occasions`, under the kind of mail, the booking and the day in Paris.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
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


def slots_by_day(column: InstrumentedAttribute[datetime], after: datetime, before: datetime) -> dict[date, list[int]]:
    """The slots that begin or end (whichever instant `column` is) between two moments, by their days in Paris, soonest first.

    Those that are cancelled, alone or with their event, are left out.
    """
    statement = (
        select(Slot.id, column)
        .join(Event, Slot.event_id == Event.id)
        .where(column > after, column < before, Slot.cancelled_at.is_(None), Event.cancelled_at.is_(None))
        .order_by(column, Slot.id)
    )
    found: dict[date, list[int]] = {}
    for number, instant in db.session.execute(statement):
        found.setdefault(clock.paris_day(instant), []).append(number)
    return found


def untold(
    kind: Kind, slot_ids: Collection[int], day: date, statuses: Collection[Status], limit: int, *more: ColumnElement[bool]
) -> Sequence[int]:
    """Bookings on slots of one day, about which no mail of a kind was sent or passed over yet."""
    key = literal(f"{kind.value}:") + cast(Booking.id, String) + literal(f":{day.isoformat()}")
    wanted = Booking.slot_id.in_(slot_ids), Booking.status.in_(statuses), ~exists().where(Occasion.key == key)
    return db.session.scalars(select(Booking.id).where(*wanted, *more).order_by(Booking.id).limit(limit)).all()


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
