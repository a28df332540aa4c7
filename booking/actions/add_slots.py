"""Open new slots of an event: one, or a series. Each has its own pool of places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from booking import clock
from booking.actions.event_ground import event_to_change
from booking.actions.label_changes import note_label_changes
from booking.actions.slot_changes import labelled_as, slot_changed
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Pool, Slot, Who
from booking.models.slot_words import read_slots
from booking.queries.slot_bookings import added_by_form, form_key


def add_slots(event_id: int, raw: Mapping[str, object], key: str, who: Who) -> list[Slot]:
    """Add the slots a form describes (`booking.models.slot_words.read_slots`). The same key again adds nothing.

    Raises `NotFound`, `EventFixed` (cancelled, over) or `Invalid`: also where one of them would begin in the past.
    """
    rows = read_slots(raw)
    event = event_to_change(event_id)
    if earlier := added_by_form(event_id, key):
        return earlier
    now = clock.now()
    refuse_past(rows, now, "first")
    seen = labelled_as(event)
    slots = [_new_slot(row, event_id, f"{form_key(event_id, key)}:{n}") for n, row in enumerate(rows)]
    db.session.add_all(slots)
    db.session.flush()
    for slot in slots:
        slot_changed(slot, who, "written", now, starts_at=slot.starts_at, capacity=slot.capacity)
    note_label_changes(event, now, who, before=seen)
    return slots


def refuse_past(rows: Sequence[Mapping[str, Any]], now: datetime, field: str) -> None:
    """Nobody can come to what has begun. Raises `Invalid` for the field that says when."""
    if any(row["starts_at"] <= now for row in rows):
        raise Invalid({field: Problem("in_the_past")})


def _new_slot(row: Mapping[str, Any], event_id: int, key: str) -> Slot:
    columns = {name: value for name, value in row.items() if name != "capacity"}
    return Slot(key=key, event_id=event_id, pools=[Pool(capacity=row["capacity"])], **columns)
