"""The bookings of one organisation: what a host looks for among them, and everything known of one.

A search compares the words of a few columns in Python, as `plain()` writes them: accents and case do not matter, a percent sign
is a percent sign, and no second copy of what people wrote about themselves is kept for it. One organisation's bookings are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, or_, select
from sqlalchemy.orm import aliased, contains_eager

from booking import clock
from booking.db import db
from booking.models import Account, Booking, Delivery, Event, HistoryEntry, Message, Organisation, Slot, Status
from booking.models.booking import LIVE
from booking.models.event import plain

A_PAGE = 50
A_BATCH = 200
MOST_WORDS = 8
ALL_STATES = "all"
UNREACHED = "unreached"
"""Those that hold places and whose address could not be reached."""
_NUMBERS = (Booking.id, Booking.pupils, Booking.adults, Booking.places, Slot.starts_at, Slot.ends_at)
_TEXTS = (Booking.reference, Booking.school_name, Booking.class_label, Booking.name, Booking.email, Booking.commune)
_APOSTROPHES = str.maketrans("’", "'")


@dataclass(frozen=True)
class Filters:
    """What a host asks for. Empty means: no matter; for the state it means: those that hold places."""

    organisation_id: int
    words: str = ""
    event_id: int | None = None
    day: date | None = None
    """A day in Paris on which the slot starts."""
    state: str = ""
    """One of `Status`, or `ALL_STATES`."""
    audience: str = ""
    """`school`, or one of `Audience`."""


@dataclass(frozen=True)
class Totals:
    """What a list adds up to. Places are those its bookings hold, or held before they ended."""

    bookings: int
    pupils: int
    adults: int
    places: int


@dataclass(frozen=True)
class Page:
    """One page of what was found, with slot and event. Pages count from 1; a page past the end is the last one."""

    found: list[Booking]
    unreached: frozenset[int]
    """The ids of those among them whose address does not work."""
    totals: Totals
    page: int
    pages: int


@dataclass(frozen=True)
class Choices:
    """What the filters offer: the organisation's events that have slots, the newest first, and the days of its slots."""

    events: list[Row[Any]]
    days: list[date]


def search(filters: Filters, page: int = 1) -> Page:
    """Bookings that suit: visits to come first, the next one first; then those that are over, the latest first.

    Two statements, whatever is found.
    """
    rows = _rows(filters)
    pages = max(1, -(-len(rows) // A_PAGE))
    page = min(max(page, 1), pages)
    shown = [row.id for row in rows[(page - 1) * A_PAGE : page * A_PAGE]]
    pupils, adults, places = (sum(row[n] for row in rows) for n in (1, 2, 3))
    found = _load(shown)
    unreached = frozenset(booking.id for booking, failed in found if failed)
    return Page([booking for booking, _ in found], unreached, Totals(len(rows), pupils, adults, places), page, pages)


def export(filters: Filters) -> Iterator[Booking]:
    """Every booking that suits, with slot and event, in the order of the list.

    They are read some at a time, and no read stays open while a slow reader takes them: an open one would keep writers waiting.
    """
    numbers = [row.id for row in _rows(filters)]
    for first in range(0, len(numbers), A_BATCH):
        batch = _load(numbers[first : first + A_BATCH])
        db.session.commit()
        yield from (booking for booking, _ in batch)


def choices(organisation_id: int) -> Choices:
    """What can be chosen to narrow the list. Two statements."""
    own = Event.host_id == organisation_id
    events = (
        select(Event.id, Event.title)
        .where(own, Event.id.in_(select(Slot.event_id)))
        .order_by(Event.edition_id.desc(), Event.title)
    )
    starts = select(Slot.starts_at).join(Event, Event.id == Slot.event_id).where(own).distinct()
    days = {clock.paris_day(start) for start in db.session.scalars(starts)}
    return Choices(list(db.session.execute(events)), sorted(days))


def history_of(booking_id: int) -> Sequence[Row[Any]]:
    """A booking's lines in the order they were written, each with its account's address and the name of who acted for others."""
    statement: Any = (
        select(HistoryEntry, Account.email, Organisation.name)
        .outerjoin(Account, Account.id == HistoryEntry.account_id)
        .outerjoin(Organisation, Organisation.id == HistoryEntry.acting_for_id)
        .where(HistoryEntry.booking_id == booking_id)
        .order_by(HistoryEntry.id)
    )
    return db.session.execute(statement).all()


def messages_of(booking_id: int) -> list[Message]:
    """The mails about a booking, fresh, in the order they were queued; their bytes stay where they are."""
    statement = select(Message).where(Message.booking_id == booking_id).order_by(Message.id)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))


