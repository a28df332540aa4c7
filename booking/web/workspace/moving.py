"""The host lets one booking come to another slot of the event. GET shows, POST acts."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.move_booking import move_booking
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Refusal
from booking.models import Booking
from booking.models.reason import read_reason
from booking.permissions import Act
from booking.queries import fetch, other_slots
from booking.web.authorise import needs, who
from booking.web.forms.moving import HostMoveForm
from booking.web.moving import is_changeable

bp = Blueprint("workspace_moving", __name__)


@bp.get("/workspace/bookings/<reference>/slot")
@needs(Act.HANDLE_BOOKINGS, Booking)
def ask(booking: Booking) -> str:
    """The other slots with room for the party."""
    return _page(booking, HostMoveForm(formdata=None), None)


@bp.post("/workspace/bookings/<reference>/slot")
@needs(Act.HANDLE_BOOKINGS, Booking)
def move(booking: Booking) -> Response | tuple[str, int]:
    """Move it; the deadline of bookers and the hours of booking do not bind the host."""
    form = HostMoveForm()
    try:
        slot_id, why = form.slot_id(), read_reason({"why": form.why.data}, required=False)
        in_transaction(lambda: move_booking(booking.reference, slot_id, who(), why))
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _page(fetch.booking(booking.reference), form, refusal), refusal.status
    return redirect(url_for("workspace_bookings.show", reference=booking.reference, note="moved"), 303)


def _page(booking: Booking, form: HostMoveForm, refusal: Refusal | None) -> str:
    changeable = is_changeable(booking)
    return render_template(
        "workspace/booking_move.html",
        organisation=booking.slot.event.host,
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        refusal=refusal,
        choices=other_slots.to_move_to(booking, clock.now(), by_host=True) if changeable else [],
    )
