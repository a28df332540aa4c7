"""What a host should know before a slot takes place at a time: unusual days, and what else happens then. Never a refusal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload

from booking import clock
from booking.db import db
from booking.models import Event, Publication, Slot
from booking.school_days import SlotWarning, warnings_for, zone_of

Span = tuple[datetime, datetime]
"""Beginning and end, in UTC."""


@dataclass(frozen=True)
class Warned:
    """One time, and everything worth a second look about it."""

    starts_at: datetime
    ends_at: datetime
    days: tuple[SlotWarning, ...]
    outside_window: bool
    """Whether its day is not one on which the edition labels."""
    meets: tuple[Slot, ...]
    """Other slots at the same place, or of the same host, at the same time."""
    twice: bool
    """Whether another of the times asked about falls together with it."""


def warned(event: Event, times: Sequence[Span], but: Slot | None = None) -> list[Warned]:
    """Those of some times for slots of an event that deserve a warning, in order. `but` is the slot that moves there itself."""
    zone = zone_of(event.edition.department)
    others = overlaps(event, times, but)
    found = [
        Warned(
            starts_at,
            ends_at,
            days=tuple(warnings_for(starts_at, ends_at, zone)),
            outside_window=not event.edition.label_from <= clock.paris_day(starts_at) <= event.edition.label_until,
            meets=tuple(other for other in others if other.starts_at < ends_at and other.ends_at > starts_at),
            twice=sum(other[0] < ends_at and other[1] > starts_at for other in times) > 1,
        )
        for starts_at, ends_at in times
    ]
    return [one for one in found if one.days or one.outside_window or one.meets or one.twice]


def overlaps(event: Event, times: Sequence[Span], but: Slot | None = None) -> list[Slot]:
    """Slots that fall together with one of some times, of the same host or at the same address, soonest first.

    A visit inside a debate is meant to fall together with it, so parents and children are left out; of other hosts only what
    is published counts, for what they prepare is nobody's business.
    """
    if not times:
        return []
    here = and_(Event.publication == Publication.PUBLISHED, Event.address == event.address, Event.commune == event.commune)
    near = [Event.host_id == event.host_id, *([here] if event.address else [])]
    span = Slot.starts_at < max(end for _, end in times), Slot.ends_at > min(start for start, _ in times)
    statement = (
        select(Slot)
        .join(Slot.event)
        .where(*span, Slot.cancelled_at.is_(None), Event.cancelled_at.is_(None), Event.publication != Publication.WITHDRAWN)
        .where(or_(*near), Event.id.not_in(_family(event)))
        .options(joinedload(Slot.event, innerjoin=True))
        .order_by(Slot.starts_at, Slot.id)
    )
    found = [slot for slot in db.session.scalars(statement) if but is None or slot.id != but.id]
    return [slot for slot in found if any(slot.starts_at < end and slot.ends_at > start for start, end in times)]


def fingerprint(warnings: Iterable[Warned]) -> str:
    """Names these very warnings, so that a host who goes on all the same has read them and no others; empty for none."""
    said = [
        (one.starts_at, one.ends_at, [w.code for w in one.days], one.outside_window, [slot.id for slot in one.meets], one.twice)
        for one in warnings
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16] if said else ""


def _family(event: Event) -> list[int]:
    """The ids of an event's parent and children."""
    children = db.session.scalars(select(Event.id).where(Event.parent_id == event.id))
    return [*children, *([event.parent_id] if event.parent_id else [])]
