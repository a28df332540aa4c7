"""The doctor: does the data keep the rules of the house? Each rule is one read that returns what breaks it.

What is found is named by table and number, never by a person. Reads are made in one snapshot (`open_snapshot`),
so that bookings made meanwhile are not taken for faults.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, and_, exists, func, or_, select, union_all
from sqlalchemy.orm import joinedload

from booking import clock
from booking.db import db
from booking.models import (
    Actor,
    Booking,
    Delivery,
    HeldFor,
    HistoryEntry,
    Holding,
    Kind,
    Message,
    Offer,
    Outcome,
    Party,
    Pool,
    PoolKind,
    Slot,
    Status,
    Wait,
    slot_pools,
)
from booking.models.booking import LIVE, STEPS
from booking.queries import personal_data, schema

_FINAL = frozenset(Status) - {before for before, _ in STEPS}
CALENDAR_KINDS = (Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED, Kind.BOOKING_RESCHEDULED, Kind.BOOKING_CANCELLED)
_OWED_BY_ACTION: Mapping[str, tuple[Status | None, Kind]] = MappingProxyType(
    {
        "headcount_changed": (Status.CONFIRMED, Kind.BOOKING_CHANGED),
        "rescheduled": (Status.CONFIRMED, Kind.BOOKING_RESCHEDULED),
        "queued": (None, Kind.WAITING_JOINED),
        "offered": (None, Kind.PLACES_OFFERED),
    }
)
"""Mails owed by what happened, where the booking then stands as named (None: wherever)."""
_OWED_BY_STEP: Mapping[tuple[Status | None, Status], Kind] = MappingProxyType(
    {
        (None, Status.CONFIRMED): Kind.BOOKING_CONFIRMED,
        (Status.HELD, Status.CONFIRMED): Kind.BOOKING_CONFIRMED,
        (Status.CONFIRMED, Status.CANCELLED): Kind.BOOKING_CANCELLED,
        (Status.HELD, Status.EXPIRED): Kind.BOOKING_EXPIRED,
        (Status.HELD, Status.REFUSED): Kind.BOOKING_REFUSED,
        (Status.WAITING, Status.EXPIRED): Kind.WAITING_ENDED,
    }
)
"""Mails owed by a step from one state to another."""
_REPEATED = (Kind.BOOKING_PENDING, Kind.WAITING_JOINED, Kind.PLACES_OFFERED)
"""Kinds that come more than once with one SEQUENCE; of others a copy is one sent again by hand."""
_LATE_HOLD = timedelta(minutes=10)
_OLD_MESSAGE = timedelta(hours=1)
_LATE_PURGE = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """A rule that never bends: its name, what it says, and the read that finds what breaks it."""

    name: str
    says: str
    broken: Callable[[], Iterable[str]]


@dataclass(frozen=True)
class Finding:
    """What the examination of one rule found; `broken` names rows, and is empty where all is well."""

    rule: Rule
    broken: list[str]


def open_snapshot() -> None:
    """Begin to read one state of the whole database. SQLite's transactions are snapshots; PostgreSQL must be asked."""
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def examine() -> Iterator[Finding]:
    """Every rule in turn. Where the migrations are not current nothing else can be read, and only that is said."""
    first = Finding(RULES[0], list(RULES[0].broken()))
    yield first
    if not first.broken:
        for rule in RULES[1:]:
            yield Finding(rule, list(rule.broken()))


def attention() -> Iterator[str]:
    """What breaks no rule and still wants somebody's eye: dead mail, a worker that does not come round."""
    now = clock.now()
    dead = Message.delivery == Delivery.DEAD, Message.recipient != ""  # what a purge has emptied was seen for a week
    for row in db.session.execute(select(Message.id, Message.kind, Message.last_error).where(*dead)):
        yield f"message {row.id} ({row.kind}) could not be delivered: {row.last_error or 'no reason was recorded'}"
    overdue = Booking.status == Status.HELD, Booking.expires_at < now - _LATE_HOLD
    if count := db.session.scalar(select(func.count()).select_from(Booking).where(*overdue)):
        yield f"{count} held bookings are past their deadline by more than 10 minutes: is the worker running?"
    waiting = Message.delivery == Delivery.QUEUED, Message.created_at < now - _OLD_MESSAGE
    if count := db.session.scalar(select(func.count()).select_from(Message).where(*waiting)):
        yield f"{count} messages have been waiting for more than an hour: is the worker running, does MAIL_SERVER answer?"
    for what, count in personal_data.count_due(now - _LATE_PURGE).items():
        if count:
            yield f"{count} {what} hold personal data more than a day past its end: is the worker running?"


def _migrations_not_current() -> Iterator[str]:
    applied, newest = schema.applied_migration(), schema.newest_migration()
    if applied != newest:
        yield f"the database is at {applied or 'none'}, this code at {newest}"


