"""Requests that wait for somebody's answer: the host's list of them, and when whom was asked. No writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import contains_eager

from booking.db import db
from booking.models import Booking, Event, HeldFor, Kind, Message, Slot, Status
from booking.models.booking import LIVE
from booking.queries import fetch

_ASKING = (Kind.HEAD_ASKED, Kind.HOST_APPROVAL_ASKED)


@dataclass(frozen=True)
class Request:
    """What one party asks the host for: a slot or, of a class split over two slots, both."""

    halves: tuple[Booking, ...]

    @property
    def booking(self) -> Booking:
        """The one whose reference names the request."""
        return self.halves[0]

    @property
    def until(self) -> datetime:
        """The last moment to answer."""
        return min(half.expires_at for half in self.halves if half.expires_at is not None)

    @property
    def seen(self) -> str:
        return sight_of(self.halves)


@dataclass(frozen=True)
class Counts:
    """How much waits for the host's answer: requests for places, and late changes of headcounts."""

    requests: int
    changes: int


def sight_of(halves: Iterable[Booking]) -> str:
    """What somebody decides about: when, where and how many. Pages carry it, so that nobody approves what has changed since."""
    return " ".join(f"{one.slot_id}@{one.slot.starts_at.isoformat()}:{one.pupils}+{one.adults}" for one in halves)


def asked_on(bookings: Collection[Booking]) -> dict[Kind, datetime]:
    """When the head and the host were last asked about these bookings; who was not asked is missing."""
    of_these = Message.booking_id.in_([booking.id for booking in bookings]), Message.kind.in_(_ASKING)
    statement = select(Message.kind, func.max(Message.created_at)).where(*of_these).group_by(Message.kind)
    return {kind: at for kind, at in db.session.execute(statement).tuples() if at is not None}


def requests_of(organisation_id: int, now: datetime) -> list[Request]:
    """Everything that waits for this host's answer, fresh, with slot, event and pools; the nearest deadline first."""
    found: dict[str, list[Booking]] = {}
    for booking in _bookings(organisation_id, _waits_for_host(now)):
        found.setdefault(booking.group_key or booking.reference, []).append(booking)
    return sorted((Request(tuple(halves)) for halves in found.values()), key=lambda one: (one.until, one.booking.id))


def changes_of(organisation_id: int, now: datetime) -> list[Booking]:
    """Bookings that asked this host for another headcount, fresh, with slot, event and pools; the nearest visit first."""
    return sorted(_bookings(organisation_id, _asks_for_change(now)), key=lambda one: (one.slot.starts_at, one.id))


def bookings_named(organisation_id: int, references: Collection[str]) -> list[Booking]:
    """Those of these bookings that are this host's, whatever has become of them, with slot and event."""
    return _bookings(organisation_id, Booking.reference.in_([one for one in references if fetch.is_reference(one)]))


def counts(organisation_id: int, now: datetime) -> Counts:
    """How much waits, in one statement; the two halves of a split class are one."""
    party = func.coalesce(Booking.group_key, Booking.reference)
    own: Any = select(func.count(party.distinct())).join(Booking.slot).join(Slot.event).where(Event.host_id == organisation_id)
    waiting, asking = (own.where(which).scalar_subquery() for which in (_waits_for_host(now), _asks_for_change(now)))
    return Counts(*db.session.execute(select(waiting, asking)).one())


def _waits_for_host(now: datetime) -> ColumnElement[bool]:
    return (Booking.status == Status.HELD) & (Booking.held_for == HeldFor.HOST) & (Booking.expires_at > now)


def _asks_for_change(now: datetime) -> ColumnElement[bool]:
    return Booking.status.in_(LIVE) & Booking.change_asked.is_not(None) & (Slot.starts_at > now)


def _bookings(organisation_id: int, which: ColumnElement[bool]) -> list[Booking]:
    statement = (
        select(Booking)
        .join(Booking.slot)
        .join(Slot.event)
        .where(Event.host_id == organisation_id, which)
        .options(
            contains_eager(Booking.slot).contains_eager(Slot.event).joinedload(Event.edition, innerjoin=True),
            contains_eager(Booking.slot).selectinload(Slot.pools),
        )
        .order_by(Booking.expires_at, Booking.id)
    )
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}).unique())
