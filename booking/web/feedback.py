"""How was it? A page for who made the booking, from the visit on until its links close. GET shows, POST stores."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.give_feedback import feedback_closed, give_feedback
from booking.db import db, in_transaction
from booking.errors import FeedbackClosed, Invalid
from booking.models import Booking, Feedback
from booking.models.feedback import LONGEST_COMMENT, RATINGS, read_feedback
from booking.queries import fetch
from booking.queries.personal_data import KEPT_AFTER_VISIT
from booking.web import access
from booking.web.forms.feedback import FeedbackForm

bp = Blueprint("feedback", __name__)


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs: whether its booker can say how it was."""
    return {"feedback_open": feedback_closed(booking, clock.now()) is None}


@bp.get("/bookings/<reference>/feedback")
def show(reference: str) -> str:
    """The question, with the rating the mail's link names, or what was answered before. Opening it stores nothing."""
    booking = access.booking_or_404(reference)
    form, given = FeedbackForm(formdata=None), db.session.get(Feedback, booking.id)
    if given is not None:
        form.rating.data, form.comment.data = str(given.rating), given.comment
    if request.args.get("rating") in RATINGS:
        form.rating.data = request.args["rating"]
    return _page(booking, form, feedback_closed(booking, clock.now()))


@bp.post("/bookings/<reference>/feedback")
def give(reference: str) -> Response | tuple[str, int]:
    """Store the answer, or the new one."""
    booking = access.booking_or_404(reference)
    form = FeedbackForm()
    try:
        rating, comment = read_feedback(form.raw())
        in_transaction(lambda: give_feedback(reference, rating, comment))
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return _page(booking, form, feedback_closed(booking, clock.now())), invalid.status
    except FeedbackClosed as closed:
        return _page(fetch.booking(reference), form, closed), closed.status
    access.remember(booking)
    return redirect(url_for("feedback.show", reference=booking.reference, note="given"), 303)


def _page(booking: Booking, form: FeedbackForm, closed: FeedbackClosed | None) -> str:
    return render_template(
        "feedback.html",
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        closed=closed,
        given=request.args.get("note") == "given" and db.session.get(Feedback, booking.id) is not None,
        until=booking.slot.ends_at + KEPT_AFTER_VISIT,
        ratings=RATINGS,
        longest=LONGEST_COMMENT,
        token=access.given_token(),
    )
