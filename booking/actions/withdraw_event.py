"""Take an event off the programme, as long as nobody holds places at it."""

from __future__ import annotations

from booking import clock
from booking.actions.event_ground import event_changed, event_to_change, publication_change
from booking.actions.slot_changes import lock_bookings
from booking.errors import StillBooked
from booking.models import Event, Publication, Who
from booking.queries.own_events import bookings_to_come


def withdraw_event(event_id: int, who: Who) -> Event:
    """Withdraw a published event; it can be published again. Withdrawing what is not public changes nothing.

    Raises `StillBooked`: who means to come must be told, so such an event is cancelled; and `EventFixed` or `NotFound`.
    """
    event = event_to_change(event_id, with_slots=True)
    if not event.is_public:
        return event
    for slot in event.slots:
        lock_bookings(slot)  # who read a public event a moment ago and books now begins again, and finds none
    if bookings := bookings_to_come(event_id):
        raise StillBooked(bookings)
    before, event.publication = event.publication, Publication.WITHDRAWN
    event_changed(event, who, "withdrawn", clock.now(), publication_change(before, event.publication))
    return event
