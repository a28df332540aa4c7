"""The waiting list of a slot as its host reads it, and what a host does by hand. GET shows, POST acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.answer_offer import accept_offer
from booking.actions.offer_by_hand import last_answer, offer_by_hand
from booking.actions.waiting_ends import list_ends_at
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Refusal
from booking.i18n import _
from booking.models import Booking, HeldFor, Outcome, Slot, Status
from booking.offer_times import offer_deadline
from booking.permissions import Act
from booking.queries import fetch, waiting_pages
from booking.web.authorise import needs, who
from booking.web.forms.waiting import OfferByHandForm, slot_numbers
from booking.web.reading import asked_number, asked_page

bp = Blueprint("workspace_waiting", __name__)

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.OPEN: _("en attente de réponse"),
    Outcome.ACCEPTED: _("acceptée"),
    Outcome.DECLINED: _("déclinée"),
    Outcome.EXPIRED: _("restée sans réponse"),
    Outcome.WITHDRAWN: _("retirée"),
}


@dataclass(frozen=True)
class HostPart:
    """What a booking's page in the workspace says of waiting and of an open offer."""

    places: list[waiting_pages.PlaceInQueue]
    offered: bool
    proven: bool


@bp.get("/workspace/slots/<int:slot_id>/waiting")
@needs(Act.READ_BOOKINGS, Slot)
def show(slot: Slot) -> str:
    """Who waits, in order; who was passed over, how often and why; the offers that are open, and those that were."""
    now = clock.now()
    queue = waiting_pages.queue_of(slot, asked_page(), now)
    return render_template(
        "workspace/waiting.html",
        organisation=slot.event.host,
        event=slot.event,
        slot=slot,
        queue=queue,
        ends_at=list_ends_at(slot),
        offers=waiting_pages.open_offers(slot.id),
        past=waiting_pages.past_offers(slot.id),
        outcomes=OUTCOMES,
        note=request.args.get("note", "") == "offered",
    )


@bp.get("/workspace/bookings/<reference>/offer")
@needs(Act.HANDLE_BOOKINGS, Booking)
def ask_offer(booking: Booking) -> str | tuple[str, int]:
    """What to offer, to whom, and who is passed over by it."""
    form = OfferByHandForm(formdata=None)
    slot = _slot_waited_for(booking, asked_number("slot"))
    form.slot.data = str(slot.id)
    fits = slot.places_left(booking.comes_as).remaining - (booking.adults if slot.counts_adults else 0)
    whole = booking.asked_pupils or booking.pupils
    form.pupils.data = str(max(min(whole, fits), booking.at_least or whole))
    return _offer_page(booking, slot, form, None)


@bp.post("/workspace/bookings/<reference>/offer")
@needs(Act.HANDLE_BOOKINGS, Booking)
def offer(booking: Booking) -> Response | tuple[str, int]:
    """Offer the places: they are held for this party until it answers."""
    form = OfferByHandForm()
    slot = _slot_waited_for(booking, next(iter(slot_numbers([form.slot.data or ""])), None))
    try:
        in_transaction(lambda: offer_by_hand(booking.reference, slot.id, form.pupils.data, who()))
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        if isinstance(refusal, Invalid):
            form.show(dict.fromkeys(["pupils"], next(iter(refusal.fields.values()))), g.locale)
        return _offer_page(fetch.booking(booking.reference), fetch.slots([slot.id])[0], form, refusal), refusal.status
    return redirect(url_for("workspace_waiting.show", slot_id=slot.id, note="offered"), 303)


@bp.post("/workspace/bookings/<reference>/offer/acceptance")
@needs(Act.HANDLE_BOOKINGS, Booking)
def accept(booking: Booking) -> Response:
    """Accept for somebody who said so on the telephone."""
    in_transaction(lambda: accept_offer(booking.reference, who()))
    return redirect(url_for("workspace_bookings.show", reference=booking.reference, note="confirmed"), 303)


def host_part(booking: Booking) -> HostPart | None:
    """What a booking's page says of waiting; None where it neither waits nor has an open offer."""
    offered = booking.status is Status.HELD and booking.held_for is HeldFor.OFFER and not booking.is_overdue(clock.now())
    if booking.status is not Status.WAITING and not offered:
        return None
    return HostPart(waiting_pages.places_in_queues(booking, clock.now()), offered, booking.proven_at is not None)


def _slot_waited_for(booking: Booking, number: int | None) -> Slot:
    """The slot that is offered; one this booking asked for. Raises `NotFound`."""
    if number not in booking.wanted_slots:
        raise NotFound
    return fetch.slots([number])[0]


def _offer_page(booking: Booking, slot: Slot, form: OfferByHandForm, refusal: Refusal | None) -> str:
    now = clock.now()
    place = next((one for one in waiting_pages.places_in_queues(booking, now) if one.slot.id == slot.id), None)
    return render_template(
        "workspace/waiting_offer.html",
        organisation=slot.event.host,
        event=slot.event,
        slot=slot,
        booking=booking,
        place=place,
        form=form,
        refusal=refusal,
        until=offer_deadline(now, last_answer(slot)),
    )
