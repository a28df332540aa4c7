"""What somebody answered in their calendar, weighed and acted upon: the one place that decides (RFC 5546, REPLY).

The door has read the mail and says whether it believes it; what follows depends on the booking alone. Everything is decided under
the booking's version: of two readers with the same answer one finds it taken, and runs again to see that it is old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from booking import clock
from booking.actions.book_again import book_again
from booking.actions.offer_places import free_places
from booking.actions.queue_message import queue_copy, queue_host_notice, queue_message, times_told
from booking.actions.steps import record, step
from booking.addresses import is_same_address
from booking.db import db
from booking.errors import NotFound, Refusal
from booking.models import CALENDAR, Answer, Booking, Decision, Kind, Message, Status
from booking.queries import fetch

MOST_QUESTIONS = 3
"""Mails a day that ask a booker about answers nobody can vouch for: a stranger must not make us write for ever."""
_AHEAD = timedelta(days=1)
"""How far a calendar's clock may run before ours. An answer from the day after tomorrow would make every later one look old."""


@dataclass(frozen=True)
class Decided:
    """What was done, and about which booking; None where the UID or the person is nobody's."""

    decision: Decision
    booking: Booking | None = None


def answer_in_calendar(
    uid: str, attendee: str, answer: Answer | None, sequence: int, stamp: datetime | None, *, believed: bool
) -> Decided:
    """Act upon an answer to the invitation `uid`. Repeating it changes nothing more.

    `attendee` is who answers, `sequence` and `stamp` are the reply's SEQUENCE and DTSTAMP, `answer` is None for what a calendar
    cannot do here (propose another time, send somebody else). `believed` says that the mail was shown to come from the
    attendee; what is not believed, and a No to an older version of the invitation, only asks the booker to say it with a click.
    """
    try:
        booking = fetch.booking_by_uid(uid)
    except NotFound:
        return Decided(Decision.UNKNOWN_UID)
    if not booking.is_invited:
        return Decided(Decision.UNKNOWN_UID)
    if not is_same_address(attendee, booking.email):
        return Decided(Decision.OTHER_ATTENDEE)
    return Decided(_decide(booking, answer, sequence, stamp, believed=believed), booking)


def _decide(booking: Booking, answer: Answer | None, sequence: int, stamp: datetime | None, *, believed: bool) -> Decision:
    now = clock.now()
    if answer is None:
        return Decision.NOT_POSSIBLE
    if now >= booking.slot.starts_at:
        return Decision.TOO_LATE
    if not (booking.status is Status.CONFIRMED or booking.was_declined):
        return Decision.ALREADY_ENDED
    if stamp is not None and _is_old(booking, sequence, stamp):
        return Decision.OVERTAKEN
    if stamp is None or stamp > now + _AHEAD or sequence > booking.sequence:
        believed = False  # no calendar wrote this about an invitation of ours
    if not believed or sequence < booking.sequence:
        return _ask(booking, answer, sequence, stamp, now, believed=believed)
    booking.answer, booking.answered_at, booking.answered_sequence = answer, stamp, sequence
    return _act(booking, answer, now)


def _is_old(booking: Booking, sequence: int, stamp: datetime) -> bool:
    """Whether something as late is known already (RFC 5546, 2.1.5: SEQUENCE first, then DTSTAMP)."""
    if booking.answered_at is None or booking.answered_sequence is None:
        return False
    return (sequence, stamp) <= (booking.answered_sequence, booking.answered_at)


def _act(booking: Booking, answer: Answer, now: datetime) -> Decision:
    """What a genuine answer to the invitation as it stands leads to."""
    if booking.status is Status.CONFIRMED:
        if answer is Answer.DECLINED:
            _release(booking, now)
            return Decision.PLACES_FREED
        record(booking, CALENDAR, "answered", now, booking.status, {"answer": answer.value})
        return Decision.NOTED
    if answer is Answer.ACCEPTED:
        return _take_back(booking, now)
    record(booking, CALENDAR, "answered", now, booking.status, {"answer": answer.value})
    return Decision.NOTED if answer is Answer.TENTATIVE else Decision.ALREADY_ENDED


def _release(booking: Booking, now: datetime) -> None:
    """A No: the places come back and are offered on. Its calendar knows already, so no CANCEL follows."""
    step(booking, Status.CANCELLED, CALENDAR, "declined", now)
    queue_message(booking, Kind.BOOKING_DECLINED, now)
    queue_host_notice(booking, Kind.HOST_BOOKING_CANCELLED, now, by=CALENDAR.actor.value)
    db.session.flush()
    free_places([booking], now)


def _take_back(booking: Booking, now: datetime) -> Decision:
    """A Yes after a No: booked again while there is room; else the booker hears why not."""
    stamp, sequence = booking.answered_at, booking.answered_sequence
    db.session.flush()
    try:
        with db.session.begin_nested():
            book_again(booking.reference, CALENDAR)
    except Refusal as refusal:
        fresh = fetch.booking(booking.reference)
        record(fresh, CALENDAR, "answered", now, fresh.status, {"answer": Answer.ACCEPTED.value})
        told = times_told(fresh, Kind.RESTORE_REFUSED)
        queue_copy(fresh, Kind.RESTORE_REFUSED, now, told, by="full" if refusal.code == "slot_full" else "rule")
        return Decision.NO_ROOM
    # The new invitation has the next SEQUENCE; what its calendar said Yes to is the one before.
    booking.answer, booking.answered_at, booking.answered_sequence = Answer.ACCEPTED, stamp, sequence
    return Decision.BOOKED_AGAIN


def _ask(booking: Booking, answer: Answer, sequence: int, stamp: datetime | None, now: datetime, *, believed: bool) -> Decision:
    """Ask the booker to say with a click what a mail nobody can vouch for says; nothing where it would change nothing."""
    would_free = answer is Answer.DECLINED and booking.status is Status.CONFIRMED
    would_book = answer is Answer.ACCEPTED and booking.was_declined
    if not (would_free or would_book):
        return Decision.OVERTAKEN if sequence < booking.sequence else Decision.NOTHING
    said = {"answer": answer.value, "sequence": sequence, "stamp": stamp.isoformat() if stamp else None}
    asked = Message.booking_id == booking.id, Message.kind == Kind.REPLY_UNSURE
    before = list(db.session.scalars(select(Message).where(*asked)))
    if any(message.facts.get("said") == said for message in before):
        return Decision.OVERTAKEN
    today = clock.paris_day(now)
    if sum(clock.paris_day(message.created_at) == today for message in before) >= MOST_QUESTIONS:
        return Decision.NOTHING
    which = "accepted" if would_book else "outdated" if believed else "unproven"
    record(booking, CALENDAR, "answer_doubted", now, booking.status, {"answer": answer.value})
    queue_copy(booking, Kind.REPLY_UNSURE, now, times_told(booking, Kind.REPLY_UNSURE), by=which, said=said)
    return Decision.ASKED