def _rows(filters: Filters) -> list[Row[Any]]:
    words = _words(filters.words)
    rows = list(db.session.execute(_select(filters, with_texts=bool(words))))
    now = clock.now()
    return sorted((row for row in rows if _suits(row, words)), key=lambda row: _place_in_list(row, now))


def _select(filters: Filters, *, with_texts: bool) -> Any:
    statement: Any = (
        select(*_NUMBERS, *(_TEXTS if with_texts else ()))
        .join(Slot, Slot.id == Booking.slot_id)
        .join(Event, Event.id == Slot.event_id)
        .where(Event.host_id == filters.organisation_id)
    )
    if filters.event_id is not None:
        statement = statement.where(Slot.event_id == filters.event_id)
    if filters.day is not None:
        statement = statement.where(
            Slot.starts_at >= clock.at_paris(filters.day, 0), Slot.starts_at < clock.at_paris(filters.day + timedelta(days=1), 0)
        )
    if filters.audience:
        statement = statement.where(Booking.audience == filters.audience)
    if filters.state == UNREACHED:
        statement = statement.where(Booking.status.in_(LIVE), could_not_be_told())
    elif filters.state != ALL_STATES:
        statement = statement.where(Booking.status.in_([Status(filters.state)] if filters.state else LIVE))
    return statement


_COMES_BACK_WITHIN = timedelta(days=1)
"""A mail that has not come back by then has arrived, as far as anybody can know."""


def could_not_be_told() -> ColumnElement[bool]:
    """Whether a booking's own address does not work, as far as is known: its people have to be told another way.

    A mail to it was given up, or came back for good, and none has been sent to it since that did not come back within a day: a
    server may take a mail only to return it.
    """
    later = aliased(Message)
    to_it = Message.booking_id == Booking.id, Message.recipient == Booking.email, Booking.email != ""
    failed = or_(Message.bounced_at.is_not(None), Message.delivery == Delivery.DEAD)
    got_through = exists().where(
        later.booking_id == Message.booking_id,
        later.recipient == Message.recipient,
        later.delivery == Delivery.SENT,
        later.bounced_at.is_(None),
        later.sent_at > func.coalesce(Message.bounced_at, Message.next_attempt_at),
        later.sent_at <= clock.now() - _COMES_BACK_WITHIN,
    )
    return exists().where(*to_it, failed, ~got_through)


def is_unreached(booking: Booking, messages: Sequence[Message]) -> bool:
    """Whether a booking's own address does not work. The database is asked only where one of its mails failed."""
    if not any(message.bounced_at or message.delivery is Delivery.DEAD for message in messages):
        return False
    return db.session.scalar(select(could_not_be_told()).where(Booking.id == booking.id)) or False


def _words(given: str) -> list[str]:
    return plain(given.translate(_APOSTROPHES)).split()[:MOST_WORDS]


def _suits(row: Row[Any], words: list[str]) -> bool:
    """Whether every word stands somewhere in what is known of a booking. A reference may be written without its dash."""
    if not words:
        return True
    texts = [*row[len(_NUMBERS) :], row.reference.replace("-", "")]
    written = plain("\n".join(texts).translate(_APOSTROPHES))
    return all(word in written for word in words)


def _place_in_list(row: Row[Any], now: datetime) -> tuple[bool, float, int]:
    over = row.ends_at <= now
    return over, row.starts_at.timestamp() * (-1 if over else 1), row.id


def _load(numbers: list[int]) -> list[tuple[Booking, bool]]:
    """Bookings in this order, each with whether its address does not work."""
    statement = (
        select(Booking, could_not_be_told())
        .join(Booking.slot)
        .join(Slot.event)
        .where(Booking.id.in_(numbers))
        .options(contains_eager(Booking.slot).contains_eager(Slot.event).load_only(Event.title, Event.host_id))
    )
    rows = db.session.execute(statement, execution_options={"populate_existing": True})
    found = {booking.id: (booking, failed) for booking, failed in rows}
    return [found[number] for number in numbers if number in found]
