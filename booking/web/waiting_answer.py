"""Answering an offer: two buttons on the booking's own page. GET shows, POST acts."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from booking.actions.answer_offer import accept_offer, decline_offer
from booking.db import in_transaction
from booking.errors import Refusal
from booking.models import Booking, Status
from booking.web import access, bookings
from booking.web.forms.waiting import DeclineForm

bp = Blueprint("waiting_answer", __name__)


@bp.post("/bookings/<reference>/offer/acceptance")
def accept(reference: str) -> Response | tuple[str, int]:
    """Take the places: they are booked, or wait for who must approve."""
    return _answer(reference, lambda: accept_offer(reference))


@bp.post("/bookings/<reference>/offer/refusal")
def decline(reference: str) -> Response | tuple[str, int]:
    """Give them up, and go on waiting where the form says so."""
    stay = DeclineForm().stay.data == "1"
    return _answer(reference, lambda: decline_offer(reference, stay=stay))


def _answer(reference: str, act: Callable[[], Booking]) -> Response | tuple[str, int]:
    """Do what the button says, and show the page as it is then, or with what was refused."""
    booking = access.booking_or_404(reference)
    try:
        answered = in_transaction(act)
    except Refusal as refusal:
        return bookings.refused(booking, refusal)
    access.remember(booking)
    note = {Status.WAITING: "stayed", Status.CANCELLED: "declined"}.get(answered.status, "accepted")
    return redirect(url_for("bookings.show", reference=booking.reference, note=note), 303)
