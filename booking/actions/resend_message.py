"""Send a booking's mail once more, by hand: the same bytes where they never arrived, else a new copy with today's facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select, update

from booking import clock
from booking.actions.queue_message import queue_copy, queue_to_head
from booking.actions.steps import record
from booking.db import db
from booking.errors import NotFound, NothingToSend, SentEnough
from booking.models import Booking, Delivery, HeldFor, HistoryEntry, Kind, Message, Status, Who
from booking.models.message import TO_HEAD, TO_HOSTS
from booking.queries import fetch, workspace_bookings

MOST_A_DAY = 5
"""Mails of one booking that may be sent again on one day in Paris."""
SENT_AGAIN = "mail_sent_again"
_INVITATIONS = frozenset({Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED, Kind.BOOKING_RESCHEDULED})
_CALENDAR = _INVITATIONS | {Kind.BOOKING_CANCELLED}
_QUESTIONS: Mapping[Kind, frozenset[HeldFor]] = MappingProxyType(
    {
        Kind.BOOKING_TO_PROVE: frozenset({HeldFor.EMAIL}),
        Kind.PLACES_OFFERED: frozenset({HeldFor.OFFER}),
        Kind.BOOKING_PENDING: frozenset({HeldFor.HEAD, HeldFor.HOST}),
        Kind.HEAD_ASKED: frozenset({HeldFor.HEAD}),
        Kind.HEAD_REMINDED: frozenset({HeldFor.HEAD}),
        Kind.HOST_APPROVAL_ASKED: frozenset({HeldFor.HOST}),
    }
)
"""Mails about places held for somebody's answer, and for whose: true until it is given or its time is over."""
_ENDS: Mapping[Kind, Status] = MappingProxyType(
    {
        Kind.BOOKING_CANCELLED: Status.CANCELLED,
        Kind.BOOKING_EXPIRED: Status.EXPIRED,
        Kind.BOOKING_REFUSED: Status.REFUSED,
        Kind.WAITING_ENDED: Status.EXPIRED,
        Kind.HOST_REQUEST_EXPIRED: Status.EXPIRED,
    }
)
_TO_WHO_WAITS = frozenset({Kind.WAITING_TO_PROVE, Kind.WAITING_JOINED})
_ABOUT_AN_ANSWER = frozenset({Kind.REPLY_UNSURE, Kind.RESTORE_REFUSED})
"""Mails about one answer in a calendar, which only another answer brings again."""
_ABOUT_A_CHANGE = frozenset({Kind.CHANGE_REFUSED, Kind.HOST_CHANGE_ASKED})
_SAID_ONCE: Mapping[Kind, str] = MappingProxyType({Kind.BOOKER_LETTER: "letter", Kind.CHANGE_REFUSED: "asked"})
"""Mails that cannot be written again without what somebody said in them, and the name of that fact."""
_OF_EVERY_MAIL = frozenset({"booking", "slot", "event", "calendar", "other_half"})


class Again(StrEnum):
    """How a mail can be sent again."""

    SAME_BYTES = "same_bytes"
    """It was given up: its row is queued once more, with its Message-ID."""
    COPY = "copy"
    """It was sent, was purged, or another one overtook it: a new mail says what is true today."""


def resend_message(reference: str, message_id: int, who: Who) -> Booking:
    """Queue one mail of a booking again, and write it into the history.

    Raises `NotFound` (no such mail of this booking), `NothingToSend` (`way_again` knows no way) or `SentEnough`.
    """
    booking, now = fetch.booking(reference), clock.now()
    messages = workspace_bookings.messages_of(booking.id)
    message = next((message for message in messages if message.id == message_id), None)
    if message is None:
        raise NotFound
    way = way_again(booking, message, messages, now)
    if way is None:
        raise NothingToSend
    today = HistoryEntry.at >= clock.at_paris(clock.paris_day(now), 0)
    if times_sent_again(booking, today) >= MOST_A_DAY:
        raise SentEnough("today", most=MOST_A_DAY)
    if way is Again.SAME_BYTES:
        _queue_the_same(message, now)
    else:
        queue_again(booking, message, messages, now)
    record(booking, who, SENT_AGAIN, now, booking.status, {"kind": message.kind.value})
    return booking


def way_again(booking: Booking, message: Message, messages: Sequence[Message], now: datetime) -> Again | None:
    """How a mail can be sent again, or None: it is on its way, no longer true, or has nobody to go to.

    `messages` are all of the booking's, in the order they were queued. A page asks this to know whether there is a button.
    """
    if message.delivery is Delivery.QUEUED or not booking.email or booking.slot.ends_at <= now:
        return None
    if not _is_still_true(message, booking, now):
        return None
    # What has bounced was taken once: the same Message-ID again is thrown away as a copy of it.
    dead = message.delivery is Delivery.DEAD and message.bounced_at is None and message.recipient
    if dead and not _is_overtaken(message, messages) and not _is_out_of_date(message, booking):
        return Again.SAME_BYTES
    lost = message.kind in TO_HOSTS or (message.kind in _SAID_ONCE and _SAID_ONCE[message.kind] not in message.facts)
    return None if lost else Again.COPY


