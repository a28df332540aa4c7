"""Approvals: the page the school's head opens from the official mailbox, and where a request stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from booking.actions.approve_booking import approve_booking
from booking.actions.refuse_booking import refuse_booking
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Problem, Refusal
from booking.links import HEAD as HEAD_LINK
from booking.models import HEAD, Booking, HeldFor, Kind
from booking.queries import fetch
from booking.queries.requests import asked_on, sight_of
from booking.web import access
from booking.web.forms.approval import APPROVE, REFUSE, HeadAnswerForm

bp = Blueprint("approvals", __name__)


@dataclass(frozen=True)
class Approvals:
    """Where a booking stands with those who must approve it. Who was not asked yet has no instant."""

    head_asked_at: datetime | None
    head_reminded_at: datetime | None
    host_asked_at: datetime | None
    unanswered: HeldFor | None
    """Who was asked and has not said yes: who is waited for or, once it has ended, who never answered."""


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for this part of it (`templates/booking_approvals.html`)."""
    return {"approvals": approvals_of(booking)}


def approvals_of(booking: Booking) -> Approvals | None:
    """Who was asked when; None where nobody has to approve."""
    waits_for_host = booking.held_for is HeldFor.HOST
    if not booking.head_needed and not booking.slot.event.host_approval and not waits_for_host:
        return None
    halves = fetch.together(booking)
    asked = asked_on(halves)
    needs = HeldFor.HOST if waits_for_host else booking.still_needs  # the event may have ceased to ask meanwhile
    kind = {HeldFor.HEAD: Kind.HEAD_ASKED, HeldFor.HOST: Kind.HOST_APPROVAL_ASKED}.get(needs) if needs else None
    return Approvals(
        head_asked_at=asked.get(Kind.HEAD_ASKED),
        head_reminded_at=next((half.head_reminded_at for half in halves if half.head_reminded_at), None),
        host_asked_at=asked.get(Kind.HOST_APPROVAL_ASKED),
        unanswered=needs if kind in asked else None,
    )


@bp.get("/bookings/<reference>/head-approval")
def ask_head(reference: str) -> str:
    """What the head decides about, with two buttons. Opening it changes nothing, however often a scanner does."""
    return _head_page(_booking_of_mail(reference), HeadAnswerForm(formdata=None), None)


@bp.post("/bookings/<reference>/head-approval")
def answer_as_head(reference: str) -> Response | tuple[str, int]:
    """One of the buttons. It opens nothing else to this browser: neither the booking's own page nor another booking."""
    _booking_of_mail(reference)
    form = HeadAnswerForm()
    try:
        if form.decision.data == APPROVE:
            in_transaction(lambda: approve_booking(reference, HEAD, form.seen.data or ""))
        elif form.decision.data == REFUSE:
            in_transaction(lambda: refuse_booking(reference, HEAD, form.why.data or ""))
        else:
            raise Invalid({"decision": Problem("not_a_choice")})
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _head_page(_booking_of_mail(reference), form, refusal), refusal.status
    return redirect(url_for("approvals.ask_head", reference=reference, token=access.given_token()), 303)


def _booking_of_mail(reference: str) -> Booking:
    """The booking, for who holds the link of the head's mail and for nobody else. Raises `NotFound`."""
    booking = fetch.booking(reference)
    if not booking.head_needed or not access.given_token_opens(booking, HEAD_LINK):
        raise NotFound
    return booking


def _head_page(booking: Booking, form: HeadAnswerForm, refusal: Refusal | None) -> str:
    together = fetch.together(booking)
    asked = next((half for half in together if half.held_for is HeldFor.HEAD), booking)
    halves = [half for half in together if (half.status, half.held_for) == (asked.status, asked.held_for)]
    return render_template(
        "head_approval.html",
        booking=asked,
        halves=halves,
        seen=sight_of(halves),
        event=asked.slot.event,
        form=form,
        refusal=refusal,
        token=access.given_token(),
    )
