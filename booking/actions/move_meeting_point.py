"""Let a slot meet at another place, or earlier before it begins: who has booked is told."""

from __future__ import annotations

from collections.abc import Mapping

from booking import clock
from booking.actions.record_change import changes_between
from booking.actions.slot_changes import running_slot_to_change, slot_changed
from booking.actions.tell_bookers import tell_bookers
from booking.models import Who
from booking.models.slot_words import read_meeting


def move_meeting_point(slot_id: int, raw: Mapping[str, object], why: str, who: Who) -> int:
    """Set where this slot meets and how many minutes before (`meeting_point`, `arrive_minutes_before`); says how many are told.

    An empty point means the event's. What it was already changes nothing and tells nobody. Raises `NotFound`, `Invalid` or
    `BookingClosed` (cancelled, past, archived).
    """
    after = read_meeting(raw)
    slot = running_slot_to_change(slot_id)
    before = {name: getattr(slot, name) for name in after}
    changes = changes_between(before, after)
    if not changes:
        return 0
    now, met_at, arrived_at = clock.now(), slot.meets_at, slot.arrive_at
    for name, value in after.items():
        setattr(slot, name, value)
    was = {"meeting_point": met_at} if slot.meets_at != met_at else {}
    told = tell_bookers(slot, was, why, who, now) if was or slot.arrive_at != arrived_at else 0
    slot_changed(slot, who, "meeting_point_moved", now, changes, told=told, **({"why": why} if why else {}))
    return told
