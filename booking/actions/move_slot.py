"""Move a slot to another day or time: what depends on its beginning moves along, and every booker's invitation follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from booking import clock
from booking.actions.add_slots import refuse_past
from booking.actions.label_changes import note_label_changes
from booking.actions.offer_places import offer_places
from booking.actions.record_change import changes_between
from booking.actions.slot_changes import labelled_as, running_slot_to_change, slot_changed
from booking.actions.tell_bookers import tell_bookers
from booking.actions.waiting_ends import set_waits_by
from booking.models import Slot, Who
from booking.models.slot_words import read_time

_MOVED = ("starts_at", "ends_at", "opens_at", "closes_at", "headcount_until", "cancel_until")


def move_slot(slot_id: int, raw: Mapping[str, object], why: str, who: Who) -> int:
    """Let a slot take place at another time (`day`, `time`, `minutes` as a form wrote them); says how many bookers are told.

    The closing of bookings and the last moments to change or cancel move by as much, and whoever has booked may cancel at least
    until the new beginning: they did not choose it. The time it has already changes nothing and tells nobody. Raises
    `NotFound`, `Invalid` (also for a time in the past) or `BookingClosed` (cancelled, past, archived).
    """
    starts_at, ends_at = read_time(raw)
    slot = running_slot_to_change(slot_id)
    if (slot.starts_at, slot.ends_at) == (starts_at, ends_at):
        return 0
    now = clock.now()
    refuse_past([{"starts_at": starts_at}], now, "day")
    seen = labelled_as(slot.event)
    before = _times_of(slot)
    shift = starts_at - slot.starts_at
    slot.starts_at, slot.ends_at = starts_at, ends_at
    slot.closes_at += shift
    slot.headcount_until += shift
    slot.cancel_until = max(slot.cancel_until + shift, starts_at)
    if slot.opens_at and slot.opens_at >= slot.closes_at:
        slot.opens_at += shift
    was = {"starts_at": before["starts_at"].isoformat(), "ends_at": before["ends_at"].isoformat()}
    told = tell_bookers(slot, was, why, who, now)
    set_waits_by(slot)
    slot_changed(slot, who, "moved", now, changes_between(before, _times_of(slot)), told=told, **({"why": why} if why else {}))
    note_label_changes(slot.event, now, who, before=seen)
    offer_places([pool.id for pool in slot.pools], now)
    return told


def _times_of(slot: Slot) -> dict[str, Any]:
    return {name: getattr(slot, name) for name in _MOVED}
