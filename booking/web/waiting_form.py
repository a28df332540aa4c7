"""The form of the waiting list: a full slot, the same questions as for a booking, and what else would do."""

from __future__ import annotations

import secrets

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from booking.actions.join_waiting_list import join_waiting_list
from booking.db import in_transaction
from booking.errors import AlreadyBooked, IdempotencyKeyReused, Invalid, NotFull, Refusal
from booking.models import Party, Slot
from booking.models.party import SCHOOL
from booking.queries import fetch
from booking.web import access
from booking.web.booking_form import list_is_open, terms_of
from booking.web.forms.waiting import WaitingForm
from booking.web.waiting import open_slots

bp = Blueprint("waiting_form", __name__)


@bp.get("/slots/<int:slot_id>/waiting/new")
def show(slot_id: int) -> str:
    """The empty form, for a class or, with `?party=person`, for a person alone."""
    slot = fetch.slot(slot_id)
    event = slot.event
    alone = bool(event.person_audiences) and (request.args.get("party") == "person" or not event.takes_classes)
    form = WaitingForm(formdata=None)
    form.key.data = secrets.token_urlsafe(16)
    form.audience.data = event.person_audiences[0].value if alone else SCHOOL
    given = request.args.get("places", "")
    form.pupils.data = given if given.isascii() and given.isdigit() and len(given) < 4 else ""
    return _page(slot, form, None if list_is_open(slot) else slot.closed_because(), 200)[0]


@bp.post("/slots/<int:slot_id>/waiting/new")
def prefill(slot_id: int) -> tuple[str, int]:
    """The form as it was filled in to book: what was typed comes along. Nothing is written yet."""
    form = WaitingForm()
    party = form.party(g.locale)
    for field in form:
        field.errors = []  # nobody has been asked yet what this form adds
    return _page(fetch.slot(slot_id), form, None, 200, party)


@bp.post("/slots/<int:slot_id>/waiting")
def create(slot_id: int) -> Response | tuple[str, int]:
    """Join the list. Sent twice, it joins once; refused, the form comes back as it was filled in."""
    form = WaitingForm()
    party = form.party(g.locale)
    if party is None:
        return _page(fetch.slot(slot_id), form, Invalid({}), 422)
    terms = terms_of(form, party, "wait")
    try:
        at_least, also = form.wish(party)
        booking = in_transaction(lambda: join_waiting_list(slot_id, party, terms, at_least, also))
    except Refusal as refusal:
        return _refused(slot_id, form, party, refusal)
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference), 303)


def form_expired(slot_id: int, refusal: Refusal) -> tuple[str, int]:
    """The form's CSRF token was too old or missing: nothing typed is lost, and one more click sends it."""
    return _page(fetch.slot(slot_id), WaitingForm(), refusal, 400)


def _refused(slot_id: int, form: WaitingForm, party: Party, refusal: Refusal) -> Response | tuple[str, int]:
    if isinstance(refusal, AlreadyBooked) and access.is_mine(str(refusal.facts["reference"])):
        return redirect(url_for("bookings.show", reference=refusal.facts["reference"], note="already"), 303)
    if isinstance(refusal, Invalid):
        form.show(refusal.fields, g.locale)
    if isinstance(refusal, IdempotencyKeyReused):
        form.key.data = secrets.token_urlsafe(16)
    return _page(fetch.slot(slot_id), form, refusal, refusal.status, party)


def _page(slot: Slot, form: WaitingForm, refusal: Refusal | None, status: int, party: Party | None = None) -> tuple[str, int]:
    alone = form.audience.data != SCHOOL
    audiences = party.comes_as if party else (frozenset() if alone else slot.class_audiences)
    left = slot.places_left(audiences).remaining
    roomy = slot if refusal is None and party and left >= slot.places_for(party) else None
    if isinstance(refusal, NotFull):
        roomy = fetch.slot(int(str(refusal.facts["slot_id"])))
    page = render_template(
        "waiting_form.html",
        slot=slot,
        event=slot.event,
        form=form,
        alone=alone,
        refusal=refusal,
        full=False,
        waits=list_is_open(slot),
        asks=list_is_open(slot) or request.method == "POST",
        others=[],
        similar=[],
        roomy=roomy,
        choices=[one for one in open_slots(slot) if one.id != slot.id],
        counts=False,
        left=left,
        left_in=lambda one: one.places_left(audiences).remaining,
        left_said="",
        token=generate_csrf(),
        proven=bool(form.email.data) and access.is_proven(str(form.email.data)),
    )
    return page, status
