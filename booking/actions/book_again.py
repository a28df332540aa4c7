"""Book again what was declined in the calendar: the same booking with its UID, if there is still room."""

from __future__ import annotations

from sqlalchemy import select

from booking import clock
from booking.actions.expire_holds import expire
from booking.actions.leave_lists import leave_lists
from booking.actions.offer_places import offer_places
from booking.actions.places import hold_places
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.steps import step
from booking.db import db
from booking.errors import AlreadyBooked, WrongState
from booking.models import BOOKER, Booking, Kind, Status, Who
from booking.models.admission import rule_against
from booking.models.booking import OCCUPYING
from booking.queries import fetch
from booking.queries.standing import standing_of


def book_again(reference: str, who: Who = BOOKER) -> Booking:
    """Confirm once more what its booker had declined in the calendar. Doing so twice does it once.

    Reference, links and UID stay; the invitation comes with the next SEQUENCE. Who was accepted before is bound by the rules of
    today, but not by the hours of booking nor by a priority window: both were kept when it was booked. Whoever waits for the slot
    and fits is served first. Raises `NotFound`, `WrongState` (not declined), `AlreadyBooked`, `BookingClosed` (cancelled, begun
    or over), `Invalid`, `ClassBooked`, `SchoolLimit` or `SlotFull`.
    """
    booking, now = fetch.booking(reference), clock.now()
    if booking.status is Status.CONFIRMED:
        return booking
    if not booking.was_declined:
        raise WrongState(booking.status)
    _refuse_a_second(booking)
    party, of_class = booking.party, [half.id for half in fetch.together(booking)]
    standing = standing_of(booking.slot, party, of_class, to_write=True)
    if refused := rule_against(booking.slot, party, now, by_host=True, standing=standing):
        raise refused
    if booking.slot.is_waited_for:
        offer_places([pool.id for pool in booking.slot.pools], now)
    booking.places = booking.slot.places_for(party)
    booking.answer = booking.ended_at = booking.ended_by = None
    booking.end_reason = ""
    step(booking, Status.CONFIRMED, who, "booked_again", now)
    booking.next_invitation(now)
    queue_message(booking, Kind.BOOKING_CONFIRMED, now, again=True)
    queue_host_notice(booking, Kind.HOST_BOOKING_CONFIRMED, now, again=True)
    leave_lists(booking, now)
    hold_places(booking, booking.slot, now)
    return booking


def _refuse_a_second(booking: Booking) -> None:
    """Who has booked anew since has a booking already. Raises `AlreadyBooked`."""
    same_party = Booking.slot_id == booking.slot_id, Booking.party_key == booking.party_key, Booking.status.in_(OCCUPYING)
    for found in db.session.scalars(select(Booking).where(*same_party)):
        if not found.is_overdue(clock.now()):
            raise AlreadyBooked(reference=found.reference)
        expire(found, clock.now())
