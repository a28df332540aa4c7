"""Open the bookings of a slot again, until a moment before it begins."""

from __future__ import annotations

from collections.abc import Mapping

from booking import clock
from booking.actions.offer_places import offer_places
from booking.actions.slot_changes import running_slot_to_change, slot_changed
from booking.actions.waiting_ends import set_waits_by
from booking.errors import Invalid, Problem
from booking.models import Slot, Who
from booking.models.slot_words import read_moment


def reopen_slot(slot_id: int, raw: Mapping[str, object], who: Who) -> Slot:
    """Let bookings be made from now until `closes_at`, as a form wrote it.

    Raises `NotFound`, `Invalid` (a moment in the past, or after the beginning) or `BookingClosed` (cancelled, past, archived).
    """
    until = read_moment(raw, "closes_at")
    slot = running_slot_to_change(slot_id)
    now = clock.now()
    if until is None:
        raise Invalid({"closes_at": Problem("required")})
    if until <= now:
        raise Invalid({"closes_at": Problem("in_the_past")})
    if until > slot.starts_at:
        raise Invalid({"closes_at": Problem("closes_after_start")})
    if slot.closes_at != until:
        before, slot.closes_at = slot.closes_at, until
        slot_changed(slot, who, "bookings_reopened", now, {"closes_at": (before, until)})
        set_waits_by(slot)
        offer_places([pool.id for pool in slot.pools], now)
    return slot
