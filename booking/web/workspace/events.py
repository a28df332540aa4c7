"""The events of an organisation: the list, one event's page, and writing them."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from booking.actions.write_event import create_event, write_event
from booking.db import in_transaction
from booking.errors import EditConflict, EventFixed, Invalid
from booking.models import Event, Organisation
from booking.permissions import Act
from booking.queries import own_events
from booking.web.authorise import may, needs, who
from booking.web.forms.event import EventForm
from booking.web.workspace.event_form import form_page, overtaken, prefill
from booking.web.workspace.event_page import Answer, can_change, event_page, fresh, refuse_public
from booking.web.workspace.event_states import states_of

bp = Blueprint("workspace_events", __name__)


@bp.get("/workspace/organisations/<int:organisation_id>/events")
@needs(Act.READ_EVENTS, Organisation)
def listing(organisation: Organisation) -> str:
    """Every event, this edition's first: its three states, when it is next, how many places are taken."""
    rows = own_events.listed(organisation.id)
    return render_template(
        "workspace/events.html",
        organisation=organisation,
        coming=[row for row in rows if not row.event.edition.is_past],
        past=[row for row in rows if row.event.edition.is_past],
        states_of=states_of,
        can_write=may(Act.WRITE_EVENTS),
    )


@bp.get("/workspace/events/<int:event_id>")
@needs(Act.READ_EVENTS, Event)
def show(event: Event) -> Answer:
    """Where the event stands, what the authority said, the slots, and what can be done now."""
    return event_page(event)


@bp.get("/workspace/organisations/<int:organisation_id>/events/new")
@needs(Act.WRITE_EVENTS, Organisation)
def new(organisation: Organisation) -> Answer:
    """An empty form, with everything in it that is known already."""
    form = EventForm(formdata=None)
    prefill(form, organisation)
    return form_page(organisation, None, form)


@bp.post("/workspace/organisations/<int:organisation_id>/events/new")
@needs(Act.WRITE_EVENTS, Organisation)
def create(organisation: Organisation) -> Answer:
    """Save a new draft; its title alone is needed."""
    form = EventForm()
    if "preview" in request.form:
        return form_page(organisation, None, form, preview=True)
    try:
        values = form.values()
        event = in_transaction(lambda: create_event(organisation.id, values, who()))
    except Invalid as refusal:
        form.show(refusal.fields, g.locale)
        return form_page(organisation, None, form, refusal)
    return redirect(url_for("workspace_events.show", event_id=event.id, note="written"), 303)


@bp.get("/workspace/events/<int:event_id>/edit")
@needs(Act.WRITE_EVENTS, Event)
def edit(event: Event) -> Answer:
    """The event's words, to be changed."""
    if not can_change(event):
        return redirect(url_for("workspace_events.show", event_id=event.id), 303)
    form = EventForm(formdata=None)
    form.fill(event)
    return form_page(event.host, event, form)


@bp.post("/workspace/events/<int:event_id>/edit")
@needs(Act.WRITE_EVENTS, Event)
def save(event: Event) -> Answer:
    """Save other words for an event. Whoever was overtaken sees the difference, and saves again knowingly."""
    form = EventForm()
    refuse_public(event)
    if "preview" in request.form:
        return form_page(event.host, event, form, preview=True)
    try:
        values = form.values()
        in_transaction(lambda: write_event(event.id, values, _version(form), who()))
    except EditConflict as refusal:
        return overtaken(fresh(event.id), form, values, refusal)
    except Invalid as refusal:
        form.show(refusal.fields, g.locale)
        now = fresh(event.id)
        return form_page(now.host, now, form, refusal)
    except EventFixed as refusal:
        return event_page(fresh(event.id), refusal)
    return redirect(url_for("workspace_events.show", event_id=event.id, note="written"), 303)


def _version(form: EventForm) -> int:
    given = form.version.data or ""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
