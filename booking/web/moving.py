"""Moving a booking to another slot, and splitting a class over two."""

from __future__ import annotations

from flask import Blueprint

from booking.models import Booking

bp = Blueprint("moving", __name__)


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for this part of it (`templates/booking_moving.html`)."""
    return {}
