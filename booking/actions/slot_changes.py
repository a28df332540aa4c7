"""What every verb that runs a slot does alike: take it for itself alone, and leave a trace when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import flag_modified

from booking.actions.host_entries import lock_host_entries
from booking.actions.places import lock_pools
from booking.actions.record_change import Changes, record_change
from booking.db import db
from booking.errors import BookingClosed, NotFound
from booking.models import Booking, Event, Pool, PoolKind, Slot, Who
from booking.models.booking import LIVE
from booking.queries.label_checks import seen_of

_LARGEST_ID = 2**31 - 1
_PLAIN = {"synchronize_session": False}
_AROUND = (
    joinedload(Slot.event, innerjoin=True).joinedload(Event.host, innerjoin=True),
    joinedload(Slot.event, innerjoin=True).joinedload(Event.edition, innerjoin=True),
    selectinload(Slot.pools),
)


def slot_to_change(slot_id: int) -> Slot:
    """A slot for one verb alone, fresh, whatever its event's publication. Raises `NotFound`.

    The row is locked so that a booking made at the same moment waits for the change, or the change for it (on PostgreSQL;
    SQLite has one writer anyway). Such a booking then finds that the slot is not as it was read and begins again.
    """
    if not 0 < slot_id <= _LARGEST_ID:
        raise NotFound
    statement = select(Slot).where(Slot.id == slot_id).options(*_AROUND).with_for_update(of=Slot)
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise NotFound
    return found


def running_slot_to_change(slot_id: int) -> Slot:
    """The same for what makes sense before a slot begins. Raises `NotFound`, or `BookingClosed` (cancelled, past, archived)."""
    slot = slot_to_change(slot_id)
    closed = slot.closed_because()
    if closed and closed.why in {"cancelled", "past", "archived"}:
        raise BookingClosed(closed.why, at=closed.at)
    return slot


def own_pool(slot: Slot) -> Pool | None:
    """The slot's own number of places, where it has one beside those it shares with others."""
    return next((pool for pool in slot.pools if pool.kind is PoolKind.OWN), None)


def lock_bookings(slot: Slot) -> None:
    """Let nobody book, confirm, change or cancel on this slot from what was read before the change at hand.

    Whoever has read the slot or one of its bookings finds a newer version when it comes to writing, and begins again. Locks
    are taken in the order slot, bookings that hold places, the host's entry, pools, bookings that wait, as everywhere.
    """
    db.session.execute(select(Slot.id).where(Slot.id == slot.id).with_for_update())
    flag_modified(slot, "starts_at")
    db.session.flush()
    of_slot = Booking.slot_id == slot.id, Booking.status.in_(LIVE)
    ids = db.session.scalars(select(Booking.id).where(*of_slot).order_by(Booking.id).with_for_update()).all()
    lock_host_entries([slot.id])
    lock_pools(pool.id for pool in slot.pools)  # before who waits, as where something is offered to them
    db.session.execute(update(Booking).where(Booking.id.in_(ids)).values(version=Booking.version + 1), execution_options=_PLAIN)


def labelled_as(event: Event) -> Mapping[str, object] | None:
    """What a labelled event is before its days change; `note_label_changes` holds what it is afterwards against it."""
    return seen_of(event) if event.is_labelled else None


def slot_changed(slot: Slot, who: Who, action: str, now: datetime, changes: Changes | None = None, **details: object) -> None:
    """Write the slot's line of history, and tell the pages that show its event.

    The event's row is touched without a new version: who is writing the event's words has not been overtaken.
    """
    db.session.flush()
    db.session.execute(update(Event).where(Event.id == slot.event_id).values(updated_at=now), execution_options=_PLAIN)
    record_change(who, action, slot, now, changes, **details)
