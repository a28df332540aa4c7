"""A booking's own page: what it is, and the four things its owner can do. GET shows, POST acts."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from io import BytesIO

import segno
from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.ask_headcount import ask_headcount
from booking.actions.book_again import book_again
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.send_proof_again import send_proof_again
from booking.actions.split_booking import live_half_of
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Refusal
from booking.links import CONFIRM
from booking.mail.invitation import booking_calendar
from booking.models import Actor, Booking, HistoryEntry, Status
from booking.models.reason import read_reason
from booking.queries import fetch, slot_bookings
from booking.queries.elsewhere import Offers
from booking.queries.standing import cautions_of
from booking.web import access, approvals, booking_feed, calendar_answer, feedback, moving, waiting
from booking.web.forms.booking import ActForm, CancellationForm, HeadcountForm

bp = Blueprint("bookings", __name__)


@bp.get("/bookings/<reference>")
def show(reference: str) -> str:
    """The boarding pass, for who made the booking or has its secret link."""
    booking = access.booking_or_404(reference)
    return _page(booking, _headcount(booking), None)


@bp.post("/bookings/<reference>/headcount")
def set_headcount(reference: str) -> Response | tuple[str, int]:
    """Change how many come; after the last moment for it, ask the host to."""
    booking = access.booking_or_404(reference)
    form = HeadcountForm()
    try:
        verb = ask_headcount if form.ask.data else change_headcount
        act = partial(verb, reference, form.pupils.data, form.adults.data)
        changed = in_transaction(lambda: access.limiter().changing(booking.reference, act))
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _page(fetch.booking(reference), form, refusal), refusal.status
    access.remember(booking)
    asked = form.ask.data and clock.now() >= changed.slot.headcount_until
    note = "asked" if asked else "headcount"
    return redirect(url_for("bookings.show", reference=booking.reference, note=note), 303)


@bp.get("/bookings/<reference>/confirmation")
def ask_confirmation(reference: str) -> str:
    """What the link in the mail shows: a button. Opening it changes nothing, however often a scanner does."""
    return _confirmation_page(_booking_of_mail(reference), ActForm(formdata=None), None)


@bp.post("/bookings/<reference>/confirmation")
def confirm(reference: str) -> Response | tuple[str, int]:
    """The button: the address is proven, the booking is confirmed, the invitation goes out."""
    booking = _booking_of_mail(reference)
    try:
        in_transaction(lambda: confirm_booking(reference))
    except Refusal as refusal:
        return _confirmation_page(fetch.booking(reference), ActForm(), refusal), refusal.status
    access.remember(booking)
    access.remember_proven(booking.email)
    return redirect(url_for("bookings.show", reference=booking.reference, note="confirmed"), 303)


@bp.post("/bookings/<reference>/proof-again")
def send_proof(reference: str) -> Response | tuple[str, int]:
    """Nothing came: the mail that asks to confirm is sent again, a few times at most."""
    booking = access.booking_or_404(reference)
    limiter = access.limiter()
    try:
        in_transaction(lambda: send_proof_again(reference, limiter))
    except Refusal as refusal:
        return _page(fetch.booking(reference), _headcount(booking), refusal), refusal.status
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference, note="again"), 303)


@bp.get("/bookings/<reference>/cancellation")
def ask_cancellation(reference: str) -> str:
    """Whether to cancel really."""
    return _cancellation_page(access.booking_or_404(reference), CancellationForm(formdata=None), None)


@bp.post("/bookings/<reference>/cancellation")
def cancel(reference: str) -> Response | tuple[str, int]:
    """Cancel, and give the places back; of a split class this half, or both."""
    booking = access.booking_or_404(reference)
    form = CancellationForm()
    try:
        why = read_reason({"why": form.why.data}, required=False)
        in_transaction(lambda: cancel_booking(reference, why=why, both=bool(form.both.data)))
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _cancellation_page(fetch.booking(reference), form, refusal), refusal.status
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference, note="cancelled"), 303)


@bp.post("/bookings/<reference>/again")
def restore(reference: str) -> Response | tuple[str, int]:
    """Book again what was declined in the calendar, while there is room."""
    booking = access.booking_or_404(reference)
    try:
        in_transaction(lambda: book_again(reference))
    except Refusal as refusal:
        return refused(booking, refusal)
    access.remember(booking)
    return redirect(url_for("bookings.show", reference=booking.reference, note="restored"), 303)


@bp.get("/bookings/<reference>/invitation.ics")
def invitation(reference: str) -> Response:
    """The booking as it is now, for a calendar: the same entry as in the mails."""
    booking = access.booking_or_404(reference)
    answer = Response(booking_calendar(booking, settings(), booking.locale), mimetype="text/calendar")
    answer.headers["Content-Disposition"] = f'attachment; filename="{booking.reference}.ics"'
    return answer


@bp.get("/bookings/<reference>/qr.svg")
def code(reference: str) -> Response:
    """The booking's address, without its secret, for a camera."""
    booking = access.booking_or_404(reference)
    drawn = BytesIO()
    page = settings().base_url + url_for("bookings.show", reference=booking.reference)
    segno.make(page, error="m", micro=False).save(drawn, kind="svg", scale=4, border=2, xmldecl=False)
    return Response(drawn.getvalue(), mimetype="image/svg+xml")


