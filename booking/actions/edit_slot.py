"""Change on which terms a slot is booked from now on. Who has booked already keeps the places."""

from __future__ import annotations

from collections.abc import Mapping

from booking import clock
from booking.actions.offer_places import offer_places
from booking.actions.record_change import changes_between
from booking.actions.slot_changes import running_slot_to_change, slot_changed
from booking.actions.waiting_ends import set_waits_by
from booking.errors import Invalid, Problem, SlotChanged
from booking.models import Slot, Who
from booking.models.slot_words import read_terms, terms_of
from booking.queries import slot_bookings
from booking.queries.waiting import waited_for

COLUMNS = (
    "counts_adults", "min_party", "max_party", "pupils_per_adult", "adults_required", "opens_at", "closes_at", "headcount_until",
    "cancel_until",
)  # fmt: skip
_SAID_IN_HOURS = {"headcount_until": "headcount_hours", "cancel_until": "cancel_hours"}


def edit_slot(slot_id: int, raw: Mapping[str, object], version: int, who: Who) -> Slot:
    """Set a slot's terms as a form wrote them (`booking.models.slot_words.read_terms`; when and where it meets stay).

    Nothing changed writes nothing. Raises `NotFound`, `Invalid` (also for counting adults otherwise than those who have booked),
    `BookingClosed` (cancelled, past, archived), or `SlotChanged` when the slot is not the version the form was made from.
    """
    terms = read_terms(raw)
    slot = running_slot_to_change(slot_id)
    if slot.version != version:
        raise SlotChanged
    columns = terms.columns(slot.starts_at, slot.ends_at)
    said = terms_of(slot)
    as_they_were = {column for column, field in _SAID_IN_HOURS.items() if str(raw.get(field)) == said[field]}
    after = {name: getattr(slot, name) if name in as_they_were else columns[name] for name in COLUMNS}
    changes = changes_between({name: getattr(slot, name) for name in COLUMNS}, after)
    if "counts_adults" in changes and (slot_bookings.to_come(slot.id) or waited_for([pool.id for pool in slot.pools])):
        raise Invalid({"counts_adults": Problem("counted_already")})
    if changes:
        for name, value in after.items():
            setattr(slot, name, value)
        now = clock.now()
        slot_changed(slot, who, "edited", now, changes)
        set_waits_by(slot)
        offer_places([pool.id for pool in slot.pools], now)
    return slot
