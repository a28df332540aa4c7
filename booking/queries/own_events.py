"""An organisation's events as its workspace lists them, and what hangs on one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from booking import clock
from booking.db import db
from booking.models import Booking, Event, Slot
from booking.models.booking import LIVE
from booking.queries.slot_bookings import TO_COME


@dataclass(frozen=True)
class Listed:
    """One event in the list, with edition, label, slots and pools loaded."""

    event: Event
    next_slot: Slot | None
    """The first slot to come that is not cancelled."""
    places: int
    """Places taken on all its slots."""


def listed(organisation_id: int) -> list[Listed]:
    """Every event of an organisation: the newest edition first, then by title."""
    statement = (
        select(Event)
        .where(Event.host_id == organisation_id)
        .options(
            joinedload(Event.edition, innerjoin=True),
            joinedload(Event.label),
            selectinload(Event.slots).selectinload(Slot.pools),
        )
    )
    events = db.session.scalars(statement, execution_options={"populate_existing": True}).unique().all()
    taken = places_taken([event.id for event in events])
    rows = [Listed(event, next_slot_of(event), taken.get(event.id, 0)) for event in events]
    return sorted(rows, key=lambda row: (-row.event.edition.starts_on.toordinal(), row.event.title.casefold(), row.event.id))


def next_slot_of(event: Event) -> Slot | None:
    """The first slot to come that is not cancelled."""
    now = clock.now()
    return next((slot for slot in event.slots if slot.starts_at > now and not slot.cancelled_at), None)


def places_taken(event_ids: Sequence[int]) -> dict[int, int]:
    """How many places are taken at each of these events."""
    statement = select(Slot.event_id, func.sum(Booking.places)).join(Booking, Booking.slot_id == Slot.id)
    found = db.session.execute(statement.where(Slot.event_id.in_(event_ids), Booking.status.in_(LIVE)).group_by(Slot.event_id))
    return {event_id: int(places) for event_id, places in found}


def bookings_to_come(event_id: int) -> int:
    """How many bookings of an event's slots to come still stand, the waiting ones among them."""
    statement = select(func.count(Booking.id)).join(Slot, Slot.id == Booking.slot_id)
    coming = (Slot.event_id == event_id, Slot.starts_at > clock.now(), Booking.status.in_(TO_COME))
    return db.session.scalar(statement.where(*coming)) or 0


def last_event(organisation_id: int) -> Event | None:
    """What the organisation wrote last: where it receives, and how one gets there, need not be asked again."""
    return db.session.scalars(select(Event).where(Event.host_id == organisation_id).order_by(Event.id.desc()).limit(1)).first()
