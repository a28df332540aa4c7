"""A small site to race on, dated from the real clock (its visitors are other processes), and what must hold about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import sqlalchemy
from flask import Flask
from sqlalchemy import func, select

import booking.app
from booking import clock
from booking.app import create_app
from booking.db import db, engine_options
from booking.models import (
    Audience,
    Booking,
    Edition,
    Event,
    EventType,
    HistoryEntry,
    Holding,
    Kind,
    LabelDecision,
    Message,
    Organisation,
    OrganisationKind,
    Party,
    Pool,
    PoolKind,
    Publication,
    Slot,
    Status,
    slot_pools,
)
from booking.models.booking import LIVE
from booking.models.event import Label, plain
from booking.queries import doctor
from tests.databases import settings_for

POOL_OF_CONNECTIONS = {"pool_size": 6, "max_overflow": 0, "pool_timeout": 120}
"""Many threads share few connections, as PostgreSQL serves a hundred of them and no more."""


def open_app(url: str) -> Flask:
    """The application on this database for one of many processes: few connections, and no doors, which are slow to open."""
    few = engine_options(url) | POOL_OF_CONNECTIONS
    with patch.multiple(booking.app, engine_options=lambda _: few, _open_doors=lambda _: None):
        return create_app(settings_for(url, RATE_LIMITS="off"))


@contextmanager
def opened(url: str) -> Iterator[Flask]:
    """An application context on this database, with every connection closed at its end."""
    app = open_app(url)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def build(pools: dict[str, int], slots: list[list[str]]) -> list[int]:
    """A published event in a month with these pools, and one slot for each list of pool names. Returns the slots' ids."""
    now = clock.now().replace(microsecond=0)
    week = clock.paris_day(now + timedelta(days=30))
    edition = Edition(
        key="race", number=1, year=week.year, name="Semaine de l’industrie", starts_on=week, ends_on=week + timedelta(days=6),
        label_from=week, label_until=week + timedelta(days=13), department="92", territory="Hauts-de-Seine",
    )  # fmt: skip
    port = Organisation(key="port", kind=OrganisationKind.COMPANY, name="Port de Gennevilliers", email="accueil@port.example")
    event = Event(
        edition=edition, host=port, key="visit", title="Visite des activités portuaires", type=EventType.COMPANY_VISIT,
        audiences=(Audience.COLLEGE,), publication=Publication.PUBLISHED, summary="Le port de l’intérieur.",
        description="Une visite à pied.\n\nLes quais, puis la tour.", place_name="Port", address="Route de la Seine",
        postcode="92230", commune="Gennevilliers", meeting_point="Accueil", search_text=plain("visite port"), updated_at=now,
    )  # fmt: skip
    label = Label(event=event, decision=LabelDecision.LABELLED, requested_at=now, decided_at=now)
    named = {name: Pool(kind=PoolKind.SHARED, capacity=capacity) for name, capacity in pools.items()}
    db.session.add_all([edition, port, event, label, *named.values()])
    db.session.flush()  # the pools get their ids in the order they were named
    built = [_slot(event, number, [named[name] for name in names]) for number, names in enumerate(slots)]
    db.session.add_all(built)
    db.session.commit()
    return [slot.id for slot in built]


def _slot(event: Event, number: int, pools: list[Pool]) -> Slot:
    starts_at = clock.now() + timedelta(days=30, hours=number)
    return Slot(
        event=event, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), pools=pools, closes_at=starts_at,
        headcount_until=starts_at, cancel_until=starts_at,
    )  # fmt: skip


def party(pupils: int, label: str) -> Party:
    """A class that no other visitor of the race brings, of a school of its own: those of one school take turns."""
    return Party(
        audience="school", email=f"prof-{label.replace(' ', '-')}@college.example", name="Camille Martin", school_name=f"Collège {label}",
        commune="Gennevilliers", level="3e", label=label, pupils=pupils, adults=2,
    )  # fmt: skip


def booked() -> dict[str, int]:
    """Places by reference, of every booking that holds some."""
    db.session.commit()
    return dict(db.session.execute(select(Booking.reference, Booking.places).where(Booking.status.in_(LIVE))).tuples().all())


