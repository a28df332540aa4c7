"""Fetching one thing with all a page or a verb needs of it, in one statement."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import joinedload, undefer
from sqlalchemy.orm.interfaces import LoaderOption
from sqlalchemy.orm.strategy_options import _AbstractLoad as Load

from booking.db import db
from booking.errors import NotFound
from booking.models import Booking, Edition, Event, Organisation, Slot

_LARGEST_ID = 2**31 - 1
_UID = re.compile(r"[0-9a-f-]{36}")
_REFERENCE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


_EDITION = (
    Edition.key,
    Edition.name,
    Edition.year,
    Edition.starts_on,
    Edition.ends_on,
    Edition.label_until,
    Edition.archived_at,
    Edition.bookings_open_at,
    Edition.school_limit,
    Edition.priority_until,
    Edition.priority_schools,
)


def _around(event: Load) -> list[LoaderOption]:
    """What a slot's event brings along in the same statement, the long texts left where they are."""
    edition = event.joinedload(Event.edition, innerjoin=True)
    return [
        event.defer(Event.description).defer(Event.search_text),
        edition.load_only(*_EDITION),
        event.joinedload(Event.host, innerjoin=True).load_only(Organisation.name, Organisation.email),
    ]


_OF_BOOKING = joinedload(Booking.slot, innerjoin=True)
_SLOTS = select(Slot).options(*_around(joinedload(Slot.event, innerjoin=True)), joinedload(Slot.pools))
_FRESH = _SLOTS.options(undefer(Slot.is_waited_for)).execution_options(populate_existing=True)
_SLOT = _FRESH.where(Slot.id == bindparam("wanted"))
_SLOTS_OF_EVENT = _SLOTS.where(Slot.event_id == bindparam("wanted")).order_by(Slot.starts_at, Slot.id)
_BOOKINGS = (
    select(Booking)
    .options(*_around(_OF_BOOKING.joinedload(Slot.event, innerjoin=True)), _OF_BOOKING.joinedload(Slot.pools))
    .execution_options(populate_existing=True)
)
_BOOKING = _BOOKINGS.where(Booking.reference == bindparam("wanted"))


def slot(slot_id: int, *besides: ColumnElement[Any]) -> Slot:
    """A slot of a published event, fresh from the database, with event, edition, host and pools. Raises `NotFound`.

    `besides` is evaluated in the same statement, and what it answers is not read: a lock to wait for.
    """
    if not 0 < slot_id <= _LARGEST_ID:
        raise NotFound
    found: Slot | None = db.session.execute(_SLOT.add_columns(*besides), {"wanted": slot_id}).unique().scalar_one_or_none()
    if found is None or not found.event.is_public:
        raise NotFound
    return found


def slots(slot_ids: Collection[int]) -> list[Slot]:
    """Slots by their ids, fresh, whatever their event's publication, in ascending id."""
    statement = _FRESH.where(Slot.id.in_(slot_ids)).order_by(Slot.id)
    return list(db.session.scalars(statement).unique())


def booking(reference: str) -> Booking:
    """A booking by its reference, fresh, with its slot, event, edition, host and pools. Raises `NotFound`.

    Who may see it is the caller's question.
    """
    wanted = reference.strip().upper()
    if not is_reference(wanted):
        raise NotFound
    found = db.session.execute(_BOOKING, {"wanted": wanted}).unique().scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def is_reference(text: str) -> bool:
    """Whether a text has the shape of a booking's reference: what has not need not be looked for, and may be no text at all."""
    return _REFERENCE.fullmatch(text) is not None


def booking_by_id(booking_id: int) -> Booking:
    """A booking by its number, as `booking` fetches it. Raises `NotFound`."""
    found = db.session.scalars(_BOOKINGS.where(Booking.id == booking_id)).unique().one_or_none()
    if found is None:
        raise NotFound
    return found


def booking_by_uid(uid: str) -> Booking:
    """A booking by the UID of its invitation, as `booking` fetches it. Raises `NotFound`."""
    found = db.session.scalars(_BOOKINGS.where(Booking.uid == uid)).unique().one_or_none() if is_uid(uid) else None
    if found is None:
        raise NotFound
    return found


def is_uid(text: str) -> bool:
    """Whether a text has the shape of a UID of ours: what somebody else wrote may be no text a database takes."""
    return _UID.fullmatch(text) is not None


def together(booking: Booking) -> list[Booking]:
    """A booking and, of a class split over two slots, its other half; fresh, in the order they were made."""
    if booking.group_key is None:
        return [booking]
    return list(db.session.scalars(_BOOKINGS.where(Booking.group_key == booking.group_key).order_by(Booking.id)).unique())


def open_slots_of(event_id: int, places: int, audiences: frozenset[str] = frozenset()) -> list[Slot]:
    """The slots of an event that can be booked now by a party of so many places and these audiences, soonest first."""
    found = db.session.execute(_SLOTS_OF_EVENT, {"wanted": event_id}).unique().scalars()
    return [slot for slot in found if slot.closed_because() is None and slot.places_left(audiences).remaining >= places]
