"""Which personal data has reached its end. The page on privacy promises these times; `booking.actions.purge` keeps them.

Every booking comes to an end here: one that was never confirmed is deleted, any other is pseudonymised. What is held
still is left to its deadline, which passed before the visit began.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from booking import clock
from booking.db import db
from booking.models import (
    Account,
    Booking,
    Delivery,
    Feed,
    Feedback,
    HistoryEntry,
    Holding,
    Inbound,
    Message,
    Occasion,
    Session,
    SignIn,
    Slot,
    Status,
)

# How long each thing is kept. Whoever changes one changes templates/information/privacy.html as well.
KEPT_AFTER_VISIT = timedelta(days=7)
"""Bookings never confirmed, and secret links: from the end of the slot."""
KEPT_AFTER_DELIVERY = timedelta(days=7)
"""What a mail said, and to whom: from the moment it was sent or given up."""
CONTACT_MONTHS = 3
"""Who booked: calendar months in Paris, from the end of the slot."""
KEPT_OF_A_SIGN_IN = timedelta(days=1)
"""A request to sign in: from the moment it was made."""
KEPT_OF_A_SESSION = timedelta(days=30)
"""A session: from its end."""
KEPT_OF_INBOUND_MAIL = timedelta(days=30)
"""A mail that came in, its sender and subject: from the moment it was taken from the mailbox. What was done about it stays."""
OCCASION_MONTHS = 24
"""What was done once, so that it is never done again: nothing that old can come up any more."""
WARNED_AFTER_MONTHS, CLOSED_AFTER_WARNING_MONTHS, DELETED_AFTER_CLOSING_MONTHS = 11, 1, 12
"""An account nobody signs in to: calendar months in Paris. Who never came counts from the invitation. Each step waits for the one
before, so that nobody is closed without a warning, nor deleted without a year of a closed door."""

LINKS_CLOSED = "links_closed"
"""The action in a booking's history once its secret links open nothing any more."""
CONTACT = (
    Booking.email,
    Booking.name,
    Booking.phone,
    Booking.school_name,
    Booking.school_uai,
    Booking.class_label,
    Booking.school_key,
    Booking.class_key,
    Booking.head_email,
    Booking.end_reason,
)
"""The texts that may say who booked. Visit, numbers, audience, level, commune and attendance are no part of it."""

_NEVER_CONFIRMED = and_(
    Booking.confirmed_at.is_(None),
    Booking.status.in_([Status.WAITING, Status.EXPIRED, Status.CANCELLED, Status.REFUSED]),
)
_ONCE_CONFIRMED = or_(Booking.confirmed_at.is_not(None), Booking.status.in_([Status.CONFIRMED, Status.ATTENDED, Status.NO_SHOW]))
_MAIL_UNDER_WAY = exists().where(Message.booking_id == Booking.id, Message.delivery == Delivery.QUEUED)
_HOLDS_PLACES = exists().where(Holding.booking_id == Booking.id)
_HAS_COMMENT = exists().where(Feedback.booking_id == Booking.id, Feedback.comment != "")
_LINKS_ARE_CLOSED = exists().where(HistoryEntry.booking_id == Booking.id, HistoryEntry.action == LINKS_CLOSED)


class PersonalData(StrEnum):
    """The kinds of data that come to an end, in the order a purge takes them."""

    BOOKINGS = "bookings"
    """Never confirmed: deleted with history and messages."""
    LINKS = "links"
    """The secret links of a booking: replaced by what nobody knows."""
    MAILS = "mails"
    """Recipient, facts and content of one mail: emptied."""
    CONTACTS = "contacts"
    """The contact of a booking that was once confirmed, and what its booker said of the visit: pseudonymised."""
    FEEDS = "feeds"
    """Secret feeds of an address that no booking names any more: deleted."""
    INBOUND_MAILS = "inbound_mails"
    """Mails that came in: emptied once they were decided about."""
    SIGN_INS = "sign_ins"
    """Requests to sign in: deleted."""
    SESSIONS = "sessions"
    """Sessions that have ended: deleted."""
    UNWARNED_ACCOUNTS = "unwarned_accounts"
    """Accounts nobody has signed in to for eleven months: their people are warned."""
    UNCLOSED_ACCOUNTS = "unclosed_accounts"
    """Accounts a month after the warning: closed until somebody signs in."""
    ACCOUNTS = "accounts"
    """Accounts a year after they were closed: deleted; what they did stays in the history, under no name."""
    OCCASIONS = "occasions"
    """What was done once: forgotten after two years."""


