"""Cancel a slot: everybody who meant to come is told once, with the reason and with where there is still room."""

from __future__ import annotations

from datetime import datetime

from booking import clock
from booking.actions.answer_offer import withdraw_offer
from booking.actions.host_entries import slot_is_another
from booking.actions.label_changes import note_label_changes
from booking.actions.offer_places import free_places, offer_places
from booking.actions.queue_message import queue_message
from booking.actions.slot_changes import labelled_as, lock_bookings, slot_changed, slot_to_change
from booking.actions.steps import step
from booking.actions.waiting_ends import close_list
from booking.db import db
from booking.models import Booking, Kind, Slot, Status, Who
from booking.queries import slot_bookings
from booking.queries.elsewhere import Offers


def cancel_slot(slot_id: int, why: str, who: Who) -> int:
    """Cancel a slot with all its bookings, and say how many people are told. Raises `NotFound`.

    Who was invited gets a CANCEL (RFC 5546, 3.2.5), who had not confirmed yet a mail without one. The host's contacts are not
    written to about each booking: it was them; the slot's entry in their calendars goes. A slot that is cancelled already, or
    over, stays as it is and nobody is told anything.
    """
    slot = slot_to_change(slot_id)
    now = clock.now()
    if slot.cancelled_at or slot.ends_at <= now:
        return 0
    seen = labelled_as(slot.event)
    slot.cancelled_at, slot.cancel_reason = now, why
    lock_bookings(slot)
    slot_is_another(slot, now)
    bookings = [booking for booking in slot_bookings.to_come(slot.id) if booking.status is not Status.WAITING]
    offered = [booking for booking in bookings if withdraw_offer(booking, who, now)]
    bookings = [booking for booking in bookings if booking not in offered]
    for booking in bookings:
        step(booking, Status.CANCELLED, who, "cancelled", now, why)
    bookings += close_list(slot, who, why, now)
    db.session.flush()
    free_places([*bookings, *offered], now)
    offer_places([pool.id for pool in slot.pools], now)
    for pool in slot.pools:
        db.session.refresh(pool)  # one it shares with another slot has room again there
    _tell(slot, bookings, why, now)
    slot_changed(slot, who, "cancelled", now, bookings=len(bookings), why=why)
    if not slot.event.cancelled_at:
        note_label_changes(slot.event, now, who, before=seen)
    return len(bookings)


def _tell(slot: Slot, bookings: list[Booking], why: str, now: datetime) -> None:
    """Queue each mail, once all places are back: two parties may be offered the same room elsewhere, and the first has it."""

    offers = Offers(slot, now)
    for booking in bookings:
        offered = [
            {"starts_at": other.starts_at.isoformat(), "title": other.event.title, "event_id": other.event_id}
            for other in offers.for_booking(booking)
        ]
        if booking.is_invited:
            booking.next_invitation(now)
        queue_message(booking, Kind.BOOKING_CANCELLED, now, by="host", why=why, elsewhere=offered)
