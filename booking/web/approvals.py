"""Approvals: the page the school's head opens from the official mailbox, and where a request stands."""

from __future__ import annotations

from flask import Blueprint

from booking.models import Booking

bp = Blueprint("approvals", __name__)


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for this part of it (`templates/booking_approvals.html`)."""
    return {}
