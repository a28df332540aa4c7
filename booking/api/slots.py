"""Slots: when, under which conditions, and how many places are left."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from booking.api.door import LARGEST_ID, bp, instant, link, public_answer
from booking.app_settings import settings
from booking.models import Slot
from booking.queries import fetch


@bp.get(f"/slots/<int(max={LARGEST_ID}):slot_id>")
def show_slot(slot_id: int) -> Response:
    """One slot of a published event. `remaining` and `reserved` are hints: the booking itself decides."""
    slot = fetch.slot(slot_id)
    return public_answer(slot_body(slot) | {"event": {"id": slot.event.id, "title": slot.event.title}})


def slot_body(slot: Slot) -> dict[str, Any]:
    """A slot as programs read it; its event and pools must be loaded."""
    closed = slot.closed_because()
    base = settings().base_url
    return {
        "id": slot.id,
        "starts_at": instant(slot.starts_at),
        "ends_at": instant(slot.ends_at),
        "arrive_at": instant(slot.arrive_at),
        "meeting_point": slot.meets_at,
        "capacity": slot.capacity,
        "taken": slot.taken,
        "remaining": slot.remaining,
        "reserved": [
            {"audiences": list(one.audiences), "remaining": one.remaining, "opens_at": instant(one.opens_at)}
            for one in slot.reserved_left
        ],
        "counts_adults": slot.counts_adults,
        "min_party": slot.min_party,
        "max_party": slot.max_party,
        "pupils_per_adult": slot.pupils_per_adult,
        "adults_required": slot.adults_required,
        "opens_at": instant(slot.opens_at),
        "closes_at": instant(slot.closes_at),
        "headcount_until": instant(slot.headcount_until),
        "cancel_until": instant(slot.cancel_until),
        "closed": {"why": closed.why, "at": instant(closed.at)} if closed else None,
        "links": {
            "self": link(base, f"/slots/{slot.id}"),
            "event": link(base, f"/events/{slot.event_id}"),
            "bookings": link(base, f"/slots/{slot.id}/bookings"),
            "waiting": link(base, f"/slots/{slot.id}/waiting"),
            "calendar": f"{base}/slots/{slot.id}/calendar.ics",
        },
    }