@bp.post("/visitor/forget")
def forget() -> Response:
    """Forget this browser: the next person at this computer sees nothing."""
    access.forget()
    return redirect(url_for("home.show"), 303)


def refused(booking: Booking, refusal: Refusal) -> tuple[str, int]:
    """The booking's page as it is now, with what was refused."""
    fresh = fetch.booking(booking.reference)
    return _page(fresh, _headcount(fresh), refusal), refusal.status


def _booking_of_mail(reference: str) -> Booking:
    booking = fetch.booking(reference)
    if not access.given_token_opens(booking, CONFIRM):
        raise NotFound
    return booking


def _headcount(booking: Booking) -> HeadcountForm:
    form = HeadcountForm(formdata=None)
    form.pupils.data, form.adults.data = str(booking.pupils), str(booking.adults)
    return form


def _confirmation_page(booking: Booking, form: ActForm, refusal: Refusal | None) -> str:
    half = live_half_of(booking)
    return render_template(
        "booking_confirm.html",
        booking=booking,
        half=half,
        places=booking.places + (half.places if half else 0),
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        refusal=refusal,
    )


def _cancellation_page(booking: Booking, form: CancellationForm, refusal: Refusal | None) -> str:
    return render_template(
        "booking_cancel.html",
        booking=booking,
        half=live_half_of(booking),
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        refusal=refusal,
    )


def _page(booking: Booking, form: HeadcountForm, refusal: Refusal | None) -> str:
    note = request.args.get("note", "")
    # A slot nobody has changed since it was opened has no news, and most have not been.
    moved = slot_bookings.last_move(booking) if booking.is_live and booking.slot.version > 1 else None
    by_host = booking.status is Status.CANCELLED and booking.ended_by in {Actor.HOST, Actor.AUTHORITY}
    return render_template(
        "booking.html",
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        refusal=refusal,
        note=note if note in {"already", "headcount", "confirmed", "cancelled", "again", "asked", "accepted"} else "",
        token=access.given_token(),
        by_host=by_host,
        cautions=cautions_of(booking, clock.now(), for_booker=True),
        moved=moved,
        was={name: datetime.fromisoformat(said) for name, said in _was(moved).items() if name in {"starts_at", "ends_at"}},
        others=Offers(booking.slot, clock.now()).for_booking(booking)
        if moved or by_host or booking.status is Status.REFUSED
        else [],
        **waiting.on_page(booking),
        **approvals.on_page(booking),
        **moving.on_page(booking),
        **feedback.on_page(booking),
        **calendar_answer.on_page(booking),
        **booking_feed.on_page(booking),
    )


def _was(moved: HistoryEntry | None) -> dict[str, str]:
    """What no longer holds since the host's last change; empty once a purge has been there."""
    return dict(moved.details.get("was", {})) if moved else {}
