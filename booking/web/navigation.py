"""The places of the workspaces, and what every page may ask about who is signed in."""

from __future__ import annotations

from typing import Any

from flask import Flask, g

from booking.db import db
from booking.i18n import _
from booking.models import Organisation
from booking.permissions import Act
from booking.web import authorise

WORKSPACE_PLACES = (
    ("workspace.home", Act.ENTER, _("Accueil")),
    ("workspace_events.listing", Act.READ_EVENTS, _("Événements")),
    ("workspace_bookings.listing", Act.READ_BOOKINGS, _("Réservations")),
    ("workspace_requests.listing", Act.READ_BOOKINGS, _("Demandes")),
    ("workspace_members.listing", Act.READ_MEMBERS, _("Membres")),
    ("workspace_history.listing", Act.READ_HISTORY, _("Historique")),
)
AUTHORITY_PLACES = (
    ("authority_home.show", Act.READ_AUTHORITY, _("Accueil")),
    ("authority_labels.queue", Act.READ_LABELS, _("Labels")),
    ("authority_editions.listing", Act.READ_AUTHORITY, _("Éditions")),
    ("authority_imports.listing", Act.IMPORT, _("Importer")),
    ("authority_organisations.listing", Act.READ_JOURNAL, _("Organismes")),
    ("authority_journal.search", Act.READ_JOURNAL, _("Journal")),
)
"""Where one can go from every page of a workspace: the page, the act it needs, its name. Each takes an organisation's id."""


def init_app(app: Flask) -> None:
    """Let templates ask who is signed in and what they may do."""
    app.jinja_env.globals.update(
        visitor=authorise.visitor,
        may=authorise.may,
        Act=Act,
        acting_for=_acting_for,
        workspace_places=WORKSPACE_PLACES,
        authority_places=AUTHORITY_PLACES,
        no_page=lambda _entry: "",
    )


def _acting_for() -> str:
    """The chamber or authority whose member acts here for another organisation; empty in the own one."""
    who: Any = g.get("who")
    if who is None or who.acting_for_id in {None, g.get("organisation_id")}:
        return ""
    organisation = db.session.get(Organisation, who.acting_for_id)
    return organisation.name if organisation else ""
