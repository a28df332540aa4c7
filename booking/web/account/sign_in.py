"""Sign in by mail: an address, a code or a link, and one is in. No password, and no word on who has an account."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.ask_to_sign_in import ask_to_sign_in
from booking.actions.open_session import end_session
from booking.actions.sign_in import Proof, SignedIn, sign_in
from booking.app_settings import secrets_of, settings
from booking.db import in_transaction
from booking.errors import Invalid, Problem, Refusal
from booking.models.party import Reader
from booking.web import access
from booking.web.account import way_in
from booking.web.authorise import current_session, safe_next, visitor
from booking.web.forms.account import CodeForm, SignInForm
from booking.web.forms.booking import ActForm

bp = Blueprint("sign_in", __name__)

_NOTES = {"left", "signed_out"}


@bp.get("/sign-in")
def show() -> Response | str:
    """Which address? Who is signed in goes where they wanted to."""
    if visitor() is not None:
        return redirect(safe_next(request.args.get("next")), 303)
    return _ask_address(SignInForm(formdata=None), None)


@bp.post("/sign-in")
def ask() -> Response | tuple[str, int]:
    """Send a code. What is answered, and what it takes to answer, is the same for every address."""
    form = SignInForm()
    secret, browser_hash = way_in.new_browser_secret()
    try:
        email = _read_address(form)
        asked = in_transaction(
            lambda: ask_to_sign_in(email, browser_hash, g.locale, way_in.this_network(), settings().sender_address)
        )
    except Refusal as refusal:
        if isinstance(refusal, Invalid):
            form.show(refusal.fields, g.locale)
        return _ask_address(form, refusal), refusal.status
    way_in.remember_request(asked, secret, request.args.get("next"))
    return redirect(url_for("sign_in.ask_code"), 303)


@bp.get("/sign-in/code")
def ask_code() -> Response | str:
    """Which code? Only this browser is asked."""
    asked = way_in.request_of_this_browser()
    if asked is None:
        return redirect(url_for("sign_in.show"), 303)
    return render_template("account/code.html", form=CodeForm(formdata=None), email=asked.email)


@bp.post("/sign-in/code")
def enter_code() -> Response | tuple[str, int]:
    """Sign in with the code."""
    form = CodeForm()
    asked = way_in.request_of_this_browser()
    found = _try(asked.id, Proof(code=form.code.data or "-")) if asked else None
    if found is not None:
        return _welcome(found)
    asked = way_in.request_of_this_browser()
    over = asked is None or asked.is_worn_out
    form.show({"code": Problem("code_over") if over else Problem("wrong_code")}, g.locale)
    return render_template("account/code.html", form=form, email=asked.email if asked else "", over=over), 422


@bp.get("/sign-in/<int:sign_in_id>")
def open_link(sign_in_id: int) -> str:
    """What the link in the mail shows: a button. Opening it changes nothing, however often a scanner does."""
    return _link(sign_in_id, failed=False)


@bp.post("/sign-in/<int:sign_in_id>")
def enter_by_link(sign_in_id: int) -> Response | tuple[str, int]:
    """Sign in with the link."""
    found = _try(sign_in_id, Proof(token=access.given_token() or "-"))
    return _welcome(found) if found else (_link(sign_in_id, failed=True), 422)


def _read_address(form: SignInForm) -> str:
    reader = Reader(form.raw())
    email = reader.email("email")
    if reader.problems:
        raise Invalid(reader.problems)
    return email


def _try(sign_in_id: int, proof: Proof) -> SignedIn | None:
    if sign_in_id > 2**31 - 1:
        return None
    before = current_session()

    def work() -> SignedIn | None:
        found = sign_in(sign_in_id, proof, way_in.browser_hashes(), secrets_of(settings()), way_in.this_browser(), g.locale)
        if found and before:
            end_session(before.id, before.account, clock.now())
        return found

    return in_transaction(work)


def _welcome(found: SignedIn) -> Response:
    """In: nothing of the request stays in this browser, and what it proved serves for bookings, too."""
    following = safe_next(way_in.where_to_go())
    way_in.forget_request()
    access.remember_proven(found.account.email)
    return way_in.go_signed_in(following, found.token)


def _link(sign_in_id: int, *, failed: bool) -> str:
    here = way_in.asked_here(sign_in_id)
    serves = here and not failed and way_in.request_of_this_browser() is not None
    return render_template(
        "account/link.html", form=ActForm(formdata=None), here=here, serves=serves, token=access.given_token(), id=sign_in_id
    )


def _ask_address(form: SignInForm, refusal: Refusal | None) -> str:
    note = request.args.get("note", "")
    following = request.args.get("next")
    return render_template(
        "account/sign_in.html", form=form, refusal=refusal, following=following, note=note if note in _NOTES else ""
    )
