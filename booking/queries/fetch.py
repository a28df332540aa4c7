"""Fetching one thing with all a page or a verb needs of it, in one statement."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import LoaderOption

from booking.db import db
from booking.errors import NotFound
from booking.models import Booking, Event, Slot

_LARGEST_ID = 2**31 - 1
_REFERENCE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


def _slot_options() -> list[LoaderOption]:
    event = joinedload(Slot.event, innerjoin=True)
    return [
        event.joinedload(Event.edition, innerjoin=True),
        event.joinedload(Event.host, innerjoin=True),
        joinedload(Slot.pools),
    ]


def slot(slot_id: int) -> Slot:
    """A slot of a published event, fresh from the database, with event, edition, host and pools. Raises `NotFound`."""
    if not 0 < slot_id <= _LARGEST_ID:
        raise NotFound
    statement = select(Slot).where(Slot.id == slot_id).options(*_slot_options()).execution_options(populate_existing=True)
    found = db.session.execute(statement).unique().scalar_one_or_none()
    if found is None or not found.event.is_public:
        raise NotFound
    return found


def booking(reference: str) -> Booking:
    """A booking by its reference, fresh, with its slot, event, edition, host and pools. Raises `NotFound`.

    Who may see it is the caller's question.
    """
    wanted = reference.strip().upper()
    if not _REFERENCE.fullmatch(wanted):
        raise NotFound
    of_slot = joinedload(Booking.slot, innerjoin=True)
    of_event = of_slot.joinedload(Slot.event, innerjoin=True)
    statement = (
        select(Booking)
        .where(Booking.reference == wanted)
        .options(
            of_slot.joinedload(Slot.pools),
            of_event.joinedload(Event.edition, innerjoin=True),
            of_event.joinedload(Event.host, innerjoin=True),
        )
        .execution_options(populate_existing=True)
    )
    found = db.session.execute(statement).unique().scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def open_slots_of(event_id: int, places: int) -> list[Slot]:
    """The slots of an event that can be booked now by a party of so many places, soonest first."""
    statement = select(Slot).where(Slot.event_id == event_id).options(*_slot_options()).order_by(Slot.starts_at, Slot.id)
    found = db.session.execute(statement).unique().scalars()
    return [slot for slot in found if slot.closed_because() is None and slot.remaining >= places]