def times_sent_again(booking: Booking, *which: Any) -> int:
    """How many mails of a booking were sent again by hand, among the lines of history that suit."""
    lines = HistoryEntry.booking_id == booking.id, HistoryEntry.action == SENT_AGAIN, *which
    return db.session.scalar(select(func.count()).select_from(HistoryEntry).where(*lines)) or 0


def queue_again(booking: Booking, message: Message, messages: Sequence[Message], now: datetime) -> None:
    """Queue a new copy of a mail to the booker, or of one to the school's head to the head, with the facts as they are now.

    What a host was told is never written anew: raises `NothingToSend`. An invitation is repeated with its UID and SEQUENCE and
    a later DTSTAMP (RFC 5546, 2.1.4): nothing about the visit changed.
    """
    kind, more = _as_of_today(booking, message)
    if kind in TO_HOSTS:
        raise NothingToSend
    if kind in TO_HEAD:
        queue_to_head(booking, kind, now, **more)
        return
    if kind in _CALENDAR:
        booking.same_invitation_again(now)
    copies = [other.copy for other in messages if (other.kind, other.sequence) == (kind, booking.sequence)]
    queue_copy(booking, kind, now, max(copies, default=0) + 1, **more)


def _is_still_true(message: Message, booking: Booking, now: datetime) -> bool:
    """Whether a mail of this kind says where the booking stands now."""
    kind, status = message.kind, booking.status
    in_time = booking.expires_at is not None and booking.expires_at > now
    to_come = status is Status.CONFIRMED and booking.slot.starts_at > now
    if kind in _ABOUT_AN_ANSWER:
        return False
    if kind in _QUESTIONS:
        nobody_to_ask = kind in TO_HEAD and not booking.head_email
        return status is Status.HELD and booking.held_for in _QUESTIONS[kind] and in_time and not nobody_to_ask
    if kind in _TO_WHO_WAITS:
        return status is Status.WAITING and in_time and (booking.proven_at is not None) == (kind is Kind.WAITING_JOINED)
    if kind in _ENDS:
        return status is _ENDS[kind] and not booking.was_declined
    if kind is Kind.BOOKING_DECLINED:
        return booking.was_declined
    if kind in _ABOUT_A_CHANGE:
        return to_come and message.sequence == booking.sequence and (kind is Kind.CHANGE_REFUSED or _is_asked(message, booking))
    return to_come if kind in _INVITATIONS else True


def _is_asked(message: Message, booking: Booking) -> bool:
    """Whether the headcount a mail names is the one the host is asked for now."""
    asked, open_one = message.facts.get("asked"), booking.change_asked
    return asked is not None and open_one is not None and all(open_one[name] == asked[name] for name in asked)


def _is_overtaken(message: Message, messages: Sequence[Message]) -> bool:
    """Whether a later mail about the same calendar entry was queued: a calendar must not meet an older one after it."""
    if message.slot_id is not None:
        later = Message.slot_id == message.slot_id, Message.recipient == message.recipient, Message.id > message.id
        return db.session.scalar(select(Message.id).where(*later).limit(1)) is not None
    return message.kind in _CALENDAR and any(other.kind in _CALENDAR and other.id > message.id for other in messages)


def _is_out_of_date(message: Message, booking: Booking) -> bool:
    """Whether a mail that asks something says another deadline, time or number than the booking, or would go to another head."""
    if message.kind in TO_HEAD and message.recipient != booking.head_email:
        return True
    if message.kind not in _QUESTIONS and message.kind not in _TO_WHO_WAITS:
        return False
    said, slot = message.facts.get("booking", {}), message.facts.get("slot", {})
    moments = [said.get("expires_at"), slot.get("starts_at")]
    told = [datetime.fromisoformat(moment) if moment else None for moment in moments]
    numbers = (said.get("pupils"), said.get("adults"))
    return (*told, *numbers) != (booking.expires_at, booking.slot.starts_at, booking.pupils, booking.adults)


def _queue_the_same(message: Message, now: datetime) -> None:
    """The row as it is, its patience of three days begun anew. Where somebody else was faster nothing is done twice."""
    again = {
        "delivery": Delivery.QUEUED,
        "attempts": 0,
        "created_at": now,
        "next_attempt_at": now,
        "first_tried_at": None,
        "lease": None,
        "lease_until": None,
        "last_error": "",
    }
    statement = update(Message).where(Message.id == message.id, Message.delivery == Delivery.DEAD).values(**again)
    changed = db.session.execute(statement, execution_options={"synchronize_session": False})
    if changed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE always has a row count
        raise NothingToSend


def _as_of_today(booking: Booking, message: Message) -> tuple[Kind, dict[str, Any]]:
    """The kind of the copy, and what its verb had added. What changed before the last change is nobody's news any more."""
    kept = {name: value for name, value in message.facts.items() if name not in _OF_EVERY_MAIL}
    if message.kind in {Kind.BOOKING_CANCELLED, Kind.BOOKING_REFUSED}:
        return message.kind, {"by": str(booking.ended_by), "why": booking.end_reason} | kept
    if message.kind is Kind.BOOKING_PENDING:
        return message.kind, {"held_for": str(booking.held_for)}
    if message.kind is Kind.PLACES_OFFERED:
        return message.kind, {"slot_id": booking.slot_id}
    is_news = message.sequence == booking.sequence and "slot" in message.facts
    if message.kind in _INVITATIONS and not is_news:
        return Kind.BOOKING_CONFIRMED, {}
    return message.kind, kept