def due(what: PersonalData, now: datetime) -> Select[Any]:
    """The keys of the rows of one kind that have reached their end by `now`: bookings, mails, feeds, sessions, accounts…

    What one kind takes no other counts, so that a rehearsal foretells what a purge will do.
    """
    match what:
        case PersonalData.BOOKINGS:
            return _abandoned(now).order_by(Booking.id)
        case PersonalData.LINKS:
            over = _visit_ended_by(now - KEPT_AFTER_VISIT), Booking.id.not_in(_abandoned(now))
            return select(Booking.id).where(*over, ~_LINKS_ARE_CLOSED).order_by(Booking.id)
        case PersonalData.MAILS:
            of_others = or_(Message.booking_id.is_(None), Message.booking_id.not_in(_abandoned(now)))
            final = _final_by(now - KEPT_AFTER_DELIVERY), of_others
            return select(Message.id).where(*final, says_something()).order_by(Message.id)
        case PersonalData.CONTACTS:
            return select(Booking.id).where(_loses_contact(now)).order_by(Booking.id)
        case PersonalData.FEEDS:
            return _nobodys_feeds(now).order_by(Feed.id)
        case PersonalData.INBOUND_MAILS:
            old = Inbound.received_at <= now - KEPT_OF_INBOUND_MAIL, Inbound.decided_at.is_not(None)
            full = or_(Inbound.raw.is_not(None), Inbound.sender != "", Inbound.subject != "")
            return select(Inbound.id).where(*old, full).order_by(Inbound.id)
        case PersonalData.OCCASIONS:
            return select(Occasion.key).where(Occasion.at <= months_before(now, OCCASION_MONTHS)).order_by(Occasion.key)
        case PersonalData.SIGN_INS:
            return select(SignIn.id).where(SignIn.created_at <= now - KEPT_OF_A_SIGN_IN).order_by(SignIn.id)
        case PersonalData.SESSIONS:
            long_ago = now - KEPT_OF_A_SESSION
            ended = or_(Session.ended_at <= long_ago, Session.expires_at <= long_ago)
            return select(Session.id).where(ended).order_by(Session.id)
        case _:
            return select(Account.id).where(*_idle(what, now)).order_by(Account.id)


def count_due(now: datetime) -> dict[PersonalData, int]:
    """How much of each kind a purge would take now. Changes nothing."""
    return {what: db.session.scalar(select(func.count()).select_from(due(what, now).subquery())) or 0 for what in PersonalData}


def _idle(what: PersonalData, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Accounts that have come to one of the three steps of their end. Signing in takes them back to the first."""
    if what is PersonalData.UNWARNED_ACCOUNTS:
        last = func.coalesce(Account.last_seen_at, Account.created_at)
        return Account.warned_at.is_(None), last <= months_before(now, WARNED_AFTER_MONTHS)
    if what is PersonalData.UNCLOSED_ACCOUNTS:
        return Account.closed_at.is_(None), Account.warned_at <= months_before(now, CLOSED_AFTER_WARNING_MONTHS)
    return (Account.closed_at <= months_before(now, DELETED_AFTER_CLOSING_MONTHS),)


def months_before(instant: datetime, months: int) -> datetime:
    """The same wall-clock time in Paris so many calendar months earlier, or on that month's last day where it has no such day."""
    local = clock.in_paris(instant)
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def says_something() -> ColumnElement[bool]:
    """Whether a message still has anything a purge takes away."""
    facts = Message.facts["slot"]["id"].as_string().is_not(None)
    return or_(Message.recipient != "", Message.content.is_not(None), Message.last_error != "", facts)


def _abandoned(now: datetime) -> Select[int]:
    """Bookings to delete. A mail under way ends first, and what holds places is the doctor's case, never ours."""
    over = _visit_ended_by(now - KEPT_AFTER_VISIT), _NEVER_CONFIRMED
    return select(Booking.id).where(*over, ~_MAIL_UNDER_WAY, ~_HOLDS_PLACES)


def _loses_contact(now: datetime) -> ColumnElement[bool]:
    past = _visit_ended_by(months_before(now, CONTACT_MONTHS))
    return and_(past, _ONCE_CONFIRMED, _has_contact(), ~_MAIL_UNDER_WAY)


def _nobodys_feeds(now: datetime) -> Select[Any]:
    """Feeds of addresses that stand in no booking, or only in some whose end this purge has come to."""
    stays = Booking.id.not_in(_abandoned(now)), ~_loses_contact(now), Booking.email != ""
    named = select(func.lower(Booking.email)).where(*stays)
    return select(Feed.id).where(Feed.email.is_not(None), Feed.email.not_in(named))


def _visit_ended_by(instant: datetime) -> ColumnElement[bool]:
    return Booking.slot_id.in_(select(Slot.id).where(Slot.ends_at <= instant))


def _final_by(instant: datetime) -> ColumnElement[bool]:
    sent = and_(Message.delivery == Delivery.SENT, Message.sent_at <= instant)
    dead = and_(Message.delivery == Delivery.DEAD, Message.next_attempt_at <= instant)
    return or_(sent, dead)


def _has_contact() -> ColumnElement[bool]:
    return or_(Booking.idempotency_key.is_not(None), _HAS_COMMENT, *(text != "" for text in CONTACT))
