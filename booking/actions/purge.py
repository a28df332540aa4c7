"""Personal data has an end date: what has reached it is deleted, emptied or pseudonymised, a few rows a transaction.

`booking.queries.personal_data` says what and when. Repeating a purge changes nothing more, and one that is
interrupted goes on where it stopped. The history keeps that it happened, and nothing about whom.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from booking.actions import idle_accounts
from booking.actions.steps import record
from booking.db import Base, db
from booking.models import (
    CLOCK,
    Booking,
    Feed,
    Feedback,
    HistoryEntry,
    Inbound,
    Message,
    Occasion,
    Session,
    SignIn,
    Slot,
)
from booking.queries import personal_data
from booking.queries.personal_data import CONTACT, LINKS_CLOSED, PersonalData

A_BATCH = 200
"""Rows a transaction, so that nobody waits long for a lock."""
_DETAILS_THAT_STAY = ("before", "asks", "free", "passed_over", "rank")
"""Of a history entry's details, those that are numbers and words of ours alone."""
_PLAIN = {"synchronize_session": False}
_FRESH = {"populate_existing": True}


def purge(
    now: datetime, commit: Callable[[Callable[[], int]], int], stopping: Callable[[], bool] = lambda: False
) -> Counter[PersonalData]:
    """Take away everything that has reached its end, and say how much of each kind.

    `commit` is the door's `in_transaction`: each batch is one transaction. Between batches `stopping` is asked.
    """
    taken: Counter[PersonalData] = Counter()
    for what in PersonalData:
        while not stopping():
            batch = commit(partial(purge_some, what, now))
            taken[what] += batch
            if batch < A_BATCH:
                break
    return taken


def purge_some(what: PersonalData, now: datetime) -> int:
    """One batch of one kind; says how many rows it was. Rows somebody else has locked wait for the next purge."""
    statement = personal_data.due(what, now).limit(A_BATCH).with_for_update(skip_locked=True)
    ids = db.session.scalars(statement).all()
    if ids:
        _TAKE[what](ids, now)
    return len(ids)


def _delete_bookings(ids: Sequence[int], _now: datetime) -> None:
    for column, table in ((Message.booking_id, Message), (HistoryEntry.booking_id, HistoryEntry), (Booking.id, Booking)):
        owner: type[Base] = table
        db.session.execute(delete(owner).where(column.in_(ids)), execution_options=_PLAIN)


def _close_links(ids: Sequence[int], now: datetime) -> None:
    for booking in _bookings(ids):
        booking.link_nonce = secrets.token_bytes(16)
        record(booking, CLOCK, LINKS_CLOSED, now, booking.status)


def _empty_mails(ids: Sequence[int], _now: datetime) -> None:
    for message in db.session.scalars(select(Message).where(Message.id.in_(ids)), execution_options=_FRESH):
        _empty(message)


def _pseudonymise(ids: Sequence[int], now: datetime) -> None:
    for booking in _bookings(ids):
        for text in CONTACT:
            setattr(booking, text.key, "")
        booking.needs = {}
        booking.change_asked = None
        booking.party_key = secrets.token_hex(32)  # the index that keeps parties apart is satisfied, and says nothing
        booking.idempotency_key = booking.request_hash = None
        record(booking, CLOCK, "pseudonymised", now, booking.status)
    for entry in db.session.scalars(select(HistoryEntry).where(HistoryEntry.booking_id.in_(ids)), execution_options=_FRESH):
        entry.details = {name: entry.details[name] for name in _DETAILS_THAT_STAY if name in entry.details}
    db.session.execute(update(Feedback).where(Feedback.booking_id.in_(ids)).values(comment=""), execution_options=_PLAIN)
    late = Message.booking_id.in_(ids), personal_data.says_something()
    for message in db.session.scalars(select(Message).where(*late), execution_options=_FRESH):
        _empty(message)


def _empty_inbound_mails(ids: Sequence[int], _now: datetime) -> None:
    """Leave what it was, about which booking, and what was done: the decision outlives the mail."""
    emptied = update(Inbound).where(Inbound.id.in_(ids)).values(raw=None, sender="", subject="")
    db.session.execute(emptied, execution_options=_PLAIN)


def _delete_by(key: InstrumentedAttribute[Any]) -> Callable[[Sequence[Any], datetime], None]:
    """Delete the rows of a table with these keys; nothing else goes with them."""

    def delete_rows(keys: Sequence[Any], _now: datetime) -> None:
        db.session.execute(delete(key.class_).where(key.in_(keys)), execution_options=_PLAIN)

    return delete_rows


def _bookings(ids: Sequence[int]) -> Sequence[Booking]:
    of_event = joinedload(Booking.slot, innerjoin=True).joinedload(Slot.event, innerjoin=True)
    statement = select(Booking).where(Booking.id.in_(ids)).options(of_event)
    return db.session.scalars(statement, execution_options=_FRESH).all()


def _empty(message: Message) -> None:
    """Leave kind, times, outcome and Message-ID, and the calendar's numbers: mails that follow must rise above them."""
    calendar = message.facts.get("calendar")
    message.facts = {"calendar": calendar} if calendar else {}
    message.recipient = message.last_error = ""
    message.content = None


_TAKE: Mapping[PersonalData, Callable[[Sequence[Any], datetime], None]] = MappingProxyType(
    {
        PersonalData.BOOKINGS: _delete_bookings,
        PersonalData.LINKS: _close_links,
        PersonalData.MAILS: _empty_mails,
        PersonalData.CONTACTS: _pseudonymise,
        PersonalData.FEEDS: _delete_by(Feed.id),
        PersonalData.INBOUND_MAILS: _empty_inbound_mails,
        PersonalData.SIGN_INS: _delete_by(SignIn.id),
        PersonalData.SESSIONS: _delete_by(Session.id),
        PersonalData.UNWARNED_ACCOUNTS: idle_accounts.warn,
        PersonalData.UNCLOSED_ACCOUNTS: idle_accounts.close,
        PersonalData.ACCOUNTS: idle_accounts.delete,
        PersonalData.OCCASIONS: _delete_by(Occasion.key),
    }
)
