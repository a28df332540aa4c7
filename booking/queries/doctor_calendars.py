"""What the doctor reads about calendars beyond the invitations: the hosts' entries, the answers that came in, the reminders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select

from booking.db import db
from booking.models import Booking, Decision, HistoryEntry, HostEntry, Inbound, Kind, Message, Occasion

_STEPS: Mapping[Decision, str] = MappingProxyType({Decision.PLACES_FREED: "declined", Decision.BOOKED_AGAIN: "booked_again"})
"""What a decision about an answer did to the booking, as its history calls it."""
_OF_A_VISIT = (Kind.VISIT_IN_A_WEEK, Kind.VISIT_SOON, Kind.VISIT_THANKS)


def host_entries_out_of_order() -> Iterator[str]:
    """Slots whose entry reached a host's contact otherwise than calendars need (RFC 5546, 2.1.5).

    For each address DTSTAMP strictly rises, SEQUENCE never falls and CANCEL is last, and nobody was told more than the entry
    knows. A mail that a purge has emptied says nothing any more.
    """
    what = Message.slot_id, Message.recipient, Message.facts["entry"].label("entry"), HostEntry.uid, HostEntry.stamp
    statement = select(*what).outerjoin(HostEntry, HostEntry.slot_id == Message.slot_id).where(Message.slot_id.is_not(None))
    rows = db.session.execute(statement.order_by(Message.slot_id, Message.recipient, Message.id)).all()
    for slot, of_slot in groupby(rows, lambda row: row.slot_id):
        faults = (_fault_in_entries(list(told)) for _, told in groupby(of_slot, lambda row: row.recipient))
        if fault := next(filter(None, faults), None):
            yield f"slot {slot} ({fault})"


def _fault_in_entries(rows: list[Any]) -> str | None:
    entries = [row.entry for row in rows if row.entry]
    if not entries:
        return None
    if any(entry["uid"] != rows[0].uid for entry in entries):
        return "its entry has another UID"
    if any(later["dtstamp"] <= earlier["dtstamp"] for earlier, later in pairwise(entries)):
        return "DTSTAMP of its entry does not rise"
    if any(later["sequence"] < earlier["sequence"] for earlier, later in pairwise(entries)):
        return f"SEQUENCE of its entry goes {[entry['sequence'] for entry in entries]}"
    methods = [entry["method"] for entry in entries]
    if "CANCEL" in methods and set(methods[methods.index("CANCEL") :]) != {"CANCEL"}:
        return "something follows the CANCEL of its entry"
    if rows[0].stamp is None or entries[-1]["dtstamp"] > rows[0].stamp.isoformat():
        return "its contacts were told more than its entry knows"
    return None


def answers_without_their_step() -> Iterator[str]:
    """Bookings of which more answers were said to free or take back the places than their history knows."""
    said = _counted(Inbound.booking_id, Inbound.decision, _STEPS)
    done = _counted(HistoryEntry.booking_id, HistoryEntry.action, _STEPS.values())
    for (booking, decision), number in said.items():
        if number > (known := done.get((booking, _STEPS[decision]), 0)):
            yield f"booking {booking} ({number} answers {decision}, {known} in its history)"


def _counted(booking: Any, word: Any, words: Iterable[str]) -> dict[tuple[int, Any], int]:
    """How often each of some words stands with each booking."""
    statement = select(booking, word, func.count()).where(booking.is_not(None), word.in_(list(words)))
    rows = db.session.execute(statement.group_by(booking, word).order_by(booking, word))
    return {(number, said): count for number, said, count in rows}


def reminders_missing() -> Iterator[str]:
    """Bookings of which it is kept that somebody was reminded or thanked, without the mail; two halves of a class share one."""
    halves = {number: str(group or number) for number, group in db.session.execute(select(Booking.id, Booking.group_key))}
    mails = select(Message.booking_id, Message.kind).where(Message.kind.in_(_OF_A_VISIT), Message.booking_id.is_not(None))
    there = {(halves.get(number or 0), kind) for number, kind in db.session.execute(mails)}
    for key in db.session.scalars(select(Occasion.key).where(Occasion.told).order_by(Occasion.key)):
        kind, _, rest = key.partition(":")
        number = rest.partition(":")[0]
        owed = kind in {word.value for word in _OF_A_VISIT} and number.isdecimal() and int(number) in halves
        if owed and (halves[int(number)], Kind(kind)) not in there:
            yield f"booking {number} (no {kind}, though it is kept that there was one)"
