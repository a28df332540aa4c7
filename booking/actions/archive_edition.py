"""Archive an edition, or open it again: nobody books in an archived one, and everything in it stays readable."""

from __future__ import annotations

from datetime import datetime

from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import NotFound
from booking.models import Edition, Who


def archive_edition(edition_id: int, who: Who, now: datetime) -> bool:
    """Close an edition. Says whether it was open. Bookings that exist stay as they are."""
    edition = _edition(edition_id)
    if edition.archived_at is not None:
        return False
    edition.archived_at = now
    record_change(who, "archived", edition, now)
    return True


def reopen_edition(edition_id: int, who: Who, now: datetime) -> bool:
    """Open an archived edition again. Says whether it was archived."""
    edition = _edition(edition_id)
    if edition.archived_at is None:
        return False
    edition.archived_at = None
    record_change(who, "reopened", edition, now)
    return True


def _edition(edition_id: int) -> Edition:
    found = db.session.get(Edition, edition_id, populate_existing=True)
    if found is None:
        raise NotFound
    return found
