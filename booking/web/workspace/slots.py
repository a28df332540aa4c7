"""Slots as their host sees them: opening new ones, and the page of one with everybody who comes."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.actions.add_slots import add_slots
from booking.actions.slot_changes import own_pool
from booking.db import in_transaction
from booking.errors import Invalid, Refusal
from booking.i18n import _, translate
from booking.models import Event, Slot
from booking.models.booking import LIVE
from booking.models.slot_words import read_slots
from booking.permissions import Act
from booking.queries import feedback, slot_bookings, waiting_pages
from booking.queries.slot_warnings import Warned, fingerprint, warned
from booking.school_days import warning_sentence
from booking.web.authorise import may, needs, who
from booking.web.forms.booking import ActForm
from booking.web.forms.slot import SlotsForm

bp = Blueprint("workspace_slots", __name__)

_WEEKDAYS = (_("lundi"), _("mardi"), _("mercredi"), _("jeudi"), _("vendredi"), _("samedi"), _("dimanche"))
NOTES = frozenset({"moved", "met", "terms", "resized", "closed", "reopened", "cancelled", "written"})


@bp.get("/workspace/events/<int:event_id>/slots/new")
@needs(Act.RUN_SLOTS, Event)
def new(event: Event) -> str:
    """The form for one slot or a series, with what the last slot had."""
    form = SlotsForm(formdata=None)
    form.begin(max(event.slots, key=lambda slot: slot.id, default=None))
    return _form_page(event, form, None, [])


@bp.post("/workspace/events/<int:event_id>/slots/new")
@needs(Act.RUN_SLOTS, Event)
def create(event: Event) -> Response | str | tuple[str, int]:
    """Add the slots. Where a day is unusual they are only added once somebody has read why, and says so."""
    form = SlotsForm()
    raw, key = form.raw(), str(form.key.data or "")
    try:
        warnings = [] if slot_bookings.added_by_form(event.id, key) else _warnings_of(event, raw)
        if (mark := fingerprint(warnings)) and form.anyway.data != mark:
            return _form_page(event, form, None, warnings)
        in_transaction(lambda: add_slots(event.id, raw, key, who()))
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _form_page(event, form, refusal, []), refusal.status
    return redirect(url_for("workspace_events.show", event_id=event.id, note="slots"), 303)


@bp.get("/workspace/slots/<int:slot_id>")
@needs(Act.READ_EVENTS, Slot)
def show(slot: Slot) -> str:
    """One slot: when, how full, on which terms, who comes, and what can be done with it."""
    bookings = slot_bookings.not_waiting(slot.id)
    note = request.args.get("note", "")
    told = request.args.get("told", "")
    return render_template(
        "workspace/slot.html",
        organisation=slot.event.host,
        event=slot.event,
        slot=slot,
        coming=[one for one in bookings if one.status in LIVE],
        gone=[one for one in bookings if one.status not in LIVE],
        ratings=feedback.of_slot(slot) if may(Act.READ_BOOKINGS) else None,
        waiting=waiting_pages.how_many_wait(slot.id),
        resizable=own_pool(slot) is not None,
        form=ActForm(formdata=None),
        note=note if note in NOTES else "",
        told=int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0,
    )


def said_of(warning: Warned) -> list[str]:
    """The sentences about the days of one warning, in this visitor's language."""
    return [warning_sentence(one, g.locale) for one in warning.days]


def _warnings_of(event: Event, raw: dict[str, object]) -> list[Warned]:
    times = [(cast("datetime", row["starts_at"]), cast("datetime", row["ends_at"])) for row in read_slots(raw)]
    return warned(event, times)


def _form_page(event: Event, form: SlotsForm, refusal: Refusal | None, warnings: list[Warned]) -> str:
    return render_template(
        "workspace/slots_new.html",
        organisation=event.host,
        event=event,
        form=form,
        refusal=refusal,
        warnings=warnings,
        mark=fingerprint(warnings),
        said_of=said_of,
        weekday_name=lambda number: translate(g.locale, _WEEKDAYS[int(number)]),
    )
