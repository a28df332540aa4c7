"""Mandates: a company lets a chamber act for it, until it ends that."""

from __future__ import annotations

from sqlalchemy import select

from booking import clock
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid, NotFound, Problem
from booking.models import Mandate, Organisation, Who
from booking.queries.accounts import chambers_for


def give_mandate(organisation_id: int, chamber_id: int, who: Who) -> bool:
    """Let a chamber act for an organisation. One that may already changes nothing, one that no longer did may again.

    Says whether anything changed. Raises `Invalid` where the chamber is none the organisation may choose.
    """
    now = clock.now()
    chamber = next((one for one in chambers_for(organisation_id) if one.id == chamber_id), None)
    if chamber is None:
        raise Invalid({"chamber": Problem("not_a_choice")})
    same = Mandate.chamber_id == chamber.id, Mandate.organisation_id == organisation_id
    mandate = db.session.scalars(select(Mandate).where(*same)).one_or_none()
    if mandate is not None and mandate.ended_at is None:
        return False
    if mandate is None:
        mandate = Mandate(chamber=chamber, organisation=db.session.get_one(Organisation, organisation_id))
        db.session.add(mandate)
    mandate.since, mandate.ended_at = now, None
    db.session.flush()
    record_change(who, "given", mandate, now)
    return True


def end_mandate(mandate_id: int, who: Who) -> bool:
    """Let a chamber no longer act for an organisation. Says whether anything changed. Raises `NotFound`."""
    mandate, now = db.session.get(Mandate, mandate_id, populate_existing=True, with_for_update=True), clock.now()
    if mandate is None:
        raise NotFound
    if mandate.ended_at is not None:
        return False
    mandate.ended_at = now
    record_change(who, "mandate_ended", mandate, now)
    return True
