"""What was done in an organisation's affairs, by its own people, a chamber, an authority or a booker: who, when, what changed."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from booking.models import Actor, HistoryEntry, Organisation, Subject
from booking.permissions import Act
from booking.queries import journal
from booking.web import history_words
from booking.web.authorise import may, needs
from booking.web.reading import asked_history, asked_page

bp = Blueprint("workspace_history", __name__)
_SUBJECTS = tuple(subject for subject in Subject if subject not in {Subject.ACCOUNT, Subject.IMPORT})


@bp.get("/workspace/organisations/<int:organisation_id>/history")
@needs(Act.READ_HISTORY, Organisation)
def listing(organisation: Organisation) -> str:
    """Everything that is this organisation's affair, newest first, fifty a page."""
    filters = asked_history()
    return render_template(
        "workspace/history.html",
        organisation=organisation,
        found=journal.of_organisation(organisation.id, filters, asked_page()),
        filters=filters,
        subjects=_SUBJECTS,
        actors=tuple(Actor),
        said=history_words,
        page_of=_page_of,
    )


def _page_of(entry: HistoryEntry) -> str:
    """Where the thing a line is about can be seen today; empty where there is no page of it, or none for this reader."""
    if entry.subject is Subject.BOOKING and entry.booking_id and may(Act.READ_BOOKINGS):
        return url_for("workspace_bookings.show", reference=entry.name)
    if entry.subject is Subject.SLOT and entry.subject_id:
        return url_for("workspace_slots.show", slot_id=entry.subject_id)
    return url_for("workspace_events.show", event_id=entry.event_id) if entry.event_id else ""
