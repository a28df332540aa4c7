"""Let an authority's member read an organisation's workspace for a while, to help; the organisation is told, and sees it."""

from __future__ import annotations

from datetime import datetime

from booking.actions.queue_message import queue_letter
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import NotFound
from booking.models import Kind, Organisation, OrganisationKind, Session, Who
from booking.queries.workspace import managers_of


def start_help(session_id: int, organisation_id: int, who: Who, now: datetime) -> bool:
    """Open a workspace for reading in one session, and tell its managers. Says whether it was not open there already.

    `who` acts for the authority. Raises `NotFound`, also for an authority: nobody looks over another's shoulder.
    """
    session, organisation = _session(session_id), db.session.get(Organisation, organisation_id)
    authority = db.session.get(Organisation, who.acting_for_id) if who.acting_for_id else None
    if organisation is None or authority is None or organisation.kind is OrganisationKind.AUTHORITY:
        raise NotFound
    if session.helping_id == organisation.id:
        return False
    if session.helping_id is not None:
        end_help(session_id, who, now)
    session.helping_id = organisation.id
    record_change(who, "help_started", organisation, now)
    facts = {"authority": authority.name, "organisation": organisation.name, "organisation_id": organisation.id}
    for manager in managers_of(organisation.id):
        queue_letter(manager.email, manager.locale, Kind.HELP_STARTED, now, **facts)
    return True


def end_help(session_id: int, who: Who, now: datetime) -> bool:
    """Close the workspace that is read in a session. Says whether one was open."""
    session = _session(session_id)
    organisation = db.session.get(Organisation, session.helping_id) if session.helping_id else None
    if organisation is None:
        return False
    session.helping_id = None
    record_change(who, "help_ended", organisation, now)
    return True


def _session(session_id: int) -> Session:
    found = db.session.get(Session, session_id, populate_existing=True)
    if found is None or found.ended_at is not None:
        raise NotFound
    return found
