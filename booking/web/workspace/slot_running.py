"""Running a slot: each thing a host can do has a small page of its own. GET shows the form, POST acts."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.cancel_slot import cancel_slot
from booking.actions.close_slot import close_slot
from booking.actions.edit_slot import edit_slot
from booking.actions.move_meeting_point import move_meeting_point
from booking.actions.move_slot import move_slot
from booking.actions.reopen_slot import reopen_slot
from booking.actions.set_capacity import set_capacity
from booking.actions.slot_changes import own_pool
from booking.actions.write_to_bookers import LONGEST_LETTER, write_to_bookers
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Refusal, SlotChanged
from booking.models import Booking, Slot, Status
from booking.models.reason import read_reason
from booking.models.slot_words import read_time
from booking.permissions import Act
from booking.queries import slot_bookings
from booking.queries.slot_warnings import Warned, fingerprint, warned
from booking.web.authorise import may, needs, who
from booking.web.forms.booking import ActForm, HouseForm
from booking.web.forms.slot import (
    CapacityForm,
    LetterForm,
    MeetingForm,
    MoveForm,
    ReopeningForm,
    SlotCancellationForm,
    TermsForm,
)
from booking.web.workspace.slots import said_of

bp = Blueprint("slot_running", __name__)

_TELL = frozenset({"moved", "met", "cancelled", "written"})
"""What people are told of; the verb answers how many."""
Answer = Response | str | tuple[str, int]


@bp.get("/workspace/slots/<int:slot_id>/time")
@needs(Act.RUN_SLOTS, Slot)
def ask_time(slot: Slot) -> str:
    """Another day or time."""
    form = MoveForm(formdata=None)
    form.fill(slot)
    return _page("time", slot, form, warnings=[], mark="")


@bp.post("/workspace/slots/<int:slot_id>/time")
@needs(Act.RUN_SLOTS, Slot)
def set_time(slot: Slot) -> Answer:
    """Move the slot; where the new day is unusual, only once somebody has read why."""
    form = MoveForm()
    raw = form.raw()
    warnings = _warnings_of(slot, raw)
    if (mark := fingerprint(warnings)) and form.anyway.data != mark:
        return _page("time", slot, form, warnings=warnings, mark=mark)
    move = partial(move_slot, slot.id, raw, who=who())
    return _acted("time", slot, form, lambda: move(why=read_reason(raw, required=False)), "moved", warnings=[], mark="")


@bp.get("/workspace/slots/<int:slot_id>/place")
@needs(Act.RUN_SLOTS, Slot)
def ask_place(slot: Slot) -> str:
    """Another meeting point."""
    form = MeetingForm(formdata=None)
    form.fill(slot)
    return _page("place", slot, form)


@bp.post("/workspace/slots/<int:slot_id>/place")
@needs(Act.RUN_SLOTS, Slot)
def set_place(slot: Slot) -> Answer:
    """Let the slot meet elsewhere, or earlier before it begins."""
    form = MeetingForm()
    raw = form.raw()
    move = partial(move_meeting_point, slot.id, raw, who=who())
    return _acted("place", slot, form, lambda: move(why=read_reason(raw, required=False)), "met")


@bp.get("/workspace/slots/<int:slot_id>/capacity")
@needs(Act.RUN_SLOTS, Slot)
def ask_capacity(slot: Slot) -> str:
    """How many may come; `?capacity=40` proposes that number."""
    pool = own_pool(slot)
    if pool is None:
        raise NotFound
    form = CapacityForm(formdata=None)
    form.capacity.data = request.args.get("capacity", "")[:20] or str(pool.capacity)
    return _page("capacity", slot, form, pool=pool)


@bp.post("/workspace/slots/<int:slot_id>/capacity")
@needs(Act.RUN_SLOTS, Slot)
def resize(slot: Slot) -> Answer:
    """Raise or lower the number of places."""
    form = CapacityForm()
    raw = form.raw()
    resized = partial(set_capacity, slot.id, raw, who())
    return _acted("capacity", slot, form, resized, "resized", pool=own_pool(slot), holders=lambda: _holders(slot))


@bp.get("/workspace/slots/<int:slot_id>/terms")
@needs(Act.RUN_SLOTS, Slot)
def ask_terms(slot: Slot) -> str:
    """Who may book, and until when."""
    form = TermsForm(formdata=None)
    form.fill(slot)
    return _page("terms", slot, form)


@bp.post("/workspace/slots/<int:slot_id>/terms")
@needs(Act.RUN_SLOTS, Slot)
def set_terms(slot: Slot) -> Answer:
    """Change the terms; whoever began with an older version is told, and overwrites nothing."""
    form = TermsForm()
    raw, given = form.raw(), str(form.version.data or "")
    version = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    return _acted("terms", slot, form, lambda: edit_slot(slot.id, raw, version, who()), "terms")


@bp.post("/workspace/slots/<int:slot_id>/closing")
@needs(Act.RUN_SLOTS, Slot)
def close(slot: Slot) -> Response:
    """Let nobody book any more."""
    in_transaction(lambda: close_slot(slot.id, who()))
    return _back(slot, "closed")


@bp.get("/workspace/slots/<int:slot_id>/opening")
@needs(Act.RUN_SLOTS, Slot)
def ask_opening(slot: Slot) -> str:
    """Until when bookings are open again."""
    form = ReopeningForm(formdata=None)
    form.closes_at.data = f"{clock.in_paris(slot.starts_at):%Y-%m-%dT%H:%M}"
    return _page("opening", slot, form)


@bp.post("/workspace/slots/<int:slot_id>/opening")
@needs(Act.RUN_SLOTS, Slot)
def reopen(slot: Slot) -> Answer:
    """Open the bookings again."""
    form = ReopeningForm()
    raw = form.raw()
    return _acted("opening", slot, form, lambda: reopen_slot(slot.id, raw, who()), "reopened")


@bp.get("/workspace/slots/<int:slot_id>/cancellation")
@needs(Act.RUN_SLOTS, Slot)
def ask_cancellation(slot: Slot) -> str:
    """Whether to cancel really: how many are told, and why."""
    return _page("cancellation", slot, SlotCancellationForm(formdata=None), told=len(slot_bookings.to_come(slot.id)))


@bp.post("/workspace/slots/<int:slot_id>/cancellation")
@needs(Act.RUN_SLOTS, Slot)
def cancel_all(slot: Slot) -> Answer:
    """Cancel the slot with all its bookings."""
    form = SlotCancellationForm()
    raw = form.raw()
    told = len(slot_bookings.to_come(slot.id))
    cancel = partial(cancel_slot, slot.id, who=who())
    return _acted("cancellation", slot, form, lambda: cancel(why=read_reason(raw, required=True)), "cancelled", told=told)


@bp.get("/workspace/slots/<int:slot_id>/letter")
@needs(Act.RUN_SLOTS, Slot)
def ask_letter(slot: Slot) -> str:
    """A letter to everybody who has booked."""
    form = LetterForm(formdata=None)
    form.key.data = secrets.token_urlsafe(16)
    return _page("letter", slot, form, told=_confirmed(slot), longest=LONGEST_LETTER)


@bp.post("/workspace/slots/<int:slot_id>/letter")
@needs(Act.RUN_SLOTS, Slot)
def write(slot: Slot) -> Answer:
    """Send the letter, once."""
    form = LetterForm()
    text, key = str(form.letter.data or ""), str(form.key.data or "")[:64]
    send = partial(write_to_bookers, slot.id, text, key, who())
    return _acted("letter", slot, form, send, "written", told=_confirmed(slot), longest=LONGEST_LETTER)


def _warnings_of(slot: Slot, raw: dict[str, object]) -> list[Warned]:
    """What to say about the time a slot moves to; nothing where it cannot move there, which the verb says."""
    try:
        times = read_time(raw)
    except Invalid:
        return []
    moves = times != (slot.starts_at, slot.ends_at) and not slot.cancelled_at and times[0] > clock.now() < slot.starts_at
    return warned(slot.event, [times], slot) if moves else []


def _acted(what: str, slot: Slot, form: HouseForm, act: Callable[[], Any], note: str, **facts: object) -> Answer:
    """Do it and go back to the slot; refused, the page comes back as it was filled in, with why."""
    try:
        done = in_transaction(act)
    except NotFound:
        raise
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        if isinstance(refusal, SlotChanged) and isinstance(form, TermsForm):
            form.version.data = str(slot.version)  # sent once more, it is meant
        return _page(what, slot, form, refusal=refusal, **facts), refusal.status
    return _back(slot, note, done if note in _TELL else 0)


def _back(slot: Slot, note: str, told: int = 0) -> Response:
    if not may(Act.READ_EVENTS):
        return redirect(url_for("workspace_events.show", event_id=slot.event_id), 303)
    return redirect(url_for("workspace_slots.show", slot_id=slot.id, note=note, told=told or None), 303)


def _page(what: str, slot: Slot, form: HouseForm, *, refusal: Refusal | None = None, **facts: object) -> str:
    return render_template(
        f"workspace/slot_{what}.html",
        organisation=slot.event.host,
        event=slot.event,
        slot=slot,
        form=form,
        act=ActForm(formdata=None),
        refusal=refusal,
        said_of=said_of,
        **facts,
    )


def _holders(slot: Slot) -> dict[str, Booking]:
    """By its reference, each booking that holds places here."""
    return {booking.reference: booking for booking in slot_bookings.live(slot.id)}


def _confirmed(slot: Slot) -> int:
    return sum(booking.status is not Status.HELD for booking in slot_bookings.live(slot.id))
