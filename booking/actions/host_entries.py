"""The host's calendar entry of a slot: when its contacts hear of it next, and how it goes on from what they were told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from booking import clock
from booking.db import db
from booking.models import HostEntry, HostMails, Slot
from booking.queries.host_slots import ABOUT_THE_SLOT, expected_on, true_of

DIGEST_AT = 18
"""The hour in Paris at which hosts who want one mail a day get it."""


def note_host_entry(slot: Slot, now: datetime, *, at_once: bool = False) -> None:
    """Say that who comes to a slot is no longer what its host was told: the contacts hear of it when they wish to.

    That is at once, or at the next digest. Noting it twice is noting it once, and the earlier moment counts.
    """
    _entry_of(slot, now if at_once else due_at(slot, now))


def due_at(slot: Slot, now: datetime) -> datetime:
    """When the contacts of a slot's event are to hear of what changes now.

    A digest that would come when the visit has begun is of no use: they hear of it at once.
    """
    day = clock.paris_day(now)
    digest = clock.at_paris(day, DIGEST_AT)
    if digest < now:
        digest = clock.at_paris(day + timedelta(days=1), DIGEST_AT)
    at_once = slot.event.host_mails is HostMails.EACH or slot.starts_at <= digest
    return now if at_once else digest


def slot_is_another(slot: Slot, now: datetime) -> None:
    """Say that a slot has another time, place or title, or is cancelled: whoever has its entry hears of it at once.

    Where nobody was told of the slot yet, nothing is due sooner for it.
    """
    sooner = case((HostEntry.stamp.is_(None), HostEntry.due_at), else_=now)
    statement = update(HostEntry).where(HostEntry.slot_id == slot.id).values(due_at=sooner)
    db.session.execute(statement, execution_options={"synchronize_session": False})


def lock_host_entries(slot_ids: Collection[int]) -> None:
    """Take the entries of slots for this transaction, as every change of who comes does: after bookings and before pools."""
    statement = select(HostEntry.slot_id).where(HostEntry.slot_id.in_(slot_ids)).order_by(HostEntry.slot_id)
    db.session.execute(statement.with_for_update())


def entry_for_notice(slot: Slot, now: datetime) -> dict[str, Any] | None:
    """The slot's entry as a notice that is queued now carries it; None where there is nothing new in it."""
    entry = _entry_of(slot, now)
    said = true_of(slot, expected_on(slot.id))
    return next_said(entry, said, now)


def next_said(entry: HostEntry, said: dict[str, Any], now: datetime) -> dict[str, Any] | None:
    """Lead an entry to what it says from now on, and answer what a mail freezes of it. None where it says so already.

    SEQUENCE rises when the slot itself is another one, and not with who comes: then DTSTAMP alone does, and no client asks
    anybody again (RFC 5546, 2.1.4 and 3.2.2.1). A slot nobody ever booked enters no calendar.
    """
    entry.due_at = None
    is_new = entry.stamp is None
    if said == entry.told or (is_new and (said["cancelled"] or not said["bookings"])):
        return None
    entry.next_entry(now, greater=any(said[name] != entry.told.get(name) for name in ABOUT_THE_SLOT))
    entry.told = said
    return {
        "method": "CANCEL" if said["cancelled"] else "REQUEST",
        "uid": entry.uid,
        "sequence": entry.sequence,
        "dtstamp": entry.stamp.isoformat() if entry.stamp else None,
        "bookings": len(said["bookings"]),
        **{name: said[name] for name in ("pupils", "adults", "persons")},
    }


def _entry_of(slot: Slot, due: datetime) -> HostEntry:
    """The entry, locked and due no later than that; made where there is none, once however many come at the same moment."""
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    row = insert(HostEntry).values(slot_id=slot.id, sequence=0, due_at=due, told={})
    is_sooner = or_(HostEntry.due_at.is_(None), HostEntry.due_at > row.excluded.due_at)
    sooner = case((is_sooner, row.excluded.due_at), else_=HostEntry.due_at)
    statement = row.on_conflict_do_update(index_elements=["slot_id"], set_={"due_at": sooner}).returning(HostEntry)
    entry: HostEntry = db.session.scalars(statement, execution_options={"populate_existing": True}).one()
    return entry
