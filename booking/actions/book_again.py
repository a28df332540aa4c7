"""Book again what was declined in the calendar: the same booking with its UID, if there is still room."""

from __future__ import annotations

from booking import clock
from booking.actions.expire_holds import expire
from booking.actions.leave_lists import leave_lists
from booking.actions.offer_places import offer_places
from booking.actions.places import hold_places
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.steps import step
from booking.models import BOOKER, Booking, Kind, Status, Who
from booking.queries import fetch
from booking.queries.standing import refusal_to_return, same_party_again


def book_again(reference: str, who: Who = BOOKER) -> Booking:
    """Confirm once more what its booker had declined in the calendar. Doing so twice does it once.

    Reference, links and UID stay; the invitation comes with the next SEQUENCE. Whoever waits for the slot and fits is served
    first. Raises `NotFound`, what `refusal_to_return` answers (not declined, booked anew, cancelled, begun or over, a rule) or
    `SlotFull`.
    """
    booking, now = fetch.booking(reference), clock.now()
    if booking.status is Status.CONFIRMED:
        return booking
    if refused := refusal_to_return(booking, now, to_write=True):
        raise refused
    for overdue in same_party_again(booking):
        expire(overdue, now)
    if booking.slot.is_waited_for:
        offer_places([pool.id for pool in booking.slot.pools], now)
    booking.places = booking.slot.places_for(booking.party)
    booking.answer = booking.ended_at = booking.ended_by = None
    booking.end_reason = ""
    step(booking, Status.CONFIRMED, who, "booked_again", now)
    booking.next_invitation(now)
    queue_message(booking, Kind.BOOKING_CONFIRMED, now, again=True)
    queue_host_notice(booking, Kind.HOST_BOOKING_CONFIRMED, now, again=True)
    leave_lists(booking, now)
    hold_places(booking, booking.slot, now)
    return booking