def states() -> dict[str, Status]:
    """The state of every booking by reference, as committed now."""
    db.session.commit()
    return dict(db.session.execute(select(Booking.reference, Booking.status)).tuples().all())


def pools() -> dict[int, tuple[int, int]]:
    """Taken and capacity of every pool."""
    return {pool: (taken, capacity) for pool, taken, capacity in db.session.execute(select(Pool.id, Pool.taken, Pool.capacity))}


def broken_rules() -> list[str]:
    """Everything about places, bookings, history and messages that does not add up; nothing when all is well."""
    db.session.commit()
    return [*_wrong_counters(), *_half_bookings(), *_damage(), *found_by_the_doctor()]


def _wrong_counters() -> list[str]:
    rows = db.session.execute(select(Holding.pool_id, func.sum(Holding.places)).group_by(Holding.pool_id))
    sums = dict(rows.tuples().all())
    return [
        f"pool {pool}: taken {taken}, holdings {sums.get(pool, 0)}, capacity {capacity}"
        for pool, (taken, capacity) in pools().items()
        if not (taken == sums.get(pool, 0) and 0 <= taken <= capacity)
    ]


def _half_bookings() -> list[str]:
    drawn, held = defaultdict(set), defaultdict(dict)
    for slot_id, pool_id in db.session.execute(select(slot_pools.c.slot_id, slot_pools.c.pool_id)):
        drawn[slot_id].add(pool_id)
    for holding in db.session.scalars(select(Holding)):
        held[holding.booking_id][holding.pool_id] = holding.places
    history, messages = defaultdict(list), defaultdict(list)
    for entry in db.session.scalars(select(HistoryEntry).order_by(HistoryEntry.id)):
        history[entry.booking_id].append(entry)
    for message in db.session.scalars(select(Message).order_by(Message.id)):
        messages[message.booking_id].append(message)
    return [
        f"booking {booking.reference} ({booking.status}): {fault}"
        for booking in db.session.scalars(select(Booking))
        for fault in _faults(booking, drawn[booking.slot_id], held[booking.id], history[booking.id], messages[booking.id])
    ]


def _faults(
    booking: Booking, pools: set[int], held: dict[int, int], history: list[HistoryEntry], messages: list[Message]
) -> Iterator[str]:
    if held != (dict.fromkeys(pools, booking.places) if booking.is_live else {}):
        yield f"holds {held} where it has {booking.places} places"
    if not history or history[0].action != "booked" or history[0].status_before is not None:
        yield "has no beginning in the history"
    elif history[-1].status_after != booking.status or history[-1].places_after != (booking.places if booking.is_live else 0):
        yield "is not what its history says"
    owed = [Kind.BOOKING_TO_PROVE] if history and history[0].status_after == "held" else []
    for entry in history:
        owed += _MAILS.get(entry.action, []) if entry.status_after != "held" else []
    if booking.calendar_stamp is None:  # who was never invited is owed no cancellation
        owed = [kind for kind in owed if kind != Kind.BOOKING_CANCELLED]
    sent = [message.kind for message in messages if not message.kind.startswith("host")]
    if sent != owed:
        yield f"owes {owed}, queued {sent}"


_MAILS = {
    "confirmed": [Kind.BOOKING_CONFIRMED],
    "headcount_changed": [Kind.BOOKING_CHANGED],
    "cancelled": [Kind.BOOKING_CANCELLED],
    "expired": [Kind.BOOKING_EXPIRED],
}


def found_by_the_doctor() -> list[str]:
    """Every rule of `flask doctor`, read in one snapshot."""
    doctor.open_snapshot()
    found = [f"{finding.rule.name}: {broken}" for finding in doctor.examine() for broken in finding.broken]
    db.session.rollback()
    return found


def _damage() -> list[str]:
    if db.engine.dialect.name != "sqlite":
        return []
    lines = [line for (line,) in db.session.execute(sqlalchemy.text("PRAGMA integrity_check")) if line != "ok"]
    return lines + [f"dangling {row}" for row in db.session.execute(sqlalchemy.text("PRAGMA foreign_key_check"))]
