"""What the API says of a waiting list: a party's place in each queue, and an offer that waits for an answer."""

from __future__ import annotations

from typing import Any

from booking import clock
from booking.actions.answer_offer import what_is_left_to_wait_for
from booking.actions.waiting_ends import list_ends_at
from booking.api.door import instant
from booking.models import Booking, HeldFor, Status
from booking.queries.waiting_pages import PlaceInQueue, places_in_queues


def waiting_body(booking: Booking) -> dict[str, Any] | None:
    """Where a waiting party stands now; None for a booking that does not wait. Without a proven address it has no queue yet."""
    if booking.status is not Status.WAITING:
        return None
    return {
        "at_least": booking.at_least,
        "slots": booking.wanted_slots,
        "queues": [_queue(place) for place in places_in_queues(booking, clock.now())],
    }


def offer_body(booking: Booking) -> dict[str, Any] | None:
    """What is offered, and until when; None where nothing is, or no longer."""
    now = clock.now()
    if booking.status is not Status.HELD or booking.held_for is not HeldFor.OFFER or booking.is_overdue(now):
        return None
    return {
        "places": booking.places,
        "pupils": booking.pupils,
        "asked_pupils": booking.asked_pupils or booking.pupils,
        "until": instant(booking.expires_at),
        "may_stay": bool(what_is_left_to_wait_for(booking, now)),
    }


def _queue(place: PlaceInQueue) -> dict[str, Any]:
    slot = place.slot
    return {
        "slot": {"id": slot.id, "starts_at": instant(slot.starts_at), "ends_at": instant(slot.ends_at)},
        "position": place.position,
        "before": place.before,
        "places_before": place.places_before,
        "free": place.free,
        "why_not": place.why_not.value if place.why_not else None,
        "since": instant(place.since),
        "until": instant(list_ends_at(slot)),
    }
