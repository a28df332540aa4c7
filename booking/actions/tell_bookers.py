"""Tell the bookers of a slot that its time, place or title is another one: their invitation follows, and the host's entry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from booking.actions.host_entries import slot_is_another
from booking.actions.queue_message import queue_message
from booking.actions.slot_changes import lock_bookings
from booking.actions.steps import record
from booking.models import Kind, Slot, Status, Who
from booking.queries import slot_bookings


def tell_bookers(slot: Slot, was: Mapping[str, str], why: str, who: Who, now: datetime) -> int:
    """Send every confirmed booker an updated invitation, once; says to how many.

    Call it when slot and event say already what is true from now on. `was` holds what no longer is, as text: `starts_at` and
    `ends_at` (ISO 8601, in UTC, both or none), `meeting_point`, `place`, `title`. The invitation keeps its UID; SEQUENCE and
    DTSTAMP rise (RFC 5546, 2.1.4). Every live booking gets its line of history. Who has not confirmed yet is told nothing:
    nothing stands in their calendar, and their booking's page shows the new time. The host's own entry follows, too.
    """
    lock_bookings(slot)
    slot_is_another(slot, now)
    told = 0
    for booking in slot_bookings.live(slot.id):
        record(booking, who, "rescheduled", now, booking.status, {"was": dict(was)} | ({"why": why} if why else {}))
        if booking.status is Status.CONFIRMED:
            booking.next_invitation(now)
            queue_message(booking, Kind.BOOKING_RESCHEDULED, now, was=dict(was), why=why)
            told += 1
    return told
