"""Write to everybody who has booked a slot: the host's own words, a few times a day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from booking import clock
from booking.actions.queue_message import queue_copy
from booking.actions.record_change import record_change
from booking.actions.slot_changes import slot_to_change
from booking.db import db
from booking.errors import Invalid, Problem, TooManyLetters
from booking.models import Booking, HistoryEntry, Kind, Message, Organisation, Slot, Status, Subject, Who
from booking.models.party import Reader
from booking.queries import slot_bookings

LONGEST_LETTER = 2000
PER_SLOT_AND_DAY = 3
PER_ORGANISATION_AND_DAY = 20
_SENT = "letter_sent"


def write_to_bookers(slot_id: int, text: str, key: str, who: Who) -> int:
    """Queue the host's letter to every confirmed booker, and say to how many. The same key again sends nothing more.

    The history keeps how many were written to, and not what. Raises `NotFound`, `Invalid` (no text, too much of it, nobody to
    write to) or `TooManyLetters`: 3 a slot and 20 an organisation each day in Paris.
    """
    lines = _read(text)
    slot = slot_to_change(slot_id)
    now = clock.now()
    sent = _sent_today(slot, now)
    again = next((entry for entry in sent if entry.subject_id == slot.id and entry.details.get("key") == key), None)
    if again:
        return int(again.details["told"])
    _refuse_too_many(slot, sent)
    bookings = [one for one in slot_bookings.live(slot.id) if one.status is not Status.HELD and one.email]
    if not bookings:
        raise Invalid({"letter": Problem("nobody_to_write_to")})
    copy = _next_copy(slot)
    for booking in bookings:
        queue_copy(booking, Kind.BOOKER_LETTER, now, copy, letter=lines)
    record_change(who, _SENT, slot, now, told=len(bookings), key=key)
    return len(bookings)


def _read(text: str) -> list[str]:
    """The lines of a letter; empty ones part paragraphs and are not kept."""
    reader = Reader({"letter": text})
    letter = reader.lines("letter", LONGEST_LETTER)
    if not letter and not reader.problems:
        reader.refuse("letter", Problem("required"))
    if reader.problems:
        raise Invalid(reader.problems)
    return [line for line in (line.strip() for line in letter.split("\n")) if line]


def _sent_today(slot: Slot, now: datetime) -> list[HistoryEntry]:
    """The organisation's letters of this day in Paris. Its row is locked: of two letters at once the second counts the first."""
    owner = slot.event.host_id
    db.session.execute(select(Organisation.id).where(Organisation.id == owner).with_for_update(key_share=True))
    since = clock.at_paris(clock.paris_day(now), 0)
    letters = HistoryEntry.subject == Subject.SLOT, HistoryEntry.action == _SENT
    mine = HistoryEntry.organisation_id == owner, HistoryEntry.at >= since
    return list(db.session.scalars(select(HistoryEntry).where(*mine, *letters)))


def _refuse_too_many(slot: Slot, sent: list[HistoryEntry]) -> None:
    if sum(entry.subject_id == slot.id for entry in sent) >= PER_SLOT_AND_DAY:
        raise TooManyLetters("slot", most=PER_SLOT_AND_DAY)
    if len(sent) >= PER_ORGANISATION_AND_DAY:
        raise TooManyLetters("organisation", most=PER_ORGANISATION_AND_DAY)


def _next_copy(slot: Slot) -> int:
    of_slot = select(func.max(Message.copy)).join(Booking).where(Booking.slot_id == slot.id, Message.kind == Kind.BOOKER_LETTER)
    return (db.session.scalar(of_slot) or 0) + 1
