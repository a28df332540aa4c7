"""Change what an organisation says of itself: its name, where it is, where it reads about bookings, its site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from booking import clock
from booking.actions.record_change import changes_between, record_change
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Event, Organisation, Who
from booking.models.party import Reader
from booking.queries.search_text import search_text_for

_KEPT_FOR_EVER = ("name", "commune", "website")
"""What the history quotes; an address may be a person's, so of that it only says that it changed."""


@dataclass(frozen=True)
class Particulars:
    """What an organisation says of itself."""

    name: str
    commune: str
    email: str | None
    website: str | None


def read_particulars(raw: Mapping[str, object]) -> Particulars:
    """The particulars a form describes. Raises `Invalid`. Address and site may be empty."""
    reader = Reader(raw)
    name, commune = reader.text("name", 160), reader.text("commune", 80)
    email = reader.email("email") if str(raw.get("email") or "").strip() else ""
    website = reader.text("website", 200, required=False)
    if website and not _is_a_website(website):
        reader.refuse("website", Problem("not_a_website"))
    if reader.problems:
        raise Invalid(reader.problems)
    return Particulars(name, commune, email or None, website or None)


def change_particulars(organisation_id: int, wanted: Particulars, who: Who) -> bool:
    """Write them, and let the pages of its events know. Says whether anything changed."""
    now = clock.now()
    organisation = db.session.get_one(Organisation, organisation_id, populate_existing=True, with_for_update=True)
    after = asdict(wanted)
    changes = changes_between({name: getattr(organisation, name) for name in after}, after)
    if not changes:
        return False
    for name, (_, value) in changes.items():
        setattr(organisation, name, value)
    of_host = select(Event).where(Event.host_id == organisation.id).options(joinedload(Event.host)).order_by(Event.id)
    for event in db.session.scalars(of_host):
        event.search_text, event.updated_at = search_text_for(event), now
    quoted = {name: pair for name, pair in changes.items() if name in _KEPT_FOR_EVER}
    record_change(who, "edited", organisation, now, quoted, fields=sorted(changes))
    return True


def _is_a_website(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and "." in (parts.hostname or "") and " " not in text and "@" not in parts.netloc
    except ValueError:
        return False
