"""The journal: who did what, when, and what changed."""

from __future__ import annotations

from flask import Blueprint, render_template

from booking.models import Actor, Organisation, Subject
from booking.permissions import Act
from booking.queries import authority, journal
from booking.web import history_words
from booking.web.authorise import needs
from booking.web.reading import asked_history, asked_number, asked_page

bp = Blueprint("authority_journal", __name__)
_SUBJECTS = tuple(subject for subject in Subject if subject is not Subject.ACCOUNT)


@bp.get("/authority/<int:organisation_id>/journal")
@needs(Act.READ_JOURNAL, Organisation)
def search(organisation: Organisation) -> str:
    """The authority's editions and what organisations did, newest first, fifty a page."""
    asked = asked_number("organisation")
    filters = asked_history(asked)
    return render_template(
        "authority/journal.html",
        organisation=organisation,
        found=journal.of_authority(organisation.id, filters, asked_page()),
        filters=filters,
        of=authority.organisation(organisation.id, asked).organisation if asked else None,
        subjects=_SUBJECTS,
        actors=tuple(Actor),
        said=history_words,
    )
