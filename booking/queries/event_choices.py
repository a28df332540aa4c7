"""What an event can be put into: an edition to come, and another event it takes place in."""

from __future__ import annotations

from sqlalchemy import or_, select

from booking.db import db
from booking.models import Edition, Event, EventType, Publication

OPEN_TO_ALL = frozenset({EventType.ROUND_TABLE, EventType.FORUM})
"""Gatherings of several hosts: once published, anybody may hold an event inside them."""


def open_editions() -> list[Edition]:
    """The editions an event can be written for, the next one first."""
    found = db.session.scalars(select(Edition).where(Edition.archived_at.is_(None)).order_by(Edition.starts_on, Edition.id))
    return [edition for edition in found if not edition.is_past]


def possible_parents(host_id: int, edition_id: int, event_id: int | None = None) -> list[Event]:
    """The events of an edition that may hold one of this host's: the host's own, and gatherings already published.

    An event never holds itself, nor one of those it takes place in; nobody's debate is filled without its host's knowing.
    """
    others = (Event.publication == Publication.PUBLISHED) & Event.type.in_(OPEN_TO_ALL)
    statement = (
        select(Event)
        .where(Event.edition_id == edition_id, Event.cancelled_at.is_(None), or_(Event.host_id == host_id, others))
        .order_by(Event.title, Event.id)
    )
    inside = descendants(event_id) if event_id else set()
    return [event for event in db.session.scalars(statement) if event.id not in inside]


def descendants(event_id: int) -> set[int]:
    """An event and all that take place inside it, at any depth."""
    found, newest = {event_id}, {event_id}
    while newest:
        newest = set(db.session.scalars(select(Event.id).where(Event.parent_id.in_(newest)))) - found
        found |= newest
    return found
