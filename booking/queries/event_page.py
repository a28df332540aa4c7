"""What an event’s page is made of, in one light statement: it tells whether a page made before still tells the truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import aliased

from booking import clock
from booking.db import db
from booking.errors import NotFound
from booking.models import Edition, Event, Label, Organisation, Pool, Publication, Slot, slot_pools

_LARGEST_ID = 2**31 - 1
_INSTANTS = (
    "opens_at",
    "bookings_open_at",
    "closes_at",
    "headcount_until",
    "starts_at",
    "pool_opens_at",
    "priority_until",
    "own_priority_until",
)


@dataclass(frozen=True)
class Stamp:
    """A fingerprint of the data, and the instant at which time alone will change the page (None: never)."""

    fingerprint: str
    changes_at: datetime | None


class SlotStamp(NamedTuple):
    """The stamp of a slot's form; and beside it, as they are now, its pools, and the audiences and levels of its event."""

    stamp: Stamp
    pools: list[Pool]
    audiences: tuple[str, ...]
    levels: tuple[str, ...]


def stamp(event_id: int) -> Stamp:
    """The stamp of a published event's page: its own row, its host, edition, label, relatives, slots and pools.

    An event's `updated_at` rises with every change of its row, so the long texts need not be read. Raises `NotFound`.
    """
    if not 0 < event_id <= _LARGEST_ID:
        raise NotFound
    rows = db.session.execute(_OF_EVENT, {"wanted": event_id}).all()
    return _stamp(rows, event_id, rows)


def stamp_of_slot(slot_id: int) -> SlotStamp:
    """The stamp of what surrounds a slot, what is taken left out, and what tells for whom places are left. Raises `NotFound`."""
    if not 0 < slot_id <= _LARGEST_ID:
        raise NotFound
    rows = db.session.execute(_OF_SLOT, {"wanted": slot_id}).all()
    own = [row for row in rows if row.slot == slot_id]
    stamp = _stamp([row[:-2] for row in rows], own[0].id if own else 0, rows)
    return SlotStamp(stamp, _pools_of(own), own[0].audiences, own[0].levels)


def _pools_of(rows: Sequence[Row[Any]]) -> list[Pool]:
    return [
        Pool(
            id=row.pool,
            kind=row.pool_kind,
            capacity=row.capacity,
            taken=row.taken,
            audiences=row.pool_audiences,
            opens_at=row.pool_opens_at,
        )
        for row in rows
        if row.pool
    ]


def _stamp(told: Sequence[Sequence[Any]], event_id: int, rows: Sequence[Row[Any]]) -> Stamp:
    own = [row for row in rows if row.id == event_id]
    if not own or own[0].publication is not Publication.PUBLISHED:
        raise NotFound
    now = clock.now()
    print_ = hashlib.sha256(repr([tuple(row) for row in told]).encode())
    print_.update(repr([[_passed(row, name, now) for name in _INSTANTS] for row in own]).encode())
    print_.update(clock.paris_day(now).isoformat().encode())
    coming = [instant for row in own for name in _INSTANTS if (instant := getattr(row, name)) and instant > now]
    return Stamp(print_.hexdigest(), min(coming, default=None))


def _passed(row: Row[Any], name: str, now: datetime) -> bool:
    instant = getattr(row, name)
    return instant is not None and instant <= now


def _statement(event: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
    parent = select(Event.parent_id).where(Event.id == event).scalar_subquery()
    return (
        select(
            Event.id,
            Event.updated_at,
            Event.publication,
            Event.audiences,
            Event.levels,
            Organisation.name,
            Edition.name.label("edition"),
            Edition.ends_on,
            Edition.label_until,
            Edition.archived_at,
            Edition.version.label("edition_version"),
            Edition.bookings_open_at,
            Edition.priority_until,
            Event.priority_until.label("own_priority_until"),
            Label.decision,
            Slot.id.label("slot"),
            *Slot.__table__.columns.values()[2:],
            Pool.id.label("pool"),
            Pool.kind.label("pool_kind"),
            Pool.audiences.label("pool_audiences"),
            Pool.opens_at.label("pool_opens_at"),
            Pool.taken,
            Pool.capacity,
        )
        .join(Organisation, Organisation.id == Event.host_id)
        .join(Edition, Edition.id == Event.edition_id)
        .outerjoin(Label, Label.event_id == Event.id)
        .outerjoin(Slot, and_(Slot.event_id == Event.id, Event.id == event))
        .outerjoin(slot_pools, slot_pools.c.slot_id == Slot.id)
        .outerjoin(Pool, Pool.id == slot_pools.c.pool_id)
        .where(or_(Event.id == event, Event.parent_id == event, Event.id == parent))
        .order_by(Event.id, Slot.id, Pool.id)
    )


_WANTED = bindparam("wanted", type_=Integer)
_WANTED_SLOT = aliased(Slot)
_OF_EVENT = _statement(_WANTED)
_OF_SLOT = _statement(select(_WANTED_SLOT.event_id).where(_WANTED_SLOT.id == _WANTED).scalar_subquery())
