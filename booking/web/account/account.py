"""One's own account: who one is, where one works, where one is signed in."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.edit_account import edit_account, read_profile
from booking.actions.members import end_membership
from booking.actions.open_session import end_session, end_sessions
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Refusal
from booking.models import Actor, Member, Who
from booking.queries import accounts
from booking.vocabulary import ORGANISATION_KINDS, ROLES
from booking.web import access
from booking.web.account import way_in
from booking.web.authorise import current_session, needs, signed_in
from booking.web.forms.account import ProfileForm

bp = Blueprint("account", __name__)

_NOTES = {"saved", "session_ended", "sessions_ended", "left", "second_factor_removed"}


@bp.get("/account")
@needs()
def show() -> str:
    """The account, its seats and its sessions."""
    form = ProfileForm(formdata=None)
    account = signed_in().account
    form.name.data, form.locale.data = account.name, account.locale
    return _page(form, None)


@bp.post("/account")
@needs()
def save() -> Response | tuple[str, int]:
    """Change name and language."""
    form = ProfileForm()
    try:
        profile = read_profile(form.raw())
    except Invalid as invalid:
        form.show(invalid.fields, g.locale)
        return _page(form, invalid), invalid.status
    account_id = signed_in().account.id
    in_transaction(lambda: edit_account(account_id, profile))
    return redirect(url_for("account.show", note="saved", lang=profile.locale), 303)


@bp.post("/account/sign-out")
def sign_out() -> Response:
    """End this session, and forget what this browser was allowed. Who is signed out already is so afterwards."""
    session = current_session()
    if session is not None:
        in_transaction(lambda: end_session(session.id, session.account, clock.now()))
    access.forget()
    return way_in.go_signed_out(url_for("sign_in.show", note="signed_out"))


@bp.post("/account/sessions/<int:session_id>/end")
@needs()
def end_one(session_id: int) -> Response:
    """End one of one's own sessions."""
    account = signed_in().account
    if session_id > 2**31 - 1 or not in_transaction(lambda: end_session(session_id, account, clock.now())):
        raise NotFound
    return redirect(url_for("account.show", note="session_ended"), 303)


@bp.post("/account/sessions/end-others")
@needs()
def end_others() -> Response:
    """End all sessions but this one."""
    account, here = signed_in().account, current_session()
    in_transaction(lambda: end_sessions(account, _self(), clock.now(), but=here.id if here else None))
    return redirect(url_for("account.show", note="sessions_ended"), 303)


@bp.post("/account/seats/<int:seat_id>/leave")
@needs()
def leave(seat_id: int) -> Response | tuple[str, int]:
    """Leave an organisation, or take back the request to join it. Who works for nobody any more is signed out."""
    seat = _own_seat(seat_id)
    try:
        in_transaction(lambda: end_membership(seat.id, _self()))
    except Refusal as refusal:
        form = ProfileForm(formdata=None)
        form.name.data, form.locale.data = signed_in().account.name, signed_in().account.locale
        return _page(form, refusal), refusal.status
    if accounts.seats_of(seat.account_id):
        return redirect(url_for("account.show", note="left"), 303)
    return way_in.go_signed_out(url_for("sign_in.show", note="left"))


def _own_seat(seat_id: int) -> Member:
    found = next((seat for seat in accounts.seats_of(signed_in().account.id) if seat.id == seat_id), None)
    if found is None:
        raise NotFound
    return found


def _self() -> Who:
    return Who(Actor.ACCOUNT, signed_in().account.id)


def _page(form: ProfileForm, refusal: Refusal | None) -> str:
    visitor, here = signed_in(), current_session()
    note = request.args.get("note", "")
    return render_template(
        "account/account.html",
        form=form,
        refusal=refusal,
        account=visitor.account,
        needed=visitor.needs_second_factor,
        seats=accounts.seats_of(visitor.account.id),
        sessions=accounts.sessions_of(visitor.account.id, clock.now()),
        here=here.id if here else None,
        note=note if note in _NOTES else "",
        roles=ROLES,
        kinds=ORGANISATION_KINDS,
    )
