"""Moving a booking to another slot, and splitting a class over two. GET shows, POST acts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.move_booking import move_booking
from booking.actions.split_booking import live_half_of, split_booking
from booking.db import in_transaction
from booking.errors import Invalid, Refusal
from booking.models import Booking, HeldFor, Status
from booking.queries import fetch, other_slots
from booking.web import access
from booking.web.forms.moving import MoveForm, SplitForm

bp = Blueprint("moving", __name__)


@dataclass(frozen=True)
class Moving:
    """What a booking's page shows of the other slots of its event."""

    note: str
    half: Booking | None
    """The other half of a split class: the one that still stands, else the one that ended last."""
    movable: bool
    splittable: bool


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for this part of it (`templates/booking_moving.html`)."""
    now, note = clock.now(), request.args.get("note", "")
    half = other_half_of(booking)
    proven = booking.proven_at is not None  # until then there is one thing to do here
    others = proven and is_changeable(booking) and other_slots.are_there(booking, now)
    splits = booking.is_class and booking.pupils > 1 and now < booking.slot.headcount_until and live_half_of(booking) is None
    moving = Moving(
        note=note if note in {"moved", "split"} else "",
        half=half,
        movable=others and now < booking.slot.cancel_until,
        splittable=others and splits,
    )
    return {"moving": moving}


def other_half_of(booking: Booking) -> Booking | None:
    """The other half of a split class: the one that still stands, else the one that ended last."""
    if booking.group_key is None:
        return None
    others = [half for half in fetch.together(booking) if half.id != booking.id]
    return max(others, key=lambda half: (half.is_live, half.id), default=None)


def is_changeable(booking: Booking) -> bool:
    """Whether it holds places that could be other ones, before the visit begins."""
    if booking.status not in {Status.HELD, Status.CONFIRMED} or booking.held_for is HeldFor.OFFER:
        return False
    closed = booking.slot.closed_because()
    return not booking.is_overdue(clock.now()) and not (closed and closed.why in {"cancelled", "past", "archived"})


@bp.get("/bookings/<reference>/slot")
def ask_move(reference: str) -> str:
    """The other slots with room for this party."""
    return _move_page(access.booking_or_404(reference), MoveForm(formdata=None), None)


@bp.post("/bookings/<reference>/slot")
def move(reference: str) -> Response | tuple[str, int]:
    """Take the places on another slot and give the old ones back."""
    booking = access.booking_or_404(reference)
    form = MoveForm()
    try:
        slot_id = form.slot_id()
        act = partial(move_booking, reference, slot_id)
        in_transaction(lambda: access.limiter().changing(booking.reference, act))
    except Refusal as refusal:
        _say(form, refusal, known="slot")
        return _move_page(fetch.booking(reference), form, refusal), refusal.status
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference, note="moved"), 303)


@bp.get("/bookings/<reference>/split")
def ask_split(reference: str) -> str:
    """How the class could come in two halves, filled in with the first way that fits."""
    booking = access.booking_or_404(reference)
    return _split_page(booking, SplitForm(formdata=None), None)


@bp.post("/bookings/<reference>/split")
def split(reference: str) -> Response | tuple[str, int]:
    """Let a part of the class come to another slot."""
    booking = access.booking_or_404(reference)
    form = SplitForm()
    try:
        act = partial(split_booking, reference, *form.going(booking))
        in_transaction(lambda: access.limiter().changing(booking.reference, act))
    except Refusal as refusal:
        _say(form, refusal, known="slot")
        return _split_page(fetch.booking(reference), form, refusal), refusal.status
    access.remember(fetch.booking(reference))
    return redirect(url_for("bookings.show", reference=booking.reference, note="split"), 303)


def _say(form: MoveForm | SplitForm, refusal: Refusal, known: str) -> None:
    """What is wrong, beside its field; a rule about what the form does not ask is said beside the slot."""
    if isinstance(refusal, Invalid):
        names = {name: name if name in form.raw() else known for name in refusal.fields}
        form.show({names[name]: problem for name, problem in refusal.fields.items()}, g.locale)


def _move_page(booking: Booking, form: MoveForm, refusal: Refusal | None) -> str:
    now = clock.now()
    open_for_it = is_changeable(booking) and now < booking.slot.cancel_until
    return render_template(
        "moving_slot.html",
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        refusal=refusal,
        token=access.given_token(),
        open=open_for_it,
        choices=other_slots.to_move_to(booking, now) if open_for_it else [],
    )


def _split_page(booking: Booking, form: SplitForm, refusal: Refusal | None) -> str:
    now = clock.now()
    open_for_it = is_changeable(booking) and booking.is_class and now < booking.slot.headcount_until
    other = live_half_of(booking)
    ways = other_slots.to_split_over(booking, now) if open_for_it and other is None else []
    if ways and form.slot.data is None:
        form.suggest(ways[0])
    return render_template(
        "moving_split.html",
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        refusal=refusal,
        token=access.given_token(),
        open=open_for_it,
        other=other,
        ways=ways,
    )
