"""The form of an event: what is known already, its preview, and what another person has written meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flask import g, render_template
from werkzeug.wrappers import Response

from booking.actions.write_event import may_change_edition
from booking.errors import EditConflict, Refusal
from booking.i18n import _
from booking.markdown import render_markdown
from booking.models import Audience, Edition, Event, EventType, HostMails, Organisation
from booking.models.event import AccessKind
from booking.models.party import LEVELS
from booking.queries import own_events
from booking.queries.event_choices import open_editions, possible_parents
from booking.queries.event_history import FIELDS, as_recorded
from booking.web.authorise import signed_in
from booking.web.forms.event import EventForm, as_typed
from booking.web.history_words import value_said

Answer = Response | tuple[str, int]
_FROM_LAST_EVENT = (
    "place_name", "address", "postcode", "commune", "latitude", "longitude", "meeting_point", "access_info", "contact_phone",
    "more_contacts", "host_mails", "closed_shoes", "identity_needed", "outdoors",
    "equipment", "accessible_for", "accessibility_note",
)  # fmt: skip
"""What is true of a place is true of its next event."""
_WHOLE = frozenset({"description", "partners", "more_contacts"})
"""Texts shown as they are, line by line, when somebody else has changed them."""

_TAKEN, _YOURS, _SAME = _("repris, vous n’y aviez pas touché"), _("votre texte, qui le remplacera"), _("la même chose")


class Difference(NamedTuple):
    """One field that somebody else has changed: what it was, what it is now, and what stands in the form."""

    name: str
    label: str
    before: str
    now: str
    kept: str
    """What stands in the form: a message."""


def prefill(form: EventForm, organisation: Organisation) -> None:
    """Nobody is asked twice for what is known: the place from the last event, the address from the account."""
    form.host_mails.data = HostMails.DIGEST.value
    last = own_events.last_event(organisation.id)
    if last is not None:
        for name in _FROM_LAST_EVENT:
            form[name].data = as_typed(name, getattr(last, name))
    form.commune.data = form.commune.data or organisation.commune
    form.contact_email.data = signed_in().account.email
    form.type.data = EventType.COMPANY_VISIT.value
    form.free.data = form.one_per_class.data = "1"
    form.host_answer_hours.data, form.head_answer_days.data = "72", "7"
    form.edition_id.data = next((str(edition.id) for edition in open_editions()), "")


def overtaken(event: Event, form: EventForm, values: Mapping[str, object], refusal: EditConflict) -> Answer:
    """The form as it was typed, with what somebody else has changed beside it, and the version of now.

    A field the writer had left as it was takes the other's words: keeping it would undo them unseen.
    """
    differences = []
    for name, (before, now) in refusal.changes.items():
        plain = as_recorded(values.get(name))
        kept = _SAME if plain == now else _YOURS
        if name in FIELDS and plain == before:
            form[name].data, kept = as_typed(name, getattr(event, name)), _TAKEN
        said = [_said(name, value) for value in (before, now)]
        differences.append(Difference(name, str(form[name].label.text), said[0], said[1], kept))
    form.version.data = str(refusal.version)
    return form_page(event.host, event, form, refusal, differences=differences)


def _said(name: str, value: object) -> str:
    return str(value or "—") if name in _WHOLE else value_said(name, value, g.locale)


def form_page(
    organisation: Organisation,
    event: Event | None,
    form: EventForm,
    refusal: Refusal | None = None,
    *,
    preview: bool = False,
    differences: Sequence[Difference] = (),
) -> Answer:
    """The form, as it is filled in; after a refusal with what is wrong and its status."""
    editions = open_editions()
    body = render_template(
        "workspace/event_form.html",
        organisation=organisation,
        event=event,
        form=form,
        refusal=refusal,
        differences=differences,
        preview=render_markdown(form.description.data or "") if preview else None,
        editions=editions if event is None or may_change_edition(event) else [],
        parents=_parents(organisation, event, editions),
        types=[word.value for word in EventType],
        audiences=[word.value for word in Audience],
        levels=LEVELS,
        access_kinds=[word.value for word in AccessKind],
    )
    return body, refusal.status if refusal else 200


def _parents(organisation: Organisation, event: Event | None, editions: Sequence[Edition]) -> dict[str, list[Event]]:
    """The events it may take place in, by the name of their edition."""
    around = editions if event is None or may_change_edition(event) else [event.edition]
    number = event.id if event else None
    found = {edition.name: possible_parents(organisation.id, edition.id, number) for edition in around}
    return {name: events for name, events in found.items() if events}
