"""Duplicate an event to another edition, or to its own: its words and its picture, none of what happened to it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import undefer

from booking import clock
from booking.actions.event_ground import event_changed, read_event_row
from booking.actions.write_event import new_key
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Event, Picture, Publication, Who
from booking.queries.event_choices import open_editions
from booking.queries.event_history import FIELDS


def duplicate_event(event_id: int, edition_id: int, who: Who) -> Event:
    """A draft with an event's words and picture; no slot, no label, no booking. Past and cancelled events can be duplicated.

    Inside the same edition the copy takes place in the same event. Raises `Invalid` for the field `edition_id`, or `NotFound`.
    """
    original = read_event_row(event_id)
    edition = next((found for found in open_editions() if found.id == edition_id), None)
    if edition is None:
        raise Invalid({"edition_id": Problem("edition_over")})
    picture = db.session.scalars(
        select(Picture).where(Picture.event_id == event_id).options(undefer(Picture.content))
    ).one_or_none()
    copy = Event(
        key=new_key(edition, original.title),
        host=original.host,
        edition=edition,
        publication=Publication.DRAFT,
        **{name: getattr(original, name) for name in FIELDS},
    )
    if picture is not None:
        copy.picture = Picture(**{name: getattr(picture, name) for name in ("alt", "digest", "width", "height", "content")})
    db.session.add(copy)
    if original.edition_id != edition.id:
        copy.priority_until = None  # a moment of another year
    copy.parent = original.parent if original.edition_id == edition.id else None
    db.session.flush()
    event_changed(copy, who, "duplicated", clock.now(), original=original.id)
    return copy
