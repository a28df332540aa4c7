"""The doctor: does the data keep the rules of the house? Each rule is one read that returns what breaks it.

What is found is named by table and number, never by a person. Reads are made in one snapshot (`open_snapshot`),
so that bookings made meanwhile are not taken for faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, union_all

from booking import clock
from booking.db import db
from booking.models import Booking, Delivery, Inbound, Message, Status
from booking.queries import doctor_calendars as calendars
from booking.queries import doctor_histories as histories
from booking.queries import doctor_mails as mails
from booking.queries import doctor_places as places
from booking.queries import personal_data, schema
from booking.queries.waiting import first_who_fits, slots_with_room

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
    if count := sum(_somebody_fits(slot_id) for slot_id in slots_with_room(now)):
        yield f"{count} slots have places for somebody who has waited more than 10 minutes beside them: is the worker running?"
    waiting = Message.delivery == Delivery.QUEUED, Message.created_at < now - _OLD_MESSAGE
    if count := db.session.scalar(select(func.count()).select_from(Message).where(*waiting)):
        yield f"{count} messages have been waiting for more than an hour: is the worker running, does MAIL_SERVER answer?"
    aside = Inbound.details["laid_aside"].as_boolean(), Inbound.raw.is_not(None)
    for number in db.session.scalars(select(Inbound.id).where(*aside).order_by(Inbound.id)):
        yield f"received mail {number} was laid aside: see why in the log, then `flask --app wsgi inbox again {number}`"
    for what, count in personal_data.count_due(now - _LATE_PURGE).items():
        if count:
            yield f"{count} {what} hold personal data more than a day past its end: is the worker running?"


def _somebody_fits(slot_id: int) -> bool:
    """Whether there are places that time freed, and that the worker's sweep should have offered long ago."""
    now = clock.now()
    return all(first_who_fits([slot_id], moment) for moment in (now - _LATE_HOLD, now))


def _migrations_not_current() -> Iterator[str]:
    applied, newest = schema.applied_migration(), schema.newest_migration()
    if applied != newest:
        yield f"the database is at {applied or 'none'}, this code at {newest}"


def _names_used_twice() -> Iterator[str]:
    twice = union_all(
        select(func.min(Booking.id).label("id")).group_by(Booking.uid).having(func.count() > 1),
        select(func.min(Booking.id).label("id")).group_by(Booking.reference).having(func.count() > 1),
    )
    return (f"booking {number}" for number in db.session.scalars(twice))


RULES = (
    Rule("migrations", "the database has every migration of this code", _migrations_not_current),
    Rule("places", "a pool's counter is what its bookings hold, from 0 to its capacity", places.pools_that_disagree),
    Rule(
        "holdings",
        "a live booking holds its places on every pool of its slot, any other booking none",
        places.bookings_with_wrong_holdings,
    ),
    Rule("headcount", "a booking takes the places its headcount asks for", places.bookings_of_wrong_size),
    Rule(
        "waiting",
        "who waits stands in a queue until something is offered, and nobody else does",
        places.queues_that_disagree,
    ),
    Rule(
        "offers",
        "places that are offered are one open offer, until it is accepted, declined or over",
        places.offers_that_disagree,
    ),
    Rule("holds", "a held booking says what it waits for and until when", places.holds_without_end),
    Rule(
        "history",
        "replaying its history gives a booking's state and places",
        histories.bookings_their_history_does_not_explain,
    ),
    Rule("final", "a final state is never left", histories.final_states_left),
    Rule("messages", "every step that owes a mail has one", mails.messages_missing),
    Rule(
        "invitations",
        "SEQUENCE and DTSTAMP rise with every invitation, and CANCEL is the last",
        mails.invitations_out_of_order,
    ),
    Rule(
        "host_entries",
        "DTSTAMP rises with every entry a host's contact gets of a slot, SEQUENCE never falls, and CANCEL is the last",
        calendars.host_entries_out_of_order,
    ),
    Rule(
        "answers",
        "an answer that freed or took back places stands in its booking's history",
        calendars.answers_without_their_step,
    ),
    Rule("reminders", "whoever is said to have been reminded or thanked has a mail that says so", calendars.reminders_missing),
    Rule("sent", "a message that was sent says when, and no other does", mails.sent_without_a_time),
    Rule("names", "no two bookings share a UID or a reference", _names_used_twice),
)
"""Every rule, the migrations first: without them the others cannot be read."""
