"""Give an event a picture, another text for it, or none."""

from __future__ import annotations

import hashlib

from booking import clock
from booking.actions.event_ground import event_changed, event_to_change
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Event, Picture, Who
from booking.models.party import Reader
from booking.picture import Picture as Upload

LONGEST_ALT = 200


def set_picture(event_id: int, upload: Upload | None, alt: str, who: Who) -> Event:
    """Set an event's picture, or without an upload only the text for those who cannot see it.

    Raises `Invalid` for the fields `alt` and `picture`, `EventFixed` or `NotFound`.
    """
    event = event_to_change(event_id)
    problems = {} if upload or event.picture else {"picture": Problem("required")}
    reader = Reader({"alt": " ".join(alt.split())})
    said = reader.text("alt", LONGEST_ALT)
    if problems | reader.problems:
        raise Invalid(problems | reader.problems)
    picture = event.picture or Picture()
    before = {"picture": picture.digest, "alt": picture.alt or ""}
    picture.alt = said
    if upload is not None:
        picture.content, picture.width, picture.height = upload.content, upload.width, upload.height
        picture.digest = hashlib.sha256(upload.content).hexdigest()[:16]
    event.picture = picture
    after = {"picture": picture.digest, "alt": picture.alt}
    if before != after:
        changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
        event_changed(event, who, "picture_set", clock.now(), changes)
    return event


def remove_picture(event_id: int, who: Who) -> Event:
    """Take an event's picture away; without one nothing changes. Raises `EventFixed` or `NotFound`."""
    event = event_to_change(event_id)
    if event.picture is not None:
        digest = event.picture.digest
        db.session.delete(event.picture)
        db.session.flush()
        db.session.expire(event, ["picture"])
        event_changed(event, who, "picture_removed", clock.now(), {"picture": (digest, None)})
    return event
