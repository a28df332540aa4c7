"""Waiting for a full slot, and answering an offer: pages for who waits."""

from __future__ import annotations

from flask import Blueprint

from booking.models import Booking

bp = Blueprint("waiting", __name__)


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for this part of it (`templates/booking_waiting.html`)."""
    return {}
