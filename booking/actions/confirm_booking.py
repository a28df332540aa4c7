"""Confirm a held booking: its person has shown to own the address."""

from __future__ import annotations

from booking import clock
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.steps import step
from booking.errors import BookingClosed, WrongState
from booking.models import BOOKER, Booking, Kind, Status, Who
from booking.queries import fetch


def confirm_booking(reference: str, who: Who = BOOKER) -> Booking:
    """Turn held places into confirmed ones, and send the invitation. Confirming twice confirms once.

    Raises `NotFound`, `WrongState` (cancelled, refused, expired) or `BookingClosed` (the slot was cancelled or the
    visit has begun).
    """
    booking = fetch.booking(reference)
    now = clock.now()
    if booking.status is Status.CONFIRMED:
        return booking
    if booking.status is Status.HELD and booking.expires_at and booking.expires_at <= now:
        raise WrongState(Status.EXPIRED)
    closed = booking.slot.closed_because(now)
    if closed and closed.why != "too_late":
        raise BookingClosed(closed.why, at=closed.at)
    step(booking, Status.CONFIRMED, who, "confirmed", now)
    booking.next_invitation(now)
    queue_message(booking, Kind.BOOKING_CONFIRMED, now)
    queue_host_notice(booking, Kind.HOST_BOOKING_CONFIRMED, now)
    return booking
