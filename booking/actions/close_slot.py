"""Close the bookings of a slot now. Who has booked keeps the places."""

from __future__ import annotations

from booking import clock
from booking.actions.slot_changes import running_slot_to_change, slot_changed
from booking.actions.waiting_ends import set_waits_by
from booking.models import Slot, Who


def close_slot(slot_id: int, who: Who) -> Slot:
    """Let nobody book any more. What is closed stays as it is.

    Raises `NotFound` or `BookingClosed` (cancelled, past, archived).
    """
    slot = running_slot_to_change(slot_id)
    now = clock.now()
    if slot.closes_at > now:
        before, slot.closes_at = slot.closes_at, now
        set_waits_by(slot)
        slot_changed(slot, who, "bookings_closed", now, {"closes_at": (before, now)})
    return slot
