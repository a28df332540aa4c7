"""Where an authority's day begins: what waits for an answer, and where this edition stands."""

from __future__ import annotations

from flask import Blueprint, render_template

from booking import clock
from booking.models import Organisation
from booking.permissions import Act
from booking.queries import authority, label_queue
from booking.web.authorise import needs

bp = Blueprint("authority_home", __name__)
_FIRST = 8
"""How many of what waits the home shows; the queue has the rest."""


@bp.get("/authority/<int:organisation_id>")
@needs(Act.READ_AUTHORITY, Organisation)
def show(organisation: Organisation) -> str:
    """What waits: labels by age, what changed after its label, who asks to join. Then the figures of the edition at hand."""
    now = clock.now()
    edition = authority.current_edition(organisation.id)
    waiting = label_queue.queue(organisation.id, label_queue.WAITING, now)
    return render_template(
        "authority/home.html",
        organisation=organisation,
        edition=edition,
        figures=authority.figures(edition.id) if edition else None,
        waiting=waiting.asked[:_FIRST],
        counts=label_queue.counts(organisation.id),
        asking=authority.asking(organisation.id),
    )
