"""Write an event: a new one, or other words for one that is there. Who overtook somebody is told, and nobody is overwritten."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime

from booking import clock
from booking.actions.event_ground import event_changed, event_to_change
from booking.actions.label_changes import note_label_changes
from booking.actions.record_change import changes_between
from booking.actions.tell_bookers import tell_bookers
from booking.db import db
from booking.errors import EditConflict, Invalid, NotFound, Problem
from booking.models import Edition, Event, EventType, Organisation, Publication, Who
from booking.models.event import plain
from booking.queries.event_choices import descendants, open_editions, possible_parents
from booking.queries.event_history import FIELDS, changes_since, for_history, recorded
from booking.queries.label_checks import seen_of

Values = Mapping[str, object]


def create_event(organisation_id: int, values: Values, who: Who) -> Event:
    """A new draft of an organisation. Raises `Invalid` or `NotFound`.

    `values` come from `booking.models.event_words.read_event`, with `edition_id` and, where it takes place inside another
    event, `parent_id`. Other names are not looked at.
    """
    now = clock.now()
    host = db.session.get(Organisation, organisation_id)
    if host is None:
        raise NotFound
    edition = _open_edition(values.get("edition_id"))
    event = Event(key=new_key(edition, str(values["title"])), host=host, edition=edition, publication=Publication.DRAFT)
    event.type = EventType.COMPANY_VISIT
    _set(event, values)
    event.parent = _parent(event, values.get("parent_id"))
    db.session.add(event)
    db.session.flush()
    event_changed(event, who, "written", now)
    return event


def write_event(event_id: int, values: Values, version: int, who: Who) -> Event:
    """Other words for an event. `version` is that of the words the writer began with.

    Raises `EditConflict` where somebody else has changed them since, and `Invalid`, `EventFixed` or `NotFound`. A labelled
    event keeps its label and goes back to the authority for a look; bookers whose visit has another name or place get a new
    invitation. Saving what is there changes nothing.
    """
    now = clock.now()
    event = event_to_change(event_id, with_slots=True)
    if version != event.version and (others := changes_since(event, version)):
        raise EditConflict(others, event.version)
    before, seen, told = recorded(event), seen_of(event), _told(event)
    if "edition_id" in values and may_change_edition(event):
        event.edition = _open_edition(values["edition_id"], event.edition)
    _set(event, values)
    if "parent_id" in values:
        event.parent = _parent(event, values["parent_id"])
    elif event.parent is not None and event.parent.edition_id != event.edition.id:
        event.parent = None
    if changes := changes_between(before, recorded(event)):
        event_changed(event, who, "edited", now, for_history(changes))
        note_label_changes(event, now, who, before=seen)
        _tell(event, told, who, now)
    return event


def may_change_edition(event: Event) -> bool:
    """Only what nobody has seen yet can go to another edition; what is public is duplicated."""
    return event.publication is Publication.DRAFT and event.label is None and not event.slots and not event.children


def new_key(edition: Edition, title: str) -> str:
    """A name for an event that no other has, for files and programs."""
    words = re.sub(r"[^a-z0-9]+", "-", plain(title)).strip("-")[:40].strip("-")
    return f"{edition.key}-{words or 'event'}-{secrets.token_hex(4)}"


def _set(event: Event, values: Values) -> None:
    for name in FIELDS:
        if name in values and getattr(event, name) != values[name]:
            setattr(event, name, values[name])


def _open_edition(wanted: object, present: Edition | None = None) -> Edition:
    """The edition somebody chose, which must be one to come."""
    if present is not None and wanted == present.id:
        return present
    found = next((edition for edition in open_editions() if edition.id == wanted), None)
    if found is None:
        raise Invalid({"edition_id": Problem("edition_over")})
    return found


def _parent(event: Event, wanted: object) -> Event | None:
    """The event it takes place in: of the same edition, the host's own or a published gathering, and never inside it."""
    if wanted is None:
        return None
    if event.parent is not None and wanted == event.parent.id and event.parent.edition_id == event.edition.id:
        return event.parent
    if event.id and wanted in descendants(event.id):
        raise Invalid({"parent_id": Problem("parent_loop")})
    found = next((one for one in possible_parents(event.host.id, event.edition.id, event.id) if one.id == wanted), None)
    if found is None:
        raise Invalid({"parent_id": Problem("parent_not_here")})
    return found


def _told(event: Event) -> dict[str, str]:
    """What an invitation says of an event, and so what a booker must hear of when it changes."""
    town = f"{event.postcode} {event.commune}".strip()
    place = ", ".join(part for part in (event.place_name, event.address, town) if part)
    return {"title": event.title, "place": place, "meeting_point": event.meeting_point}


def _tell(event: Event, was: Mapping[str, str], who: Who, now: datetime) -> None:
    """Send a new invitation to everybody booked on a slot to come for which something of it is no longer true."""
    lost = {name: before for name, before in was.items() if before != _told(event)[name]}
    for slot in sorted(event.slots, key=lambda slot: slot.id) if lost and event.is_public else ():
        here = {name: before for name, before in lost.items() if name != "meeting_point" or not slot.meeting_point}
        if here and not slot.cancelled_at and slot.starts_at > now:
            tell_bookers(slot, here, "", who, now)
