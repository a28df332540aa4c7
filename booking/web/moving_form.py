"""The form of a class that books two slots at once, because neither has room for all of it."""

from __future__ import annotations

import secrets

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.book_split import book_split
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import AlreadyBooked, ClassBooked, IdempotencyKeyReused, Invalid, Refusal
from booking.models import Party, Slot
from booking.queries import fetch, other_slots
from booking.web import access
from booking.web.booking_form import terms_of
from booking.web.forms.moving import BookSplitForm

bp = Blueprint("moving_form", __name__)


@bp.post("/slots/<int:slot_id>/bookings/split/new")
def prefill(slot_id: int) -> tuple[str, int]:
    """The form as it was filled in to book one slot, with two halves that fit. Nothing is booked yet."""
    form = BookSplitForm()
    party = form.party(g.locale)
    slot = fetch.slot(slot_id)
    if party and not form.second_slot.data:
        ways = other_slots.to_book_over(slot, party, clock.now())
        if ways:
            form.suggest(ways[0])
            form.adults.data = str(ways[0].first.adults + ways[0].second.adults)
    return _page(slot, form, None, 200, party)


@bp.post("/slots/<int:slot_id>/bookings/split")
def create(slot_id: int) -> Response | tuple[str, int]:
    """Book both halves or neither. Sent twice, it books once; refused, the form comes back as it was filled in."""
    form = BookSplitForm()
    party = form.party(g.locale)
    if party is None:
        return _page(fetch.slot(slot_id), form, Invalid({}), 422)
    terms = terms_of(form, party, "split")
    try:
        parts = form.parts(slot_id, party)
        halves = in_transaction(lambda: book_split(party, parts, terms))
    except Refusal as refusal:
        return _refused(slot_id, form, party, refusal)
    access.remember(halves[0])
    return redirect(url_for("bookings.show", reference=halves[0].reference), 303)


def form_expired(slot_id: int, refusal: Refusal) -> tuple[str, int]:
    """The form's CSRF token was too old or missing: nothing typed is lost, and one more click sends it."""
    return _page(fetch.slot(slot_id), BookSplitForm(), refusal, 400)


def _refused(slot_id: int, form: BookSplitForm, party: Party, refusal: Refusal) -> Response | tuple[str, int]:
    if isinstance(refusal, AlreadyBooked | ClassBooked) and access.is_mine(str(refusal.facts["reference"])):
        return redirect(url_for("bookings.show", reference=refusal.facts["reference"], note="already"), 303)
    if isinstance(refusal, Invalid):
        form.show(refusal.fields, g.locale)
    if isinstance(refusal, IdempotencyKeyReused):
        form.key.data = secrets.token_urlsafe(16)
    return _page(fetch.slot(slot_id), form, refusal, refusal.status, party)


def _page(slot: Slot, form: BookSplitForm, refusal: Refusal | None, status: int, party: Party | None = None) -> tuple[str, int]:
    now = clock.now()
    page = render_template(
        "moving_form.html",
        slot=slot,
        event=slot.event,
        form=form,
        alone=False,
        asks=True,
        refusal=refusal,
        full=False,
        waits=False,
        others=[],
        similar=[],
        ways=other_slots.to_book_over(slot, party, now) if party else [],
        token=generate_csrf(),
        left=slot.remaining,
        left_said="",
        hold_minutes=settings().hold_minutes,
        proven=bool(form.email.data) and access.is_proven(str(form.email.data)),
        posted=request.endpoint == "moving_form.create",
    )
    return page, status
