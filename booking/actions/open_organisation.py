"""An operator opens an organisation: found by its key or its name, or made; an authority takes the editions that have none."""

from __future__ import annotations

from sqlalchemy import select

from booking import clock
from booking.actions.join_organisation import Wanted, find_organisation, make_organisation
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import NotFound
from booking.models import OPERATOR, Edition, Organisation, OrganisationKind


def open_organisation(key: str | None, name: str, kind: OrganisationKind) -> tuple[Organisation, bool]:
    """The organisation of a key, or of a kind and name, which is made where there is none. Says whether it was made.

    Raises `NotFound` for a key nobody has.
    """
    if key is not None:
        found = db.session.scalars(select(Organisation).where(Organisation.key == key)).one_or_none()
        if found is None:
            raise NotFound
        return found, False
    wanted = Wanted(kind, name, "")
    existing = find_organisation(wanted)
    return (existing, False) if existing else (make_organisation(wanted, OPERATOR, clock.now()), True)


def name_authority(organisation: Organisation) -> list[str]:
    """Let an authority see to every edition that has none. The names of those; none where it is no authority."""
    if organisation.kind is not OrganisationKind.AUTHORITY:
        return []
    now = clock.now()
    editions = list(db.session.scalars(select(Edition).where(Edition.authority_id.is_(None)).order_by(Edition.id)))
    for edition in editions:
        edition.authority = organisation
        db.session.flush()
        record_change(OPERATOR, "authority_named", edition, now)
    return [edition.name for edition in editions]
