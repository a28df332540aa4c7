"""What every verb that changes an event does alike: take it for itself alone, and leave a trace when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from booking.actions.record_change import Changes, record_change
from booking.db import db
from booking.errors import EventFixed, NotFound
from booking.models import Event, Slot, Who
from booking.queries.search_text import search_text_for

_LARGEST_ID = 2**31 - 1


def event_to_change(event_id: int, *, with_slots: bool = False) -> Event:
    """An event for one verb alone, fresh. Raises `NotFound`, or `EventFixed` when it is cancelled or its edition is over.

    The row is locked, so that of two who save at once the second reads what the first has written (on PostgreSQL; SQLite has
    one writer anyway). Verbs that change slots lock those first: in the order slots, event, as verbs of slots do.
    """
    event = read_event_row(event_id, lock=True, with_slots=with_slots)
    if event.cancelled_at:
        raise EventFixed("cancelled")
    if event.edition.is_past:
        raise EventFixed("over")
    return event


def read_event_row(event_id: int, *, lock: bool = False, with_slots: bool = False) -> Event:
    """An event with all its verbs need, fresh, in whatever state. Raises `NotFound`."""
    if not 0 < event_id <= _LARGEST_ID:
        raise NotFound
    if with_slots:
        db.session.execute(select(Slot.id).where(Slot.event_id == event_id).order_by(Slot.id).with_for_update()).all()
    around = (
        joinedload(Event.host, innerjoin=True),
        joinedload(Event.edition, innerjoin=True),
        selectinload(Event.parent),
        selectinload(Event.label),
        selectinload(Event.slots).selectinload(Slot.pools),
    )
    statement = select(Event).where(Event.id == event_id).options(*around)
    if lock:
        statement = statement.with_for_update(of=Event)
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise NotFound
    return found


def event_changed(event: Event, who: Who, action: str, now: datetime, changes: Changes | None = None, **details: object) -> None:
    """Write the event with what is searched and when it changed, and its line of history.

    The line names the version it led to: by it, who began to write before can be told what has changed since.
    """
    event.updated_at = now
    event.search_text = search_text_for(event)
    db.session.flush()
    record_change(who, action, event, now, changes, version=event.version, **details)


def publication_change(before: object, after: object) -> Mapping[str, tuple[object, object]]:
    """A change of publication, as the history keeps it."""
    return {"publication": (before, after)}
