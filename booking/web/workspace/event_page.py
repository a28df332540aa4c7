"""The page of one event in its workspace: where it stands, and what can be done with it now."""

from __future__ import annotations

from flask import render_template
from werkzeug.wrappers import Response

from booking import clock
from booking.errors import NotFound, Refusal
from booking.markdown import render_markdown
from booking.models import Event, LabelDecision
from booking.permissions import Act
from booking.queries import feedback, own_events, workspace
from booking.queries.event_choices import open_editions
from booking.queries.label_checks import checks, missing_for_label, missing_for_publication
from booking.queries.label_queue import clock_of
from booking.web.authorise import may, signed_in
from booking.web.forms.event import DuplicateForm, PictureForm
from booking.web.workspace.event_states import CHECKS, MISSING, states_of

Answer = Response | tuple[str, int]


def event_page(
    event: Event,
    refusal: Refusal | None = None,
    *,
    picture_form: PictureForm | None = None,
    duplicate_form: DuplicateForm | None = None,
) -> Answer:
    """The event's page; after a refusal it says why, with its status."""
    editions, steps = open_editions(), _steps(event)
    body = render_template(
        "workspace/event.html",
        organisation=event.host,
        event=event,
        edition=event.edition,
        refusal=refusal,
        description=render_markdown(event.description),
        missing=[MISSING[name] for name in missing_for_publication(event)],
        states=states_of(event),
        checks=checks(event),
        check_name=CHECKS.__getitem__,
        missing_name=MISSING.__getitem__,
        lacking=[MISSING[name] for name in missing_for_label(event) if name != "slots"] if steps["submit"] else [],
        steps=steps,
        answer=clock_of(event.label.requested_at, clock.now()) if event.label else None,
        taken=own_events.places_taken([event.id]).get(event.id, 0),
        bookings=own_events.bookings_to_come(event.id),
        ratings=feedback.of_event(event) if may(Act.READ_BOOKINGS) else None,
        editions=editions,
        picture_form=picture_form or _picture_form(event),
        duplicate_form=duplicate_form or DuplicateForm(formdata=None),
        can_change=can_change(event),
    )
    return body, refusal.status if refusal else 200


def can_change(event: Event) -> bool:
    """Whether this visitor may change the event: what is public belongs to those who may publish."""
    return may(Act.PUBLISH if event.is_public else Act.WRITE_EVENTS) and not event.cancelled_at and not event.edition.is_past


def fresh(event_id: int) -> Event:
    """The event as it is now: what a refused verb has read was rolled back."""
    return workspace.event(signed_in(), Act.READ_EVENTS, event_id)


def refuse_public(event: Event) -> None:
    """A public event is changed by those alone who may publish: for others the form is not there. Raises `NotFound`."""
    if event.is_public and not may(Act.PUBLISH):
        raise NotFound


def _steps(event: Event) -> dict[str, bool]:
    """Which buttons make sense now, the main one among them being the first that is true."""
    fixed = bool(event.cancelled_at) or event.edition.is_past
    label = event.label
    open_label = label is None or label.decision is LabelDecision.RETURNED
    in_time = clock.paris_day(clock.now()) <= event.edition.labels_until and event.edition.authority_id is not None
    return {
        "add_slots": not fixed and not event.slots,
        "submit": not fixed and open_label and in_time,
        "publish": not fixed and not event.is_public,
        "withdraw": not fixed and event.is_public,
        "cancel": not fixed,
    }


def _picture_form(event: Event) -> PictureForm:
    form = PictureForm(formdata=None)
    form.alt.data = event.picture.alt if event.picture else ""
    return form
