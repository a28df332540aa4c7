"""Cancel an event with a reason: all its slots to come are cancelled, and everybody who meant to come is told once."""

from __future__ import annotations

from booking import clock
from booking.actions.cancel_slot import cancel_slot
from booking.actions.event_ground import event_changed, event_to_change
from booking.models import Event, Who
from booking.models.reason import read_reason


def cancel_event(event_id: int, why: str, who: Who) -> Event:
    """Cancel an event for good; its page stays and says so. Raises `Invalid` for the field `why`, `EventFixed` or `NotFound`.

    The event is cancelled before its slots are, so that none of them is offered to the others' bookers as another date.
    """
    reason = read_reason({"why": why}, required=True)
    now = clock.now()
    event = event_to_change(event_id, with_slots=True)
    event.cancelled_at, event.cancel_reason = now, reason
    coming = [slot.id for slot in event.slots if not slot.cancelled_at and slot.starts_at > now]
    event_changed(event, who, "cancelled", now, why=reason, slots=len(coming))
    for slot_id in sorted(coming):
        cancel_slot(slot_id, reason, who)
    return event
