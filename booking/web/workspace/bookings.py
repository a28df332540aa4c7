"""Bookings as their host sees them: the list, one booking's page, and what a host does with it. GET shows, POST acts."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.answer_headcount import accept_headcount, refuse_headcount
from booking.actions.approve_booking import approve_booking
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.limits import Limiter
from booking.actions.refuse_booking import refuse_booking
from booking.actions.resend_message import resend_message
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import AlreadyBooked, ClassBooked, IdempotencyKeyReused, Invalid, NotFound, Problem, Refusal, SlotFull
from booking.i18n import DEFAULT_LOCALE
from booking.models import Booking, HeldFor, Organisation, Party, Slot
from booking.models.party import SCHOOL
from booking.permissions import Act
from booking.queries import fetch, received_mail, workspace_bookings
from booking.queries.requests import sight_of
from booking.queries.standing import cautions_of
from booking.vocabulary import ANSWERS
from booking.web.authorise import needs, who
from booking.web.forms.approval import APPROVE, REFUSE, AnswerForm
from booking.web.forms.booking import ActForm, HeadcountForm
from booking.web.forms.workspace_booking import BookingForSomebodyForm, HostCancellationForm, ResendForm
from booking.web.places_left import places_left_on
from booking.web.workspace.booking_filters import AUDIENCES, STATES, chips, read_filters, state_said
from booking.web.workspace.booking_words import entries_of, lines_of
from booking.web.workspace.waiting import host_part

bp = Blueprint("workspace_bookings", __name__)

_Answer = tuple[str, Callable[[], Booking]]
"""What the page says afterwards, and what is done."""
_NOTES = frozenset({"booked", "headcount", "confirmed", "cancelled", "again", "accepted", "refused", "kept", "moved"})


@bp.get("/workspace/organisations/<int:organisation_id>/bookings")
@needs(Act.READ_BOOKINGS, Organisation)
def listing(organisation: Organisation) -> str:
    """The bookings that suit the filters in the address, fifty a page, and what they add up to."""
    asked = read_filters(organisation)
    return render_template(
        "workspace/bookings.html",
        organisation=organisation,
        asked=asked,
        result=workspace_bookings.search(asked.filters, asked.page),
        chips=chips(asked, g.locale),
        audiences=AUDIENCES,
        states=STATES,
        state_said=state_said,
    )


@bp.get("/workspace/bookings/<reference>")
@needs(Act.READ_BOOKINGS, Booking)
def show(booking: Booking) -> str:
    """Who comes, where the booking stands, what happened to it, which mails went out."""
    return _page(booking)


@bp.post("/workspace/bookings/<reference>/headcount")
@needs(Act.HANDLE_BOOKINGS, Booking)
def set_headcount(booking: Booking) -> Response | tuple[str, int]:
    """Change how many come; the deadline of bookers does not bind the host."""
    form = HeadcountForm()
    return _acted(
        booking, "headcount", lambda: change_headcount(booking.reference, form.pupils.data, form.adults.data, who()), form
    )


@bp.post("/workspace/bookings/<reference>/confirmation")
@needs(Act.HANDLE_BOOKINGS, Booking)
def confirm(booking: Booking) -> Response | tuple[str, int]:
    """Confirm a held booking whose booker has said so on the telephone."""
    return _acted(booking, "confirmed", lambda: confirm_booking(booking.reference, who()))


@bp.post("/workspace/bookings/<reference>/decision")
@needs(Act.HANDLE_BOOKINGS, Booking)
def decide(booking: Booking) -> Response | tuple[str, int]:
    """Accept or refuse a request."""
    form = AnswerForm()
    return _answered(
        booking,
        form,
        ("accepted", lambda: approve_booking(booking.reference, who(), form.seen.data or "")),
        ("refused", lambda: refuse_booking(booking.reference, who(), form.why.data or "")),
    )


@bp.post("/workspace/bookings/<reference>/headcount-request")
@needs(Act.HANDLE_BOOKINGS, Booking)
def answer_change(booking: Booking) -> Response | tuple[str, int]:
    """Accept or refuse a headcount that was asked for late."""
    form = AnswerForm()
    question, why = form.asked_at.data or "", form.why.data or ""
    return _answered(
        booking,
        form,
        ("headcount", lambda: accept_headcount(booking.reference, question, who())),
        ("kept", lambda: refuse_headcount(booking.reference, question, why, who())),
    )


@bp.get("/workspace/bookings/<reference>/cancellation")
@needs(Act.HANDLE_BOOKINGS, Booking)
def ask_cancellation(booking: Booking) -> str:
    """Whether to cancel really, and why."""
    return _cancellation_page(booking, HostCancellationForm(formdata=None), None)


@bp.post("/workspace/bookings/<reference>/cancellation")
@needs(Act.HANDLE_BOOKINGS, Booking)
def cancel(booking: Booking) -> Response | tuple[str, int]:
    """Cancel with a reason: the places come back, the booker reads why."""
    form = HostCancellationForm()
    try:
        why = form.reason()
        in_transaction(lambda: cancel_booking(booking.reference, who(), why))
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _cancellation_page(fetch.booking(booking.reference), form, refusal), refusal.status
    return _back_to(booking, "cancelled")


@bp.post("/workspace/bookings/<reference>/messages")
@needs(Act.HANDLE_BOOKINGS, Booking)
def resend(booking: Booking) -> Response | tuple[str, int]:
    """Send one of its mails again."""
    given = str(ResendForm().message.data or "")
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise NotFound
    answer = _acted(booking, "again", lambda: resend_message(booking.reference, int(given), who()))
    if request.form.get("back") == "event" and isinstance(answer, Response):
        return redirect(url_for("workspace_messages.listing", event_id=booking.slot.event_id, note="again"), 303)
    return answer


@bp.get("/workspace/slots/<int:slot_id>/bookings/new")
@needs(Act.HANDLE_BOOKINGS, Slot)
def new(slot: Slot) -> str:
    """The form for a booking on somebody's behalf: a class or, with `?party=person`, a person alone."""
    event = slot.event
    alone = bool(event.person_audiences) and (request.args.get("party") == "person" or not event.takes_classes)
    form = BookingForSomebodyForm(formdata=None)
    form.key.data = secrets.token_urlsafe(16)
    form.audience.data = event.person_audiences[0].value if alone else SCHOOL
    return _form_page(slot, form, None)