def _pools_that_disagree() -> Iterator[str]:
    held = select(Holding.pool_id, func.sum(Holding.places).label("places")).group_by(Holding.pool_id).subquery()
    places = func.coalesce(held.c.places, 0)
    wrong = or_(Pool.taken != places, Pool.taken > Pool.capacity, Pool.taken < 0)
    statement = select(Pool.id, Pool.taken, Pool.capacity, places.label("held")).outerjoin(held, held.c.pool_id == Pool.id)
    for row in db.session.execute(statement.where(wrong).order_by(Pool.id)):
        yield f"pool {row.id} (counter {row.taken}, held {row.held}, capacity {row.capacity})"


def _bookings_with_wrong_holdings() -> Iterator[str]:
    """Each live booking holds its places on every limit of its slot and, all in all, on its sources; any other holds nothing."""
    is_limit = Pool.kind == PoolKind.SHARED
    drawn = select(Booking.id.label("booking"), Pool.id.label("pool"), Pool.kind, Booking.places)
    drawn = drawn.join(slot_pools, slot_pools.c.slot_id == Booking.slot_id).join(Pool, Pool.id == slot_pools.c.pool_id)
    drawn = drawn.where(Booking.status.in_(LIVE))
    held = select(Holding.booking_id, Holding.pool_id, Holding.places).join(Pool, Pool.id == Holding.pool_id)
    owed = drawn.where(is_limit).with_only_columns(Booking.id, Pool.id, Booking.places)
    found = held.where(is_limit)
    wrong = _numbers(owed.except_(found)) | _numbers(found.except_(owed))
    sources = drawn.where(~is_limit).with_only_columns(Booking.id, Booking.places).distinct()
    of_sources = select(Holding.booking_id, func.sum(Holding.places)).join(Pool, Pool.id == Holding.pool_id).where(~is_limit)
    summed = of_sources.group_by(Holding.booking_id)
    wrong |= _numbers(sources.except_(summed)) | _numbers(summed.except_(sources))
    astray = held.where(~is_limit).with_only_columns(Holding.booking_id, Holding.pool_id)
    wrong |= _numbers(astray.except_(drawn.where(~is_limit).with_only_columns(Booking.id, Pool.id)))
    yield from (f"booking {number}" for number in sorted(wrong))
    bare = select(Booking.id).where(Booking.status.in_(LIVE), Booking.slot_id.not_in(select(slot_pools.c.slot_id)))
    yield from (f"booking {number} (its slot has no pool)" for number in db.session.scalars(bare))


def _bookings_of_wrong_size() -> Iterator[str]:
    taking = Booking.status.in_(LIVE | {Status.WAITING})
    of_slot = joinedload(Booking.slot, innerjoin=True).lazyload("*")
    for booking in db.session.scalars(select(Booking).where(taking).options(of_slot).order_by(Booking.id)):
        party = Party(booking.audience, email="", name="", pupils=booking.pupils, adults=booking.adults)
        if booking.places != (wanted := booking.slot.places_for(party)):
            yield f"booking {booking.id} ({booking.places} places for a party that takes {wanted})"


def _bookings_their_history_does_not_explain() -> Iterator[str]:
    histories = _histories()
    for row in db.session.execute(select(Booking.id, Booking.status, Booking.places).order_by(Booking.id)):
        entries = histories.get(row.id, [])
        if fault := _fault_in(entries):
            yield f"booking {row.id} ({fault})"
        elif entries[-1].status_after is not row.status:
            yield f"booking {row.id} (is {row.status}, its history says {entries[-1].status_after})"
        elif entries[-1].places_after != (row.places if row.status in LIVE else 0):
            yield f"booking {row.id} (its history ends with {entries[-1].places_after} places)"


def _fault_in(entries: list[Row[Any]]) -> str | None:
    """What is wrong with the chain of states of one booking, or None."""
    if not entries:
        return "has no history"
    reached = None
    for n, entry in enumerate(entries):
        if entry.status_before != reached:
            return f"entry {entry.id} does not follow from the one before"
        stays = n > 0 and entry.status_after == reached
        if not stays and entry.actor not in STEPS.get((reached, entry.status_after), ()):
            return f"entry {entry.id} is no step that {entry.actor} may take"
        reached = entry.status_after
    return None


def _final_states_left() -> Iterator[str]:
    left = HistoryEntry.status_before.in_(_FINAL), HistoryEntry.status_after != HistoryEntry.status_before
    for row in db.session.execute(select(HistoryEntry.id, HistoryEntry.booking_id).where(*left).order_by(HistoryEntry.id)):
        yield f"booking {row.booking_id} (entry {row.id})"


def _messages_missing() -> Iterator[str]:
    of_bookings = Message.booking_id.is_not(None), or_(Message.copy == 0, Message.kind.in_(_REPEATED))
    counted = (
        select(Message.booking_id, Message.kind, func.count()).where(*of_bookings).group_by(Message.booking_id, Message.kind)
    )
    there = {(booking, kind): number for booking, kind, number in db.session.execute(counted)}
    for booking, entries in _histories().items():
        for kind, owed in Counter(filter(None, map(_message_owed, entries))).items():
            if there.get((booking, kind), 0) < owed:
                yield f"booking {booking} (has {there.get((booking, kind), 0)} of {owed} {kind})"
    yield from _untold_of_a_cancelled_slot()


