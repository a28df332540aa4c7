"""The booking form: what is asked before places are taken, and what happens when they are not."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta

from flask import Blueprint, g, get_template_attribute, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.book_places import Terms, book_places
from booking.actions.waiting_ends import list_ends_at
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import AlreadyBooked, ClassBooked, IdempotencyKeyReused, Invalid, PriorityOnly, Refusal, SlotFull
from booking.models import Audience, Party, Slot
from booking.models.event import SCHOOL_AUDIENCES
from booking.models.party import LEVELS, SCHOOL
from booking.queries import catalogue, event_page, fetch, other_slots
from booking.web import access
from booking.web.forms.booking import BookingForm
from booking.web.kept import kept_pages
from booking.web.places_left import PlacesLeft, places_left, places_left_on
from booking.wording import refusal_sentence

bp = Blueprint("booking_form", __name__)

_TOKEN, _KEY, _GAUGE, _LEFT, _LEFT_SAID = (f"put-here-{n}-{secrets.token_hex(8)}" for n in range(5))
_BESIDE = {word: f"put-beside-{n}-{secrets.token_hex(8)}" for n, word in enumerate((*(a.value for a in Audience), *LEVELS))}
Marks = Mapping[str, object]
_MARKS = re.compile("|".join((_TOKEN, _KEY, _GAUGE, _LEFT, _LEFT_SAID, *_BESIDE.values())))


@bp.get("/slots/<int:slot_id>/bookings/new")
def show(slot_id: int) -> str:
    """The form for a class or, with `?party=person` or where no class is admitted, for a person alone.

    The empty form differs between two visitors in two hidden fields, and between two moments in the places left. It is
    kept like an event's page, and these are written into the copy each visitor gets.
    """
    stamp, pools, audiences, levels = event_page.stamp_of_slot(slot_id)
    asked = (request.args.get("party") == "person", _asked_places())
    alone = _comes_alone(audiences, asked[0])
    left = places_left(pools, audiences, levels, clock.now(), alone=alone)
    if left.most and request.args.keys() <= {"party", "places"}:
        page = kept_pages().get(("form", slot_id, g.locale, *asked), stamp, lambda: _empty_form(slot_id, *asked))
    else:
        page = _empty_form(slot_id, *asked)[0]
    here = {
        _GAUGE: str(_gauge(left)),
        _LEFT: str(left.most),
        _LEFT_SAID: left.said,
        **{mark: left.beside(word) for word, mark in _BESIDE.items()},
        _TOKEN: generate_csrf(),
        _KEY: secrets.token_urlsafe(16),
    }
    return _MARKS.sub(lambda mark: here[mark[0]], page)


def _comes_alone(audiences: Iterable[str], as_person: bool) -> bool:
    """Whether the form is for a person: the visitor says so, or no class is admitted; where persons are admitted at all."""
    schools = set(audiences) & SCHOOL_AUDIENCES
    return bool(set(audiences) - SCHOOL_AUDIENCES) and (as_person or not schools)


def _gauge(left: PlacesLeft) -> Markup:
    places, reserved = left.gauge
    drawn: Markup = get_template_attribute("_parts.html", "gauge_of")(*places, reserved=reserved)
    return drawn


def _asked_places() -> str:
    given = request.args.get("places", "")
    return given if given.isascii() and given.isdigit() and len(given) < 4 else ""


def _empty_form(slot_id: int, as_person: bool, places: str) -> tuple[str, bool]:
    """The form nobody has written into, and whether it may be kept: a full slot's shows other events."""
    slot = fetch.slot(slot_id)
    event = slot.event
    alone = _comes_alone(event.audiences, as_person)
    form = BookingForm(formdata=None)
    form.key.data = _KEY
    form.audience.data = event.person_audiences[0].value if alone else SCHOOL
    form.pupils.data = places
    room = places_left_on(slot, alone=alone).most
    full = SlotFull(remaining=0, wanted=1) if room == 0 else None
    marks: Marks = (
        {
            "token": _TOKEN,
            "gauge_here": Markup(_GAUGE),  # noqa: S704 - our own mark
            "left": _LEFT,
            "left_said": _LEFT_SAID,
            "beside": _BESIDE.__getitem__,
        }
        if full is None
        else {}
    )
    return _page(slot, form, slot.closed_because() or full, 200, marks=marks)[0], full is None


