"""Write an edition: a new one, or the words of one that exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from itertools import count

from sqlalchemy import select

from booking.actions.record_change import changes_between, record_change
from booking.db import db
from booking.errors import EditConflict, NotFound
from booking.models import Edition, Who
from booking.models.edition_words import EditionWords


def create_edition(authority_id: int, words: EditionWords, who: Who, now: datetime) -> Edition:
    """Make an edition of an authority. Its key is its year, with a number behind it where the year has one already."""
    edition = Edition(key=_free_key(words.year), authority_id=authority_id, **_columns(words))
    db.session.add(edition)
    db.session.flush()
    record_change(who, "written", edition, now)
    return edition


def rewrite_edition(edition_id: int, version: int, words: EditionWords, who: Who, now: datetime) -> Edition:
    """Write an edition's words anew, as somebody saw it at a version. Words that are the same change nothing.

    Raises `EditConflict` when it was changed since, `NotFound` when there is none.
    """
    edition = db.session.get(Edition, edition_id, populate_existing=True)
    if edition is None:
        raise NotFound
    if edition.version != version:
        raise EditConflict({}, edition.version)
    after = _columns(words)
    changes = changes_between(columns_of(edition), after)
    if changes:
        for name in changes:
            setattr(edition, name, after[name])
        db.session.flush()
        record_change(who, "edited", edition, now, changes)
    return edition


def columns_of(edition: Edition) -> dict[str, object]:
    """What an edition says now, by the names of its words."""
    return {name: getattr(edition, name) for name in EditionWords.__dataclass_fields__}


def _columns(words: EditionWords) -> Mapping[str, object]:
    return asdict(words) | {"theme": words.theme or None}


def _free_key(year: int) -> str:
    taken = set(db.session.scalars(select(Edition.key).where(Edition.key.like(f"{year}%"))))
    names = (str(year) if n == 1 else f"{year}-{n}" for n in count(1))
    return next(name for name in names if name not in taken)
