"""What a party has booked already: read for the rules of `booking.models.admission`, in one place for every door."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, or_, select

from booking.db import db
from booking.models import Booking, Event, Party, Slot
from booking.models.admission import NOTHING_YET, Overlap, Standing
from booking.models.booking import LIVE


def standing_of(slot: Slot, party: Party, besides: Collection[int] = (), *, to_write: bool = False) -> Standing:
    """What counts for or against this party on this slot; the bookings with the ids `besides` are left out.

    Of a person nothing counts. With `to_write`, another transaction that asks for the same class or school waits for this one
    to end: two colleagues who book at one moment are then not both the first.
    """
    if not party.class_key:
        return NOTHING_YET
    limit = slot.event.edition.school_limit
    if to_write:
        _take_turns(party.school_key if limit is not None else party.class_key)
    columns = Booking.reference, Slot.event_id, Event.title, Slot.starts_at, Slot.ends_at
    of_class = Booking.class_key == party.class_key, Booking.status.in_(LIVE), Booking.id.not_in(besides)
    rows = db.session.execute(
        select(*columns).join(Booking.slot).join(Slot.event).where(*of_class).order_by(Slot.starts_at)
    ).all()
    return Standing(
        school_bookings=0 if limit is None else _of_school(slot.event.edition_id, party, besides),
        same_class=next((row.reference for row in rows if row.event_id == slot.event_id), None),
        overlaps=tuple(
            Overlap(row.reference, row.title, row.event_id, row.starts_at, row.ends_at)
            for row in rows
            if row.starts_at < slot.ends_at and slot.starts_at < row.ends_at
        ),
    )


def _of_school(edition_id: int, party: Party, besides: Collection[int]) -> int:
    """The school's live bookings in an edition, known by its UAI or by its name and commune. A split class counts once."""
    same = Booking.school_key == party.school_key
    if party.school_uai:
        same = or_(same, Booking.school_uai == party.school_uai)
    each = func.count(func.distinct(func.coalesce(Booking.group_key, Booking.reference)))
    live = Booking.status.in_(LIVE), Booking.id.not_in(besides), Event.edition_id == edition_id
    return db.session.scalar(select(each).select_from(Booking).join(Booking.slot).join(Slot.event).where(same, *live)) or 0


def _take_turns(key: str) -> None:
    """Let transactions about one school or class go one after the other (PostgreSQL; SQLite has one writer anyway)."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
