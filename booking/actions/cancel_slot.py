"""Cancel a slot: everybody who meant to come is told once, with the reason and with where there is still room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from booking import clock
from booking.actions.label_changes import note_label_changes
from booking.actions.places import give_back
from booking.actions.queue_message import queue_message
from booking.actions.slot_changes import labelled_as, lock_bookings, slot_changed, slot_to_change
from booking.actions.steps import step
from booking.db import db
from booking.models import Booking, Kind, Party, Slot, Status, Who
from booking.models.party import SCHOOL
from booking.queries import catalogue, fetch, slot_bookings

MOST_ELSEWHERE = 3
_LOOKED_THROUGH = 9


def cancel_slot(slot_id: int, why: str, who: Who) -> int:
    """Cancel a slot with all its bookings, and say how many people are told. Raises `NotFound`.

    Who was invited gets a CANCEL (RFC 5546, 3.2.5), who had not confirmed yet a mail without one. The host's contacts are not
    written to: it was them. A slot that is cancelled already, or over, stays as it is and nobody is told anything.
    """
    slot = slot_to_change(slot_id)
    now = clock.now()
    if slot.cancelled_at or slot.ends_at <= now:
        return 0
    seen = labelled_as(slot.event)
    slot.cancelled_at, slot.cancel_reason = now, why
    lock_bookings(slot)
    bookings = slot_bookings.to_come(slot.id)
    for booking in bookings:
        step(booking, Status.CANCELLED, who, "cancelled", now, why)
    db.session.flush()
    for booking in bookings:
        give_back(booking)
    for pool in slot.pools:
        db.session.refresh(pool)  # one it shares with another slot has room again there
    _tell(slot, bookings, why, now)
    slot_changed(slot, who, "cancelled", now, bookings=len(bookings), why=why)
    if not slot.event.cancelled_at:
        note_label_changes(slot.event, now, who, before=seen)
    return len(bookings)


def _tell(slot: Slot, bookings: list[Booking], why: str, now: datetime) -> None:
    """Queue each mail, once all places are back: two parties may be offered the same room elsewhere, and the first has it."""

    @lru_cache
    def elsewhere(audience: str, level: str, pupils: int, adults: int) -> list[dict[str, object]]:
        party = Party(audience=audience, email="", name="", level=level, pupils=pupils, adults=adults)
        return [
            {"starts_at": other.starts_at.isoformat(), "title": other.event.title, "event_id": other.event_id}
            for other in rooms_elsewhere(slot, party, now)
        ]

    for booking in bookings:
        offered = elsewhere(booking.audience, booking.level, booking.pupils, booking.adults)
        if booking.is_invited:
            booking.next_invitation(now)
        queue_message(booking, Kind.BOOKING_CANCELLED, now, by="host", why=why, elsewhere=offered)


def rooms_elsewhere(slot: Slot, party: Party, now: datetime) -> list[Slot]:
    """Up to three other slots a party could book at this moment: those of the same event first, then of similar ones."""
    fitting = (other for other in _others(slot, party) if other.id != slot.id and other.refusal_for(party, now) is None)
    return [other for other, _ in zip(fitting, range(MOST_ELSEWHERE), strict=False)]


def _others(slot: Slot, party: Party) -> Iterator[Slot]:
    places = party.pupils if party.audience == SCHOOL else 1
    if slot.event.is_public:
        yield from fetch.open_slots_of(slot.event_id, places)
    for found in catalogue.similar(slot.event, places, limit=_LOOKED_THROUGH):
        if found.next_slot:
            yield found.next_slot
