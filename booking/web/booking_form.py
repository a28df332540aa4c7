"""The booking form: what is asked before places are taken, and what happens when they are not."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, g, get_template_attribute, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.wrappers import Response

from booking.actions.book_places import Terms, book_places
from booking.actions.limits import Limiter
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import AlreadyBooked, IdempotencyKeyReused, Invalid, Refusal, SlotFull
from booking.models import Party, Slot
from booking.models.party import SCHOOL
from booking.queries import catalogue, event_page, fetch
from booking.web import access
from booking.web.forms.booking import BookingForm
from booking.web.kept import kept_pages
from booking.web.templating import ngettext

bp = Blueprint("booking_form", __name__)

_TOKEN, _KEY, _GAUGE, _LEFT, _LEFT_SAID = (f"put-here-{n}-{secrets.token_hex(8)}" for n in range(5))
Marks = Mapping[str, object]
_MARKS = re.compile("|".join((_TOKEN, _KEY, _GAUGE, _LEFT, _LEFT_SAID)))


@bp.get("/slots/<int:slot_id>/bookings/new")
def show(slot_id: int) -> str:
    """The form for a class or, with `?party=person` or where no class is admitted, for a person alone.

    The empty form differs between two visitors in two hidden fields, and between two moments in the places left. It is
    kept like an event's page, and these are written into the copy each visitor gets.
    """
    stamp, places = event_page.stamp_of_slot(slot_id)
    asked = (request.args.get("party") == "person", _asked_places())
    if places.remaining and request.args.keys() <= {"party", "places"}:
        page = kept_pages().get(("form", slot_id, g.locale, *asked), stamp, lambda: _empty_form(slot_id, *asked))
    else:
        page = _empty_form(slot_id, *asked)[0]
    here = {
        _GAUGE: str(get_template_attribute("_parts.html", "gauge_of")(*places)),
        _LEFT: str(places.remaining),
        _LEFT_SAID: ngettext("%(num)s place libre", "%(num)s places libres", places.remaining) % {"num": places.remaining},
        _TOKEN: generate_csrf(),
        _KEY: secrets.token_urlsafe(16),
    }
    return _MARKS.sub(lambda mark: here[mark[0]], page)


def _asked_places() -> str:
    given = request.args.get("places", "")
    return given if given.isascii() and given.isdigit() and len(given) < 4 else ""


def _empty_form(slot_id: int, as_person: bool, places: str) -> tuple[str, bool]:
    """The form nobody has written into, and whether it may be kept: a full slot's shows other events."""
    slot = fetch.slot(slot_id)
    event = slot.event
    alone = bool(event.person_audiences) and (as_person or not event.takes_classes)
    form = BookingForm(formdata=None)
    form.key.data = _KEY
    form.audience.data = event.person_audiences[0].value if alone else SCHOOL
    form.pupils.data = places
    full = SlotFull(remaining=0, wanted=1) if slot.remaining == 0 else None
    marks: Marks = (
        {
            "token": _TOKEN,
            "gauge_here": Markup(_GAUGE),  # noqa: S704 - our own mark
            "left": _LEFT,
            "left_said": _LEFT_SAID,
        }
        if full is None
        else {}
    )
    return _page(slot, form, slot.closed_because() or full, 200, marks=marks)[0], full is None


@bp.post("/slots/<int:slot_id>/bookings")
def create(slot_id: int) -> Response | tuple[str, int]:
    """Book. Sent twice, it books once; refused, the form comes back as it was filled in."""
    form = BookingForm()
    party = form.party(g.locale)
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
        own_address=settings().sender_address,
    )


def _refused(slot_id: int, form: BookingForm, party: Party, refusal: Refusal) -> Response | tuple[str, int]:
    if isinstance(refusal, AlreadyBooked) and access.is_mine(str(refusal.facts["reference"])):
        return redirect(url_for("bookings.show", reference=refusal.facts["reference"], note="already"), 303)
    if isinstance(refusal, Invalid):
        form.show(refusal.fields, g.locale)
    if isinstance(refusal, IdempotencyKeyReused):
        form.key.data = secrets.token_urlsafe(16)
    return _page(fetch.slot(slot_id), form, refusal, refusal.status, party)


def _page(
    slot: Slot, form: BookingForm, refusal: Refusal | None, status: int, party: Party | None = None, marks: Marks | None = None
) -> tuple[str, int]:
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
        similar=catalogue.similar(slot.event, wanted) if full and not others else [],
        **(marks or _told_now(slot)),
        hold_minutes=settings().hold_minutes,
        proven=bool(form.email.data) and access.is_proven(str(form.email.data)),
    )
    return page, status


def _told_now(slot: Slot) -> Marks:
    left = slot.remaining
    said = ngettext("%(num)s place libre", "%(num)s places libres", left) % {"num": left}
    return {"token": generate_csrf(), "left": left, "left_said": said}
