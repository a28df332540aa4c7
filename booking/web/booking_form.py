"""The booking form: what is asked before places are taken, and what happens when they are not."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.actions.book_places import Terms, book_places
from booking.actions.limits import Limiter
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import AlreadyBooked, IdempotencyKeyReused, Invalid, Refusal, SlotFull
from booking.models import Party, Slot
from booking.models.party import SCHOOL
from booking.queries import catalogue, fetch
from booking.web import access
from booking.web.forms.booking import BookingForm

bp = Blueprint("booking_form", __name__)


@bp.get("/slots/<int:slot_id>/bookings/new")
def show(slot_id: int) -> tuple[str, int]:
    """The form for a class or, with `?party=person` or where no class is admitted, for a person alone."""
    slot = fetch.slot(slot_id)
    event = slot.event
    alone = bool(event.person_audiences) and (request.args.get("party") == "person" or not event.takes_classes)
    form = BookingForm(formdata=None)
    form.key.data = secrets.token_urlsafe(16)
    form.audience.data = event.person_audiences[0].value if alone else SCHOOL
    pupils = request.args.get("places", "")
    form.pupils.data = pupils if pupils.isdigit() and len(pupils) < 4 else ""
    closed = slot.closed_because()
    if closed is None and slot.remaining == 0:
        closed_or_full: Refusal | None = SlotFull(remaining=0, wanted=1)
    else:
        closed_or_full = closed
    return _page(slot, form, closed_or_full, 200)


@bp.post("/slots/<int:slot_id>/bookings")
def create(slot_id: int) -> Response | tuple[str, int]:
    """Book. Sent twice, it books once; refused, the form comes back as it was filled in."""
    form = BookingForm()
    party = form.party(g.locale, settings().sender_address)
    if party is None:
        return _page(fetch.slot(slot_id), form, Invalid({}), 422)
    terms = _terms(form, party)
    try:
        booking = in_transaction(lambda: book_places(slot_id, party, terms))
    except Refusal as refusal:
        return _refused(slot_id, form, party, refusal)
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference), 303)


def form_expired(slot_id: int, refusal: Refusal) -> tuple[str, int]:
    """The form's CSRF token was too old or missing: nothing typed is lost, and one more click sends it."""
    return _page(fetch.slot(slot_id), BookingForm(), refusal, 400)


def _terms(form: BookingForm, party: Party) -> Terms:
    return Terms(
        key=f"form:{form.key.data or secrets.token_urlsafe(16)}",
        locale=g.locale,
        limiter=Limiter(settings().secret_key, request.remote_addr or "", settings().rate_limits),
        proven=access.is_proven(party.email),
        hold_for=timedelta(minutes=settings().hold_minutes),
    )


def _refused(slot_id: int, form: BookingForm, party: Party, refusal: Refusal) -> Response | tuple[str, int]:
    if isinstance(refusal, AlreadyBooked) and access.is_mine(str(refusal.facts["reference"])):
        return redirect(url_for("bookings.show", reference=refusal.facts["reference"], note="already"), 303)
    if isinstance(refusal, Invalid):
        form.show(refusal.fields, g.locale)
    if isinstance(refusal, IdempotencyKeyReused):
        form.key.data = secrets.token_urlsafe(16)
    return _page(fetch.slot(slot_id), form, refusal, refusal.status, party)


def _page(slot: Slot, form: BookingForm, refusal: Refusal | None, status: int, party: Party | None = None) -> tuple[str, int]:
    """The form, with what was typed, and where there is no way here, the ways there are."""
    full = isinstance(refusal, SlotFull)
    wanted = slot.places_for(party) if party else 1
    others = (
        [other for other in fetch.open_slots_of(slot.event_id, wanted) if other.id != slot.id]
        if full or slot.closed_because()
        else []
    )
    page = render_template(
        "booking_form.html",
        slot=slot,
        event=slot.event,
        form=form,
        alone=form.audience.data != SCHOOL,
        refusal=refusal,
        full=full,
        others=others,
        similar=catalogue.similar(slot.event, wanted) if full else [],
        hold_minutes=settings().hold_minutes,
        proven=bool(form.email.data) and access.is_proven(str(form.email.data)),
    )
    return page, status