@bp.post("/slots/<int:slot_id>/bookings/new")
def prefill(slot_id: int) -> tuple[str, int]:
    """The form as it was filled in elsewhere: who meant to wait, and can come now. Nothing is booked yet."""
    return _page(fetch.slot(slot_id), BookingForm(), None, 200)


@bp.post("/slots/<int:slot_id>/bookings")
def create(slot_id: int) -> Response | tuple[str, int]:
    """Book. Sent twice, it books once; refused, the form comes back as it was filled in."""
    form = BookingForm()
    party = form.party(g.locale)
    if party is None:
        return _page(fetch.slot(slot_id), form, Invalid({}), 422)
    terms = terms_of(form, party)
    try:
        booking = in_transaction(lambda: book_places(slot_id, party, terms))
    except Refusal as refusal:
        return _refused(slot_id, form, party, refusal)
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference), 303)


def form_expired(slot_id: int, refusal: Refusal) -> tuple[str, int]:
    """The form's CSRF token was too old or missing: nothing typed is lost, and one more click sends it."""
    return _page(fetch.slot(slot_id), BookingForm(), refusal, 400)


def list_is_open(slot: Slot) -> bool:
    """Whether somebody could wait for this slot now, were it full."""
    return slot.closed_because() is None and clock.now() < list_ends_at(slot)


def terms_of(form: BookingForm, party: Party, door: str = "form") -> Terms:
    """How a request came in: by which form, and whether its address was proven in this browser."""
    return Terms(
        key=f"{door}:{form.key.data or secrets.token_urlsafe(16)}",
        locale=g.locale,
        limiter=access.limiter(),
        proven=access.is_proven(party.email),
        hold_for=timedelta(minutes=settings().hold_minutes),
        own_address=settings().sender_address,
    )


def _refused(slot_id: int, form: BookingForm, party: Party, refusal: Refusal) -> Response | tuple[str, int]:
    if isinstance(refusal, AlreadyBooked | ClassBooked) and access.is_mine(str(refusal.facts["reference"])):
        return redirect(url_for("bookings.show", reference=refusal.facts["reference"], note="already"), 303)
    if isinstance(refusal, Invalid):
        form.show(refusal.fields, g.locale)
    if isinstance(refusal, PriorityOnly) and refusal.facts["uai_missing"]:
        form.school_uai.errors = [refusal_sentence(refusal, g.locale)]
    if isinstance(refusal, IdempotencyKeyReused):
        form.key.data = secrets.token_urlsafe(16)
    return _page(fetch.slot(slot_id), form, refusal, refusal.status, party)


def _page(
    slot: Slot, form: BookingForm, refusal: Refusal | None, status: int, party: Party | None = None, marks: Marks | None = None
) -> tuple[str, int]:
    """The form, with what was typed, and where there is no way here, the ways there are."""
    full = isinstance(refusal, SlotFull)
    wanted = slot.places_for(party) if party else 1
    alone = form.audience.data != SCHOOL
    whom = party.comes_as if party else _whom(slot, form, alone)
    left = places_left_on(slot, alone=alone)
    others = (
        [other for other in fetch.open_slots_of(slot.event_id, wanted, whom) if other.id != slot.id]
        if full or slot.closed_because()
        else []
    )
    page = render_template(
        "booking_form.html",
        slot=slot,
        event=slot.event,
        form=form,
        alone=alone,
        refusal=refusal,
        full=full,
        room=left.most,
        left_in=lambda one: one.places_left(whom).remaining,
        waits=list_is_open(slot),
        ways=other_slots.to_book_over(slot, party, clock.now()) if full and party and not others else [],
        others=others,
        similar=catalogue.similar(slot.event, wanted) if full and not others else [],
        **(marks or _told_now(slot, left)),
        hold_minutes=settings().hold_minutes,
        proven=bool(form.email.data) and access.is_proven(str(form.email.data)),
    )
    return page, status


def _whom(slot: Slot, form: BookingForm, alone: bool) -> frozenset[str]:
    """As what somebody comes whose form is not filled in yet."""
    return frozenset({str(form.audience.data)}) if alone else slot.class_audiences


def _told_now(slot: Slot, left: PlacesLeft) -> Marks:
    gauge = {} if slot.closed_because() else {"gauge_here": _gauge(left)}
    return gauge | {"token": generate_csrf(), "left": left.most, "left_said": left.said, "beside": left.beside}