@bp.post("/workspace/slots/<int:slot_id>/bookings")
@needs(Act.HANDLE_BOOKINGS, Slot)
def create(slot: Slot) -> Response | tuple[str, int]:
    """Book for somebody: confirmed at once, with the invitation. Sent twice, it books once."""
    form = BookingForSomebodyForm()
    party = form.party(g.locale)
    if party is None:
        return _form_page(slot, form, Invalid({})), 422
    terms = _terms(form)
    try:
        booking = in_transaction(lambda: book_places(slot.id, party, terms))
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        if isinstance(refusal, IdempotencyKeyReused):
            form.key.data = secrets.token_urlsafe(16)
        return _form_page(fetch.slot(slot.id), form, refusal, party), refusal.status
    return _back_to(booking, "booked")


def _terms(form: BookingForSomebodyForm) -> Terms:
    """The host vouches for who telephoned: nothing has to be proven. Mails are in French, the host's own language."""
    return Terms(
        key=f"host:{form.key.data or secrets.token_urlsafe(16)}",
        locale=DEFAULT_LOCALE,
        limiter=Limiter(settings().secret_key, request.remote_addr or "", settings().rate_limits),
        proven=True,
        own_address=settings().sender_address,
        who=who(),
    )


def _answered(booking: Booking, form: AnswerForm, yes: _Answer, no: _Answer) -> Response | tuple[str, int]:
    """Do what the button that was pressed says; what came without a button is nobody's answer."""

    def nothing() -> Booking:
        raise Invalid({"decision": Problem("not_a_choice")})

    note, act = {APPROVE: yes, REFUSE: no}.get(str(form.decision.data), ("", nothing))
    return _acted(booking, note, act, answer=form)


def _acted(
    booking: Booking,
    note: str,
    act: Callable[[], Booking],
    form: HeadcountForm | None = None,
    answer: AnswerForm | None = None,
) -> Response | tuple[str, int]:
    """Do one thing to a booking, and show its page: as it is then, or with what was refused and what was typed."""
    try:
        in_transaction(act)
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        if isinstance(refusal, Invalid) and (filled := form or answer) is not None:
            filled.show(refusal.fields, g.locale)
        return _page(fetch.booking(booking.reference), form, refusal, answer), refusal.status
    return _back_to(booking, note)


def _back_to(booking: Booking, note: str) -> Response:
    return redirect(url_for("workspace_bookings.show", reference=booking.reference, note=note), 303)


def _page(
    booking: Booking, form: HeadcountForm | None = None, refusal: Refusal | None = None, answer: AnswerForm | None = None
) -> str:
    if form is None:
        form = HeadcountForm(formdata=None)
        form.pupils.data, form.adults.data = str(booking.pupils), str(booking.adults)
    is_member = who().acting_for_id is None
    messages = workspace_bookings.messages_of(booking.id)
    note = request.args.get("note", "")
    return render_template(
        "workspace/booking.html",
        organisation=booking.slot.event.host,
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        answer=answer or AnswerForm(formdata=None),
        seen=sight_of(half for half in fetch.together(booking) if half.held_for is HeldFor.HOST),
        act_form=ActForm(formdata=None),
        answers=ANSWERS,
        waiting=host_part(booking),
        halves=[half for half in fetch.together(booking) if half.id != booking.id],
        refusal=refusal,
        cautions=cautions_of(booking, clock.now(), for_booker=False),
        lines=lines_of(booking, workspace_bookings.history_of(booking.id), g.locale, with_accounts=is_member),
        entries=entries_of(booking, messages, received_mail.of_booking(booking.id), g.locale),
        unreached=booking.is_live and workspace_bookings.is_unreached(booking, messages),
        overdue=booking.expires_at is not None and booking.expires_at <= clock.now(),
        note=note if note in _NOTES else "",
    )


def _cancellation_page(booking: Booking, form: HostCancellationForm, refusal: Refusal | None) -> str:
    return render_template(
        "workspace/booking_cancel.html",
        organisation=booking.slot.event.host,
        booking=booking,
        slot=booking.slot,
        event=booking.slot.event,
        form=form,
        refusal=refusal,
    )


def _form_page(slot: Slot, form: BookingForSomebodyForm, refusal: Refusal | None, party: Party | None = None) -> str:
    alone = form.audience.data != SCHOOL
    left = places_left_on(slot, alone=alone)
    full = isinstance(refusal, SlotFull) or left.most == 0
    wanted = slot.places_for(party) if party else 1
    existing = str(refusal.facts["reference"]) if isinstance(refusal, AlreadyBooked | ClassBooked) else ""
    closed = slot.closed_because()
    return render_template(
        "workspace/booking_new.html",
        organisation=slot.event.host,
        slot=slot,
        event=slot.event,
        form=form,
        alone=alone,
        left=left,
        refusal=refusal,
        full=full,
        others=[one for one in fetch.open_slots_of(slot.event_id, wanted) if one.id != slot.id] if full else [],
        existing=existing,
        shut=closed if closed and closed.why not in {"not_yet", "too_late"} else None,
        beyond_hours=closed if closed and closed.why in {"not_yet", "too_late"} else None,
    )
