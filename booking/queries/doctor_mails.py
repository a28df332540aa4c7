"""What the doctor reads about mails and invitations: whoever is owed one has it, in the order calendars need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, and_, exists, func, or_, select

from booking.db import db
from booking.models import Actor, Booking, Delivery, HeldFor, Kind, Message, Slot, Status
from booking.queries.doctor_histories import histories

CALENDAR_KINDS = (Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED, Kind.BOOKING_RESCHEDULED, Kind.BOOKING_CANCELLED)
_OWED_BY_ACTION: Mapping[str, tuple[Status | None, Kind]] = MappingProxyType(
    {
        "headcount_changed": (Status.CONFIRMED, Kind.BOOKING_CHANGED),
        "changed_slot": (Status.CONFIRMED, Kind.BOOKING_RESCHEDULED),
        "rescheduled": (Status.CONFIRMED, Kind.BOOKING_RESCHEDULED),
        "declined": (None, Kind.BOOKING_DECLINED),
        "queued": (None, Kind.WAITING_JOINED),
        "offered": (None, Kind.PLACES_OFFERED),
    }
)
"""Mails owed by what happened, where the booking then stands as named (None: wherever)."""
_OWED_BY_STEP: Mapping[tuple[Status | None, Status], Kind] = MappingProxyType(
    {
        (None, Status.CONFIRMED): Kind.BOOKING_CONFIRMED,
        (Status.HELD, Status.CONFIRMED): Kind.BOOKING_CONFIRMED,
        (Status.CANCELLED, Status.CONFIRMED): Kind.BOOKING_CONFIRMED,
        (Status.CONFIRMED, Status.CANCELLED): Kind.BOOKING_CANCELLED,
        (Status.HELD, Status.EXPIRED): Kind.BOOKING_EXPIRED,
        (Status.HELD, Status.REFUSED): Kind.BOOKING_REFUSED,
        (Status.WAITING, Status.EXPIRED): Kind.WAITING_ENDED,
    }
)
"""Mails owed by a step from one state to another."""
_REPEATED = (Kind.BOOKING_PENDING, Kind.WAITING_JOINED, Kind.PLACES_OFFERED)
"""Kinds that come more than once with one SEQUENCE; of others a copy is one sent again by hand."""


def messages_missing() -> Iterator[str]:
    """Bookings that lack a mail which a line of their history owes them."""
    of_bookings = Message.booking_id.is_not(None), or_(Message.copy == 0, Message.kind.in_(_REPEATED))
    counted = (
        select(Message.booking_id, Message.kind, func.count()).where(*of_bookings).group_by(Message.booking_id, Message.kind)
    )
    there = {(booking, kind): number for booking, kind, number in db.session.execute(counted)}
    for booking, entries in histories().items():
        for kind, owed in Counter(filter(None, map(_message_owed, entries))).items():
            if there.get((booking, kind), 0) < owed:
                yield f"booking {booking} (has {there.get((booking, kind), 0)} of {owed} {kind})"
    yield from _untold_of_a_cancelled_slot()


def _untold_of_a_cancelled_slot() -> Iterator[str]:
    """Nobody still waits for a cancelled slot, and whoever did got a mail when it was cancelled, invited or not."""
    told = exists().where(Message.booking_id == Booking.id, Message.kind == Kind.BOOKING_CANCELLED)
    with_it = Booking.status == Status.CANCELLED, Booking.ended_at == Slot.cancelled_at
    by_host = *with_it, Booking.ended_by.in_((Actor.HOST, Actor.AUTHORITY)), ~told
    waits = Booking.status.in_((Status.HELD, Status.WAITING, Status.CONFIRMED))
    statement = (
        select(Booking.id, waits.label("waits")).join(Slot).where(Slot.cancelled_at.is_not(None), or_(waits, and_(*by_host)))
    )
    for row in db.session.execute(statement.order_by(Booking.id)):
        yield f"booking {row.id} ({'still waits for a slot that' if row.waits else 'was not told that its slot'} is cancelled)"


def _message_owed(entry: Row[Any]) -> Kind | None:
    """The mail that one line of history owes to the booker."""
    if entry.action in _OWED_BY_ACTION:
        when, kind = _OWED_BY_ACTION[entry.action]
        return kind if when is None or entry.status_after is when else None
    if asks := entry.details.get("asks"):
        return Kind.BOOKING_TO_PROVE if asks == HeldFor.EMAIL else Kind.BOOKING_PENDING
    return _OWED_BY_STEP.get((entry.status_before, entry.status_after))


def invitations_out_of_order() -> Iterator[str]:
    """SEQUENCE and DTSTAMP strictly rise, CANCEL is last, the UID is the booking's (RFC 5545, 3.8.7.4; RFC 5546, 2.1.5).

    A mail sent again by hand is a copy: it repeats the SEQUENCE before it, with a DTSTAMP of its own.
    """
    sent = Message.booking_id, Message.sequence, Message.copy, Message.facts["calendar"].label("calendar")
    statement = select(*sent, Booking.uid, Booking.sequence.label("last")).join(Booking)
    ordered = statement.where(Message.kind.in_(CALENDAR_KINDS)).order_by(Message.booking_id, Message.id)
    for booking, rows in groupby(db.session.execute(ordered), lambda row: row.booking_id):
        if fault := _fault_in_invitations(list(rows)):
            yield f"booking {booking} ({fault})"


def _fault_in_invitations(rows: list[Row[Any]]) -> str | None:
    sequences = [row.sequence for row in rows]
    if not all(_follows(*pair) for pair in pairwise(rows)):
        return f"SEQUENCE goes {sequences}"
    if sequences[-1] != rows[-1].last:
        return f"the last invitation says SEQUENCE {sequences[-1]}, the booking {rows[-1].last}"
    calendars = [row.calendar for row in rows if row.calendar]  # a purge takes the facts away
    stamps = [calendar["dtstamp"] for calendar in calendars if calendar["dtstamp"]]  # who was never invited has none
    if any(later <= earlier for earlier, later in pairwise(stamps)):
        return "DTSTAMP does not rise"
    methods = [calendar["method"] for calendar in calendars]
    if "CANCEL" in methods and set(methods[methods.index("CANCEL") :]) != {"CANCEL"}:
        return "something follows its CANCEL"
    return "another UID" if any(calendar["uid"] != rows[0].uid for calendar in calendars) else None


def _follows(earlier: Row[Any], later: Row[Any]) -> bool:
    return bool(later.sequence == earlier.sequence if later.copy else later.sequence > earlier.sequence)


def sent_without_a_time() -> Iterator[str]:
    """Messages that were sent at no time, or have a time of sending and were not."""
    wrong = or_(
        (Message.delivery == Delivery.SENT) & Message.sent_at.is_(None),
        (Message.delivery != Delivery.SENT) & Message.sent_at.is_not(None),
    )
    return (f"message {number}" for number in db.session.scalars(select(Message.id).where(wrong).order_by(Message.id)))
