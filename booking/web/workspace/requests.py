"""Everything that waits for the host's answer: requests for places, one or many at once, and late changes of headcounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.approve_booking import approve_booking
from booking.actions.refuse_booking import refuse_booking
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Problem, Refusal
from booking.i18n import _
from booking.models import Booking, Organisation
from booking.models.reason import read_reason
from booking.permissions import Act
from booking.queries import requests
from booking.web.authorise import needs, who
from booking.web.forms.approval import APPROVE, REFUSE, RequestsForm
from booking.web.templating import gettext
from booking.wording import problem_sentence, refusal_sentence

bp = Blueprint("workspace_requests", __name__)

MOST_AT_ONCE = 100
_WHY_NOT: Mapping[str, str] = {
    "expired": _("le délai est passé, les places sont rendues."),
    "cancelled": _("la personne a annulé entre-temps."),
    "refused": _("elle est déjà refusée."),
    "confirmed": _("elle est déjà acceptée."),
}
"""Why an answer came to nothing, by where the booking stands."""


@dataclass(frozen=True)
class NotDone:
    """One request whose answer came to nothing, and why."""

    booking: Booking
    why: str


@bp.get("/workspace/organisations/<int:organisation_id>/requests")
@needs(Act.READ_BOOKINGS, Organisation)
def listing(organisation: Organisation) -> str:
    """What waits, the nearest deadline first; after an answer, what it did."""
    return _page(organisation, RequestsForm(formdata=None), done=request.args.getlist("done")[:MOST_AT_ONCE])


@bp.post("/workspace/organisations/<int:organisation_id>/requests")
@needs(Act.HANDLE_BOOKINGS, Organisation)
def answer(organisation: Organisation) -> Response | tuple[str, int]:
    """Accept or refuse what was ticked, each in its own transaction: one that failed keeps no other."""
    form = RequestsForm()
    ticked = list(dict.fromkeys(request.form.getlist("references")))[:MOST_AT_ONCE]
    try:
        why = _reason(form, ticked)
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return _page(organisation, form, ticked=ticked), invalid.status
    chosen = {one.reference: one for one in requests.bookings_named(organisation.id, ticked)}
    if len(chosen) < len(ticked):
        raise NotFound
    failed = [not_done for reference in ticked if (not_done := _decide(chosen[reference], form.decision.data, why))]
    done = [reference for reference in ticked if reference not in {one.booking.reference for one in failed}]
    if failed:
        return _page(organisation, RequestsForm(formdata=None), done=done, failed=failed), 409
    return redirect(url_for("workspace_requests.listing", organisation_id=organisation.id, done=done), 303)


def _reason(form: RequestsForm, ticked: list[str]) -> str:
    """The reason given, once the form is whole. Raises `Invalid`."""
    problems: dict[str, Problem] = {}
    if not ticked:
        problems["references"] = Problem("none_ticked")
    if form.decision.data not in {APPROVE, REFUSE}:
        problems["decision"] = Problem("not_a_choice")
    try:
        why = read_reason(form.raw(), required=form.decision.data == REFUSE)
    except Invalid as invalid:
        problems |= invalid.fields
    if problems:
        raise Invalid(problems)
    return why


def _decide(booking: Booking, decision: object, why: str) -> NotDone | None:
    seen = request.form.get(f"seen-{booking.reference}", "")
    verb = partial(approve_booking, seen=seen) if decision == APPROVE else partial(refuse_booking, why=why)
    try:
        in_transaction(lambda: verb(booking.reference, who()))
    except Invalid as invalid:
        return NotDone(booking, " ".join(problem_sentence(problem, g.locale) for problem in invalid.fields.values()))
    except Refusal as refusal:
        said = _WHY_NOT.get(str(refusal.facts.get("status")))
        return NotDone(booking, gettext(said) if said else refusal_sentence(refusal, g.locale))
    return None


def _page(
    organisation: Organisation,
    form: RequestsForm,
    *,
    ticked: list[str] | None = None,
    done: list[str] | None = None,
    failed: list[NotDone] | None = None,
) -> str:
    now = clock.now()
    return render_template(
        "workspace/requests.html",
        organisation=organisation,
        requests=requests.requests_of(organisation.id, now),
        changes=requests.changes_of(organisation.id, now),
        done=requests.bookings_named(organisation.id, done) if done else [],
        failed=failed or [],
        form=form,
        ticked=ticked or [],
    )