def _untold_of_a_cancelled_slot() -> Iterator[str]:
    """Nobody still waits for a cancelled slot, and whoever did got a mail when it was cancelled, invited or not."""
    told = exists().where(Message.booking_id == Booking.id, Message.kind == Kind.BOOKING_CANCELLED)
    by_host = Booking.ended_at == Slot.cancelled_at, Booking.ended_by.in_((Actor.HOST, Actor.AUTHORITY)), ~told
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


def _invitations_out_of_order() -> Iterator[str]:
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


def _sent_without_a_time() -> Iterator[str]:
    wrong = or_(
        (Message.delivery == Delivery.SENT) & Message.sent_at.is_(None),
        (Message.delivery != Delivery.SENT) & Message.sent_at.is_not(None),
    )
    return (f"message {number}" for number in db.session.scalars(select(Message.id).where(wrong).order_by(Message.id)))


def _names_used_twice() -> Iterator[str]:
    twice = union_all(
        select(func.min(Booking.id).label("id")).group_by(Booking.uid).having(func.count() > 1),
        select(func.min(Booking.id).label("id")).group_by(Booking.reference).having(func.count() > 1),
    )
    return (f"booking {number}" for number in db.session.scalars(twice))


def _holds_without_end() -> Iterator[str]:
    wrong = Booking.status == Status.HELD, or_(Booking.expires_at.is_(None), Booking.held_for.is_(None))
    return (f"booking {number}" for number in db.session.scalars(select(Booking.id).where(*wrong).order_by(Booking.id)))


def _queues_that_disagree() -> Iterator[str]:
    queued = exists().where(Wait.booking_id == Booking.id)
    waits = and_(Booking.status == Status.WAITING, Booking.proven_at.is_not(None))
    wrong = or_(and_(waits, ~queued), and_(Booking.status != Status.WAITING, queued), and_(waits, Booking.rank.is_(None)))
    yield from (f"booking {number}" for number in db.session.scalars(select(Booking.id).where(wrong).order_by(Booking.id)))


def _offers_that_disagree() -> Iterator[str]:
    is_open = exists().where(Offer.booking_id == Booking.id, Offer.outcome == Outcome.OPEN, Offer.slot_id == Booking.slot_id)
    offered = and_(Booking.status == Status.HELD, Booking.held_for == HeldFor.OFFER)
    wrong = or_(and_(offered, ~is_open), and_(~offered, is_open))
    yield from (f"booking {number}" for number in db.session.scalars(select(Booking.id).where(wrong).order_by(Booking.id)))


def _histories() -> dict[int, list[Any]]:
    """The lines of every booking's history, in the order they were written."""
    entry = HistoryEntry
    columns = (
        entry.id,
        entry.booking_id,
        entry.actor,
        entry.action,
        entry.status_before,
        entry.status_after,
        entry.places_after,
        entry.details,
    )
    found: dict[int, list[Any]] = defaultdict(list)
    of_bookings = select(*columns).where(entry.booking_id.is_not(None)).order_by(entry.booking_id, entry.id)
    for row in db.session.execute(of_bookings):
        found[row.booking_id].append(row)
    return found


def _numbers(pairs: Any) -> set[int]:
    return {row[0] for row in db.session.execute(pairs)}


RULES = (
    Rule("migrations", "the database has every migration of this code", _migrations_not_current),
    Rule("places", "a pool's counter is what its bookings hold, from 0 to its capacity", _pools_that_disagree),
    Rule(
        "holdings",
        "a live booking holds its places on every pool of its slot, any other booking none",
        _bookings_with_wrong_holdings,
    ),
    Rule("headcount", "a booking takes the places its headcount asks for", _bookings_of_wrong_size),
    Rule("waiting", "who waits stands in a queue until something is offered, and nobody else does", _queues_that_disagree),
    Rule("offers", "places that are offered are one open offer, until it is accepted, declined or over", _offers_that_disagree),
    Rule("holds", "a held booking says what it waits for and until when", _holds_without_end),
    Rule("history", "replaying its history gives a booking's state and places", _bookings_their_history_does_not_explain),
    Rule("final", "a final state is never left", _final_states_left),
    Rule("messages", "every step that owes a mail has one", _messages_missing),
    Rule("invitations", "SEQUENCE and DTSTAMP rise with every invitation, and CANCEL is the last", _invitations_out_of_order),
    Rule("sent", "a message that was sent says when, and no other does", _sent_without_a_time),
    Rule("names", "no two bookings share a UID or a reference", _names_used_twice),
)
"""Every rule, the migrations first: without them the others cannot be read."""
