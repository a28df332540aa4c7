"""What is done with a whole event: its label asked for, published, withdrawn, duplicated, cancelled."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.cancel_event import cancel_event
from booking.actions.duplicate_event import duplicate_event
from booking.actions.publish_event import publish_event
from booking.actions.submit_event import submit_event
from booking.actions.withdraw_event import withdraw_event
from booking.db import in_transaction
from booking.errors import EventFixed, Invalid, Refusal
from booking.models import Event
from booking.permissions import Act
from booking.queries import own_events
from booking.web.authorise import needs, who
from booking.web.forms.event import CancelEventForm, DuplicateForm, edition_number
from booking.web.workspace.event_page import Answer, event_page, fresh

bp = Blueprint("workspace_event_acts", __name__)


@bp.post("/workspace/events/<int:event_id>/submission")
@needs(Act.WRITE_EVENTS, Event)
def submit(event: Event) -> Answer:
    """Ask for the label."""
    return _act(event, lambda: submit_event(event.id, who()), "submitted")


@bp.post("/workspace/events/<int:event_id>/publication")
@needs(Act.PUBLISH, Event)
def publish(event: Event) -> Answer:
    """Put it on the programme."""
    return _act(event, lambda: publish_event(event.id, who()), "published")


@bp.post("/workspace/events/<int:event_id>/withdrawal")
@needs(Act.PUBLISH, Event)
def withdraw(event: Event) -> Answer:
    """Take it off the programme."""
    return _act(event, lambda: withdraw_event(event.id, who()), "withdrawn")


@bp.post("/workspace/events/<int:event_id>/copies")
@needs(Act.WRITE_EVENTS, Event)
def duplicate(event: Event) -> Answer:
    """Duplicate it to an edition to come; the copy is a draft to be gone through."""
    form = DuplicateForm()
    try:
        copy = in_transaction(lambda: duplicate_event(event.id, edition_number(form), who()))
    except Invalid as refusal:
        form.show(refusal.fields, g.locale)
        return event_page(event, refusal, duplicate_form=form)
    return redirect(url_for("workspace_events.edit", event_id=copy.id, note="duplicated"), 303)


@bp.get("/workspace/events/<int:event_id>/cancellation")
@needs(Act.PUBLISH, Event)
def ask_to_cancel(event: Event) -> Answer:
    """What cancelling means, before it is done."""
    return _cancellation(event, CancelEventForm(formdata=None), EventFixed("cancelled") if event.cancelled_at else None)


@bp.post("/workspace/events/<int:event_id>/cancellation")
@needs(Act.PUBLISH, Event)
def cancel(event: Event) -> Answer:
    """Cancel the event and all its slots to come, and tell everybody."""
    form = CancelEventForm()
    try:
        in_transaction(lambda: cancel_event(event.id, form.why.data or "", who()))
    except Invalid as refusal:
        form.show(refusal.fields, g.locale)
        return _cancellation(event, form, None, 422)
    except EventFixed as refusal:
        return _cancellation(event, form, refusal, refusal.status)
    return _shown(event, "cancelled")


def _act(event: Event, work: Callable[[], Event], note: str) -> Answer:
    try:
        in_transaction(work)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return event_page(fresh(event.id), refusal)
    return _shown(event, note)


def _shown(event: Event, note: str) -> Response:
    return redirect(url_for("workspace_events.show", event_id=event.id, note=note), 303)


def _cancellation(event: Event, form: CancelEventForm, refusal: Refusal | None, status: int = 200) -> Answer:
    body = render_template(
        "workspace/event_cancel.html",
        organisation=event.host,
        event=event,
        form=form,
        refusal=refusal,
        bookings=own_events.bookings_to_come(event.id),
        slots=[slot for slot in event.slots if not slot.cancelled_at and slot.starts_at > clock.now()],
    )
    return body, status
