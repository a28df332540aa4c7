"""What a party has booked already: read for the rules of `booking.models.admission`, in one place for every door."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Row, and_, func, select, text, union

from booking.db import db
from booking.errors import AlreadyBooked, Refusal, WrongState
from booking.models import Booking, Event, Party, Slot
from booking.models.admission import NOTHING_YET, Caution, Overlap, Standing, refusal_for, rule_against, warnings_for
from booking.models.booking import LIVE, OCCUPYING
from booking.queries import fetch


def standing_of(slot: Slot, party: Party, besides: Collection[int] = (), *, to_write: bool = False) -> Standing:
    """What counts for or against this party on this slot; the bookings with the ids `besides` are left out.

    Of a person nothing counts. With `to_write`, another transaction that asks for the same school waits for this one to end
    (`take_turns`): two colleagues who book at one moment are then not both the first.
    """
    if not party.class_key:
        return NOTHING_YET
    if to_write:
        take_turns(party)
    limit = slot.event.edition.school_limit
    rows = _of_class(party, besides)
    return Standing(
        school_bookings=0 if limit is None else _of_school(slot.event.edition_id, party, besides),
        same_class=next((row.reference for row in rows if row.event_id == slot.event_id), None),
        overlaps=_overlaps(rows, slot, ""),
    )


def refusal_to_return(booking: Booking, now: datetime, *, to_write: bool = False) -> Refusal | None:
    """Why a booking that was declined in the calendar cannot be taken back now, or None: the page and the verb ask this.

    Who was accepted before is bound by the rules of today, but not by the hours of booking nor by a priority window: both were
    kept when it was booked. Places are counted as last read, except `to_write`: then taking them is what counts.
    """
    if not booking.was_declined:
        return WrongState(booking.status)
    if second := next((one for one in same_party_again(booking) if not one.is_overdue(now)), None):
        return AlreadyBooked(reference=second.reference)
    slot, party = booking.slot, booking.party
    standing = standing_of(slot, party, [half.id for half in fetch.together(booking)], to_write=to_write)
    asked = rule_against if to_write else refusal_for
    return asked(slot, party, now, by_host=True, standing=standing)


def same_party_again(booking: Booking) -> Sequence[Booking]:
    """What stands on the slot of a booking that has ended, for the same party: it has booked anew, or waits."""
    same_party = Booking.slot_id == booking.slot_id, Booking.party_key == booking.party_key, Booking.status.in_(OCCUPYING)
    return db.session.scalars(select(Booking).where(*same_party)).all()


def take_turns(party: Party) -> None:
    """Let transactions about one school go one after the other (PostgreSQL; SQLite has one writer anyway).

    Call it first: what the same request made meanwhile is then seen, and nobody waits for a school while holding the pool its
    owner needs.
    """
    if not party.is_class or db.engine.dialect.name != "postgresql":
        return
    db.session.execute(select(*_locks(party)))


def slot_in_turn(slot_id: int, party: Party) -> Slot:
    """A slot as `fetch.slot` answers it, once it is this party's turn: one statement waits and reads.

    What the slot says may be a moment old by then; taking its places compares its version. Raises `NotFound`.
    """
    waits = party.is_class and db.engine.dialect.name == "postgresql"
    return fetch.slot(slot_id, *(_locks(party) if waits else ()))


def _locks(party: Party) -> list[ColumnElement[Any]]:
    keys = sorted({party.school_key, party.school_uai} - {""})
    return [func.pg_advisory_xact_lock(func.hashtextextended(key, 0)) for key in keys]


def cautions_of(booking: Booking, now: datetime, *, for_booker: bool) -> list[Caution]:
    """What whoever looks at a booking should know of it while the visit is to come.

    That its class is elsewhere at the same time, only a booker with a proven address reads: when other hosts expect a class is
    no affair of this one, nor of a stranger who writes its name into a form.
    """
    if not (booking.is_class and booking.is_live and not booking.is_overdue(now) and now < booking.slot.ends_at):
        return []
    if not (for_booker and booking.proven_at):
        return warnings_for(booking.slot, booking.party, NOTHING_YET)
    itself = [half.id for half in fetch.together(booking)]
    overlaps = _overlaps(_of_class(booking.party, itself), booking.slot, booking.email)
    return warnings_for(booking.slot, booking.party, Standing(overlaps=overlaps))


def _of_class(party: Party, besides: Collection[int]) -> Sequence[Row[Any]]:
    """The live bookings of the same class, at any event, the soonest first."""
    columns = Booking.id, Booking.reference, Booking.email, Slot.event_id, Event.title, Slot.starts_at, Slot.ends_at
    of_name = Booking.class_key.endswith(f"|{party.level}|{party.class_key.rpartition('|')[2]}", autoescape=True)
    found = _either(columns, party, Booking.class_key == party.class_key, of_name, besides)
    return sorted(db.session.execute(found), key=lambda row: (row.starts_at, row.id))


def _overlaps(rows: Sequence[Row[Any]], slot: Slot, reader: str) -> tuple[Overlap, ...]:
    return tuple(
        Overlap(row.reference, row.title, row.event_id, row.starts_at, row.ends_at, reader != "" and row.email == reader)
        for row in rows
        if row.starts_at < slot.ends_at and slot.starts_at < row.ends_at
    )


def _of_school(edition_id: int, party: Party, besides: Collection[int]) -> int:
    """The school's live bookings in an edition. A split class counts once."""
    columns = Booking.id, func.coalesce(Booking.group_key, Booking.reference).label("once")
    of_edition = Event.edition_id == edition_id
    found = _either(columns, party, and_(Booking.school_key == party.school_key, of_edition), of_edition, besides).subquery()
    return db.session.scalar(select(func.count(func.distinct(found.c.once)))) or 0


def _either(
    columns: Sequence[Any], party: Party, by_name: ColumnElement[bool], of_uai: ColumnElement[bool], besides: Collection[int]
) -> CompoundSelect[Any]:
    """The live bookings of the party's school: a school is its UAI; where one of two names none, its name and commune.

    Two statements, each with the words of its partial index, for an OR would read every booking.
    """
    live = Booking.status.in_(LIVE), Booking.id.not_in(besides)
    live_ones = select(*columns).join(Booking.slot).join(Slot.event).where(*live)
    named = live_ones.where(text("bookings.class_key <> ''"), by_name)
    if not party.school_uai:
        return union(named)
    has_uai = text("bookings.school_uai <> ''"), Booking.school_uai == party.school_uai
    return union(named.where(Booking.school_uai.in_(["", party.school_uai])), live_ones.where(*has_uai, of_uai))
