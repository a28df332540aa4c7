"""The bytes of an event's picture, and whether everybody may see them."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import select

from booking.db import db
from booking.errors import NotFound
from booking.models import Event, Picture, Publication

_LARGEST_ID = 2**31 - 1
_DIGEST = re.compile(r"[0-9a-f]{16}")


class Shown(NamedTuple):
    """A picture as it is sent."""

    content: bytes
    is_public: bool


def of_event(event_id: int, digest: str) -> Shown:
    """The picture an event has now, if these are its bytes. Raises `NotFound`."""
    if not (0 < event_id <= _LARGEST_ID and _DIGEST.fullmatch(digest)):
        raise NotFound
    statement = select(Picture.content, Event.publication).join(Event, Event.id == Picture.event_id)
    found = db.session.execute(statement.where(Picture.event_id == event_id, Picture.digest == digest)).one_or_none()
    if found is None:
        raise NotFound
    return Shown(found.content, found.publication is Publication.PUBLISHED)
