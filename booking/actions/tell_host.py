"""Tell a slot's host where it stands, in one mail with its calendar entry: who comes, and what changed since the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from booking import clock
from booking.actions.host_entries import next_said
from booking.actions.queue_message import queue_slot_mail
from booking.db import db
from booking.models import HostEntry
from booking.queries import fetch
from booking.queries.host_slots import due_entries, expected_on, is_due, true_of


def due_host_entries() -> list[int]:
    """The slots whose hosts are to hear of them now, the one due longest first."""
    return due_entries(clock.now())


def tell_host(slot_id: int) -> bool:
    """Queue the mail a slot's host is due, at each of the event's contact addresses. Says whether there was something to tell.

    Nothing is told where the last mail has said it all, where nobody ever came, and once the visit is over. Two workers tell it
    once: the entry is read under its lock, and after it who comes, so that no change is missed.
    """
    now = clock.now()
    statement = select(HostEntry).where(HostEntry.slot_id == slot_id, is_due(now)).with_for_update()
    entry = db.session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if entry is None:
        return False
    [slot] = fetch.slots([slot_id])
    if slot.ends_at <= now or not slot.event.notice_addresses:
        entry.due_at = None
        return False
    expected, before = expected_on(slot_id), entry.told
    said = true_of(slot, expected)
    carried = next_said(entry, said, now)
    if carried is None:
        return False
    queue_slot_mail(
        slot,
        entry.sequence,
        now,
        entry=carried,
        parties=[_party(row) for row in expected],
        changes=_changes(before, said, expected) if before else None,
        was=_was(before, said) if before else {},
        why=slot.cancel_reason if said["cancelled"] else "",
    )
    return True


def _party(row: Row[Any]) -> dict[str, Any]:
    """One booking in a mail that goes with a calendar entry: the school and the numbers, nobody's name (calendars are shared)."""
    return {
        "reference": row.reference,
        "audience": row.audience,
        "level": row.level,
        "school_name": row.school_name,
        "commune": row.commune,
        "pupils": row.pupils,
        "adults": row.adults,
        "needs": row.needs,
    }


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], expected: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """What happened to each booking since the last mail: it is new, has other numbers, or is gone."""
    had, has = before["bookings"], now["bookings"]
    here = [
        {**_party(row), "what": "changed" if row.reference in had else "new", "before": had.get(row.reference)}
        for row in expected
        if had.get(row.reference) != has[row.reference]
    ]
    gone = [{"reference": name, "what": "gone", "before": numbers} for name, numbers in had.items() if name not in has]
    return here + gone


def _was(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """What no longer holds of the slot, as `booking.mail.words.before_move` reads it."""
    was = {name: before[name] for name in ("meeting_point", "place", "title") if before[name] != now[name]}
    if (before["starts_at"], before["ends_at"]) != (now["starts_at"], now["ends_at"]):
        was |= {"starts_at": before["starts_at"], "ends_at": before["ends_at"]}
    return was
