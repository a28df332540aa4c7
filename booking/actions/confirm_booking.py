"""Confirm what was asked for: its person has shown to own the address."""

from __future__ import annotations

from booking import clock
from booking.actions.join_waiting_list import enter_queues
from booking.actions.settle import settle
from booking.errors import BookingClosed, WrongState
from booking.models import BOOKER, Actor, Booking, HeldFor, Status, Who
from booking.queries import fetch


def confirm_booking(reference: str, who: Who = BOOKER) -> Booking:
    """Take the address for proven: held places are confirmed, or wait for who must approve; who waits gets a place in the queue.

    Both halves of a split class are confirmed together. Confirming twice confirms once. Raises `NotFound`, `WrongState`
    (cancelled, refused, expired, or held for something else) or `BookingClosed` (the slot was cancelled or the visit has begun).
    """
    booking = fetch.booking(reference)
    now = clock.now()
    if booking.proven_at is not None and booking.status in {Status.CONFIRMED, Status.WAITING, Status.HELD}:
        return booking
    if booking.status is Status.WAITING:
        return enter_queues(booking, who, now)
    if booking.is_overdue(now):
        raise WrongState(Status.EXPIRED)
    if booking.status is not Status.HELD or booking.held_for is not HeldFor.EMAIL:
        raise WrongState(booking.status)
    halves = [half for half in fetch.together(booking) if half.status is Status.HELD and half.held_for is HeldFor.EMAIL]
    for half in halves:
        closed = half.slot.closed_because(now)
        if closed and closed.why != "too_late":
            raise BookingClosed(closed.why, at=closed.at)
    for half in halves:
        half.proven_at = now
        if who.actor is Actor.HOST:
            half.host_approved_at = half.host_approved_at or now  # who confirms on the telephone has looked at it
        settle(half, who, "confirmed", now, ask=half is halves[0])
    return fetch.booking(reference)
