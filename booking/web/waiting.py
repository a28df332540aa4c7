"""Waiting for a full slot: what the booking's own page shows of it, and how its owner changes it. GET shows, POST acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.answer_offer import what_is_left_to_wait_for
from booking.actions.change_wait import change_wait
from booking.actions.leave_lists import BOOKED_MEANWHILE
from booking.actions.waiting_ends import list_ends_at
from booking.db import in_transaction
from booking.errors import Invalid, Refusal, WrongState
from booking.i18n import _
from booking.models import Actor, Booking, HeldFor, Offer, Outcome, Slot, Status
from booking.queries import fetch, waiting_pages
from booking.web import access
from booking.web.booking_form import list_is_open
from booking.web.forms.booking import ActForm
from booking.web.forms.waiting import WaitChangeForm, slot_numbers

bp = Blueprint("waiting", __name__)

_FIELDS = {"at_least": "at_least", "also": "also"}
"""Where what is wrong is said; what is wrong with the party itself, beside the number that could help."""
_NOTES = frozenset({"confirmed", "wait-changed", "accepted", "declined", "stayed", "already", "again", "cancelled"})


class Stand(StrEnum):
    """Where a request that waited, or waits, stands; what its page says first."""

    UNPROVEN = "unproven"
    QUEUED = "queued"
    OFFERED = "offered"
    MISSED = "missed"
    """An offer ran out."""
    DECLINED = "declined"
    LEFT = "left"
    BOOKED = "booked"
    """The class has its booking elsewhere at the event."""
    NEVER_PROVEN = "never_proven"
    OVER = "over"
    """The list ended, and nothing came."""


_HEADINGS: Mapping[Stand, str] = {
    Stand.UNPROVEN: _("Plus qu’une étape : confirmez"),
    Stand.QUEUED: _("Vous êtes sur la liste d’attente"),
    Stand.OFFERED: _("Des places vous sont proposées"),
    Stand.MISSED: _("La proposition n’est plus valable"),
    Stand.DECLINED: _("Vous avez décliné la proposition"),
    Stand.LEFT: _("Vous avez quitté la liste d’attente"),
    Stand.BOOKED: _("Cette classe a sa réservation"),
    Stand.NEVER_PROVEN: _("L’adresse n’a pas été confirmée à temps"),
    Stand.OVER: _("La liste d’attente est close"),
}


@dataclass(frozen=True)
class WaitingPart:
    """What the page of a request that waits, or has waited, shows of it."""

    stand: Stand
    heading: str
    note: str
    places: list[waiting_pages.PlaceInQueue] = field(default_factory=list)
    offer: Offer | None = None
    stays_for: list[Slot] = field(default_factory=list)
    """What could still be waited for by who declines."""
    again: bool = False
    """Whether the list of its slot is still open to join anew."""
    wanted: list[Slot] = field(default_factory=list)


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for this part of it (`templates/booking_waiting.html`)."""
    stand = _stand(booking) if booking.wanted_slots else None
    if stand is None:
        return {"waiting": None}
    now, note = clock.now(), request.args.get("note", "")
    part = WaitingPart(
        stand,
        _HEADINGS[stand],
        note if note in _NOTES else "",
        places=waiting_pages.places_in_queues(booking, now) if stand is Stand.QUEUED else [],
        offer=waiting_pages.last_offer(booking.id) if stand in {Stand.OFFERED, Stand.MISSED, Stand.DECLINED} else None,
        stays_for=what_is_left_to_wait_for(booking, now) if stand is Stand.OFFERED else [],
        again=list_is_open(booking.slot),
        wanted=fetch.slots(booking.wanted_slots) if stand is Stand.UNPROVEN else [],
    )
    return {"waiting": part, "list_ends_at": list_ends_at, "ordinal": lambda number: ordinal(number, g.locale)}


def _stand(booking: Booking) -> Stand | None:
    """Where it stands; None where waiting is no longer what its page is about."""
    if booking.status is Status.WAITING:
        return Stand.UNPROVEN if booking.proven_at is None else Stand.QUEUED
    if booking.status is Status.HELD and booking.held_for is HeldFor.OFFER:
        return Stand.MISSED if booking.is_overdue(clock.now()) else Stand.OFFERED
    if booking.confirmed_at is not None or booking.status not in {Status.CANCELLED, Status.EXPIRED}:
        return None
    return _how_it_ended(booking)


def _how_it_ended(booking: Booking) -> Stand | None:
    if booking.proven_at is None:
        return Stand.NEVER_PROVEN if booking.status is Status.EXPIRED else Stand.LEFT
    offer = waiting_pages.last_offer(booking.id)
    if offer and offer.outcome is Outcome.ACCEPTED:
        return None  # what ended was no longer a wait
    if booking.status is Status.EXPIRED:
        if offer is None or offer.ended_at != booking.ended_at:
            return Stand.OVER
        return Stand.MISSED if offer.outcome is Outcome.EXPIRED else None
    if booking.end_reason == BOOKED_MEANWHILE:
        return Stand.BOOKED
    if booking.ended_by is not Actor.BOOKER:
        return None
    return Stand.DECLINED if offer and offer.outcome is Outcome.DECLINED and offer.ended_at == booking.ended_at else Stand.LEFT


def ordinal(number: int, locale: str) -> str:
    """A place in a queue as people say it: « 1er », « 3e »; "1st", "3rd"."""
    if locale == "fr":
        return "1er" if number == 1 else f"{number}e"
    teen = 10 <= number % 100 <= 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def open_slots(slot: Slot) -> list[Slot]:
    """The slots of an event whose lists are open, soonest first."""
    return [one for one in fetch.open_slots_of(slot.event_id, 0) if list_is_open(one)]


@bp.get("/bookings/<reference>/waiting")
def ask_change(reference: str) -> str | tuple[str, int]:
    """The form to change what is waited for."""
    booking = access.booking_or_404(reference)
    form = WaitChangeForm(formdata=None)
    form.at_least.data = str(booking.at_least or "")
    form.also.data = [str(number) for number in booking.wanted_slots]
    refusal = None if booking.status is Status.WAITING else WrongState(booking.status)
    return _change_page(booking, form, refusal), 200 if refusal is None else refusal.status


@bp.post("/bookings/<reference>/waiting")
def change(reference: str) -> Response | tuple[str, int]:
    """Change it, the rank kept. What fits now is offered at once."""
    booking = access.booking_or_404(reference)
    form = WaitChangeForm()
    try:
        in_transaction(lambda: change_wait(reference, form.at_least.data, slot_numbers(form.also.data)))
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show({_FIELDS.get(name, "at_least"): problem for name, problem in refusal.fields.items()}, g.locale)
        return _change_page(fetch.booking(reference), form, refusal), refusal.status
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference, note="wait-changed"), 303)


def _change_page(booking: Booking, form: WaitChangeForm, refusal: Refusal | None) -> str:
    wanted = {slot.id: slot for slot in fetch.slots(booking.wanted_slots)}
    choices = wanted | {slot.id: slot for slot in open_slots(booking.slot)}
    return render_template(
        "waiting_change.html",
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        act_form=ActForm(formdata=None),
        refusal=refusal,
        choices=sorted(choices.values(), key=lambda one: (one.starts_at, one.id)),
        token=access.given_token(),
    )
