"""Cancel a booking: the places come back, the calendar entry is taken away, the host is told."""

from __future__ import annotations

from datetime import datetime

from booking import clock
from booking.actions.offer_places import end_offer, free_places, stop_waiting
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.steps import step
from booking.db import db
from booking.errors import TooLate
from booking.models import BOOKER, Actor, Booking, HeldFor, Kind, Outcome, Status, Who
from booking.queries import fetch


def cancel_booking(reference: str, who: Who = BOOKER, why: str = "", *, both: bool = False) -> Booking:
    """Cancel and give the places back, exactly once. Cancelling what is cancelled changes nothing.

    Of a class split over two slots this half goes, or `both`. Only who was invited gets a CANCEL (RFC 5546, 3.2.5), and only a
    host who was told of the booking hears of its end. Who waits leaves every queue. Raises `NotFound`, `WrongState` or `TooLate`.
    """
    booking = fetch.booking(reference)
    now = clock.now()
    halves = (
        [half for half in fetch.together(booking) if half.id != booking.id and half.status in {Status.HELD, Status.CONFIRMED}]
        if both
        else []
    )
    ending = [one for one in (booking, *halves) if one.status is not Status.CANCELLED]
    for one in ending:
        _cancel(one, who, why, now)
    if ending:
        db.session.flush()
        free_places(ending, now)
    return booking


def _cancel(booking: Booking, who: Who, why: str, now: datetime) -> None:
    """The step itself, history and messages; the places go back afterwards."""
    if who.actor is Actor.BOOKER and booking.status is Status.CONFIRMED and now >= booking.slot.cancel_until:
        raise TooLate("cancellation", at=booking.slot.cancel_until)
    host_was_told = booking.is_invited or booking.held_for is HeldFor.HOST
    end_offer(booking, Outcome.DECLINED if who.actor is Actor.BOOKER else Outcome.WITHDRAWN, now)
    stop_waiting(booking)
    step(booking, Status.CANCELLED, who, "cancelled", now, why)
    if booking.is_invited:
        booking.next_invitation(now)
    if booking.is_invited or (who.actor is not Actor.BOOKER and booking.proven_at):
        queue_message(booking, Kind.BOOKING_CANCELLED, now, by=who.actor.value, why=why)
    if host_was_told:
        queue_host_notice(booking, Kind.HOST_BOOKING_CANCELLED, now, by=who.actor.value, why=why)
