"""What the history says of an event's words: how they stood, and who changed them since somebody began to write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from booking.db import db
from booking.models import Event, HistoryEntry, Subject

FIELDS = (
    "title", "summary", "description", "type", "audiences", "levels", "min_age", "one_per_class", "priority_until",
    "host_approval", "host_answer_hours", "head_approval", "head_answer_days", "free", "price",
    "closed_shoes", "identity_needed", "outdoors", "equipment", "conditions", "accessible_for", "accessibility_note",
    "place_name", "address", "postcode", "commune", "latitude", "longitude", "meeting_point", "access_info",
    "contact_email", "more_contacts", "contact_phone", "host_mails", "partners",
)  # fmt: skip
"""The columns people write, in the order of the form."""
ADDRESSES = frozenset({"contact_email", "more_contacts", "contact_phone"})
HIDDEN = "…"
"""What the history keeps of people's addresses: that they changed, and nothing more."""


def recorded(event: Event) -> dict[str, object]:
    """An event's words as plain JSON, the edition and the event around it by their names."""
    words: dict[str, object] = {name: as_recorded(getattr(event, name)) for name in FIELDS}
    return words | {"edition_id": event.edition.name, "parent_id": event.parent.title if event.parent else None}


def for_history(changes: Mapping[str, tuple[object, object]]) -> dict[str, tuple[object, object]]:
    """Changes as they may be kept for ever."""
    return {name: (HIDDEN, HIDDEN) if name in ADDRESSES else pair for name, pair in changes.items()}


def changes_since(event: Event, version: int) -> dict[str, list[object]]:
    """What has changed in an event's words since a version of it, by field: `[before, now]`.

    Lines are read from the newest back to the first that was written no later than that version. What came back to what it
    was is no change.
    """
    statement = (
        select(HistoryEntry)
        .where(HistoryEntry.event_id == event.id, HistoryEntry.subject == Subject.EVENT)
        .order_by(HistoryEntry.id.desc())
    )
    before: dict[str, object] = {}
    for line in db.session.scalars(statement):
        if line.details.get("version", version + 1) <= version:
            break
        for name, pair in (line.details.get("changes") or {}).items():
            before[name] = pair[0]
    now = recorded(event)
    return {name: [was, now[name]] for name, was in before.items() if name in now and was != now[name]}


def as_recorded(value: object) -> object:
    """A value of an event as the history keeps it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
