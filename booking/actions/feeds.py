"""Secret feeds: giving somebody the address of one, and taking it back."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from booking import clock
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import NotFound
from booking.models import Feed, Organisation, Who
from booking.queries import feeds


def follow_bookings(email: str) -> Feed:
    """The feed of all bookings of an address, made where there is none. That the address was proven is the caller's to know."""
    found, _ = _given(email=email.lower())
    return found


def unfollow_bookings(email: str) -> None:
    """Take the address of a feed back: it opens nothing any more, and another one can be asked for."""
    db.session.execute(delete(Feed).where(Feed.email == email.lower()), execution_options={"synchronize_session": False})


def follow_organisation(organisation_id: int, who: Who) -> Feed:
    """The feed of an organisation's slots with their headcounts, made where there is none."""
    found, made = _given(organisation_id=organisation_id)
    if made:
        record_change(who, "feed_opened", db.session.get_one(Organisation, organisation_id), found.created_at)
    return found


def renew_organisation_feed(organisation_id: int, who: Who) -> Feed:
    """Take the address of an organisation's feed back and give a new one. Raises `NotFound` where there is none."""
    found, now = feeds.feed_of_organisation(organisation_id), clock.now()
    if found is None:
        raise NotFound
    db.session.refresh(found, with_for_update=True)
    found.renew(now)
    record_change(who, "feed_renewed", db.session.get_one(Organisation, organisation_id), now)
    return found


def _given(**owner: Any) -> tuple[Feed, bool]:
    """The feed of one owner, and whether it was made just now. Two who ask at once get the same."""
    values = owner | {"nonce": secrets.token_bytes(16), "created_at": clock.now()}
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    made = db.session.execute(insert(Feed).values(values).on_conflict_do_nothing().returning(Feed.id)).scalar_one_or_none()
    return db.session.scalars(select(Feed).filter_by(**owner)).one(), made is not None
