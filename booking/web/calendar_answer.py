"""What was answered in the booker's calendar, as the booking's own page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from booking import clock
from booking.errors import Refusal, SlotFull
from booking.models import Booking
from booking.queries.standing import refusal_to_return
from booking.web.booking_form import list_is_open


@dataclass(frozen=True)
class Declined:
    """A booking given back by a No in the calendar."""

    refused: Refusal | None
    """Why it cannot be taken back, places counted as last read: the verb has the last word. None: it can."""
    waits: bool
    """Whether it is the room that is missing, and its slot has a waiting list that can be joined."""


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for this part of it (`templates/booking_declined.html`)."""
    slot, now = booking.slot, clock.now()
    if not booking.was_declined or slot.cancelled_at or slot.starts_at <= now:
        return {"declined": None, "restored": request.args.get("note") == "restored"}
    refused = refusal_to_return(booking, now)
    return {"declined": Declined(refused, isinstance(refused, SlotFull) and list_is_open(slot)), "restored": False}
