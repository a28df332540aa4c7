"""The label: the queue by age, one event as the public will see it, and the answer."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.decide_label import Verdict, decide_label, verdicts_for
from booking.actions.record_change import changes_between
from booking.db import in_transaction
from booking.errors import Invalid, Problem, Refusal, WrongLabelState
from booking.i18n import _
from booking.markdown import render_markdown
from booking.models import Event, Organisation
from booking.permissions import Act
from booking.queries import journal, label_queue, workspace
from booking.queries.label_checks import checks, seen_of
from booking.web import history_words
from booking.web.authorise import needs, signed_in, who
from booking.web.forms.authority import VerdictForm
from booking.web.reading import asked_number, asked_page

bp = Blueprint("authority_labels", __name__)

STATES: Mapping[str, str] = {
    label_queue.WAITING: _("Tout ce qui attend"),
    "requested": _("Demandes"),
    "review": _("Changés après le label"),
    "labelled": _("Labellisés"),
    "returned": _("Renvoyés"),
    "refused": _("Refusés"),
}
VERDICTS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.GRANT: (_("Labelliser"), _("Le sceau paraît sur la page de l’événement.")),
    Verdict.KEEP: (_("Maintenir le label"), _("Les changements sont acceptés ; le sceau reste.")),
    Verdict.RETURN: (_("Renvoyer avec des remarques"), _("L’organisateur corrige et soumet de nouveau.")),
    Verdict.REFUSE: (_("Refuser"), _("L’événement peut être publié sans label.")),
}
_CHECKS: Mapping[str, tuple[str, str]] = {
    "free": (_("Gratuit"), _("L’événement est payant.")),
    "in_window": (_("Dans la période de label"), _("Un jour au moins est hors de la période, ou aucun créneau n’est ouvert.")),
    "audience": (_("Ouvert au public, aux jeunes ou aux demandeurs d’emploi"), _("Aucun de ces publics n’est admis.")),
    "complete": (_("Fiche complète"), _("Il manque encore quelque chose.")),
    "about_industry": (_("Parle d’industrie"), _("À vous de juger.")),
}


@bp.get("/authority/<int:organisation_id>/labels")
@needs(Act.READ_LABELS, Organisation)
def queue(organisation: Organisation) -> str:
    """What waits for an answer, the oldest first; or the events in one state."""
    state = request.args.get("state", label_queue.WAITING)
    state = state if state in STATES else label_queue.WAITING
    edition_id = asked_number("edition")
    return render_template(
        "authority/labels.html",
        organisation=organisation,
        found=label_queue.queue(organisation.id, state, clock.now(), asked_page(), edition_id),
        counts=label_queue.counts(organisation.id),
        state=state,
        states=STATES,
        decisions=history_words.DECISIONS,
    )


@bp.get("/authority/labels/<int:event_id>")
@needs(Act.READ_LABELS, Event)
def show(event: Event) -> str:
    """One event: what the public will read, what machines have checked, what changed, what was decided before."""
    form = VerdictForm(formdata=None)
    form.seen.data = label_queue.fingerprint(event)
    return _page(event, form)[0]


@bp.post("/authority/labels/<int:event_id>/decision")
@needs(Act.DECIDE_LABELS, Event)
def decide(event: Event) -> Response | tuple[str, int]:
    """Answer. Whoever comes second is told; nothing is decided about an event that changed meanwhile."""
    form = VerdictForm()
    given = form.verdict.data or ""
    if given not in set(Verdict):
        form.show({"verdict": Problem("not_a_choice")}, g.locale)
        return _page(event, form, 422)
    remarks, seen = form.remarks.data or "", form.seen.data or ""
    try:
        in_transaction(lambda: decide_label(event.id, Verdict(given), remarks, seen, who(), clock.now()))
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return _page(event, form, 422)
    except WrongLabelState as refusal:
        fresh = workspace.event(signed_in(), Act.DECIDE_LABELS, event.id)
        form.seen.data = label_queue.fingerprint(fresh)
        return _page(fresh, form, refusal.status, refusal)
    return redirect(url_for("authority_labels.show", event_id=event.id, note=given), 303)


def _page(event: Event, form: VerdictForm, status: int = 200, refusal: Refusal | None = None) -> tuple[str, int]:
    asked = label_queue.asked_of(event, clock.now())
    before = journal.of_event(event.id)
    page = render_template(
        "authority/label.html",
        organisation=event.edition.authority,
        event=event,
        asked=asked,
        form=form,
        refusal=refusal,
        verdicts=[(verdict, *VERDICTS[verdict]) for verdict in verdicts_for(event.label)],
        checks=[(check, *_CHECKS[check.code]) for check in checks(event)],
        missing=[name for check in checks(event) for name in check.facts.get("missing", ())],
        changes=_changes(event) if asked.review else [],
        description=render_markdown(event.description),
        conditions=render_markdown(event.edition.conditions),
        earlier=before,
        said=history_words,
        note=request.args.get("note", ""),
    )
    return page, status


def _changes(event: Event) -> list[history_words.Change]:
    """What the label was given for, beside what the event says now."""
    assert event.label is not None
    return history_words.differences_said(changes_between(event.label.seen, seen_of(event)), g.locale)
