"""The second factor: set it up, show it after signing in, take it away.

These pages are for somebody who is signed in and has shown no second factor yet, so they cannot stand behind `needs`: each asks
by hand who is there.
"""

from __future__ import annotations

from io import BytesIO

import segno
from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.one_time_codes import address_of_key, code_at, key_of
from booking.actions.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    remove_second_factor,
    show_second_factor,
)
from booking.app_settings import secrets_of, settings
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Problem, Refusal
from booking.models import Account, Session
from booking.web.account import way_in
from booking.web.authorise import current_session, safe_next, visitor
from booking.web.forms.account import CodeForm

bp = Blueprint("second_factor", __name__)


@bp.get("/sign-in/second-factor")
def show() -> Response | str:
    """What is to be done: begin, confirm with a first code, show a code, or nothing any more."""
    session = current_session()
    if session is None:
        return _sign_in_first()
    return _page(session, CodeForm(formdata=None))


@bp.post("/sign-in/second-factor/begin")
def begin() -> Response:
    """Make the key a device is told."""
    session = current_session()
    if session is None:
        return _sign_in_first()
    in_transaction(lambda: begin_second_factor(session.account_id))
    return redirect(url_for("second_factor.show", next=request.args.get("next")), 303)


@bp.get("/sign-in/second-factor/key.svg")
def key() -> Response:
    """The key as a QR code, until it is confirmed; afterwards nobody sees it again."""
    session = current_session()
    if session is None or not _is_begun(session.account):
        raise NotFound
    drawn = BytesIO()
    address = address_of_key(_key(session.account), session.account.email)
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", scale=4, border=4, light="#ffffff", xmldecl=False)
    return Response(drawn.getvalue(), mimetype="image/svg+xml")


@bp.post("/sign-in/second-factor")
def enter() -> Response | str | tuple[str, int]:
    """A code: the first one confirms the second factor and shows the recovery codes, every later one lets in."""
    session = current_session()
    if session is None:
        return _sign_in_first()
    form, secrets = CodeForm(), secrets_of(settings())
    code = form.code.data or ""
    try:
        if not session.account.has_second_factor:
            confirmed = in_transaction(lambda: confirm_second_factor(session.id, code, secrets))
            if confirmed is not None:
                # Told in the answer itself and kept nowhere: who reloads the page is led on.
                page = render_template("account/recovery_codes.html", codes=confirmed.recovery_codes, next=_following())
                answer = way_in.go_signed_in(_following(), confirmed.token)
                answer.status_code, answer.data = 200, page.encode()
                del answer.headers["Location"]
                return answer
        elif token := in_transaction(lambda: show_second_factor(session.id, code, secrets)):
            return way_in.go_signed_in(_following(), token)
    except Invalid as invalid:
        return _wrong(session, form, invalid)
    return _wrong(session, form, Invalid({"code": Problem("wrong_code")}))


@bp.post("/sign-in/second-factor/removal")
def remove() -> Response | tuple[str, int]:
    """Take the second factor away, for a last code."""
    session = current_session()
    if session is None:
        return _sign_in_first()
    form = CodeForm()
    try:
        if in_transaction(lambda: remove_second_factor(session.id, form.code.data or "", secrets_of(settings()))):
            return redirect(url_for("account.show", note="second_factor_removed"), 303)
    except Invalid as invalid:
        return _wrong(session, form, invalid)
    return _wrong(session, form, Invalid({"code": Problem("wrong_code")}))


def _sign_in_first() -> Response:
    return redirect(url_for("sign_in.show", next=request.args.get("next")), 303)


def _following() -> str:
    return safe_next(request.args.get("next"))


def _is_begun(account: Account) -> bool:
    return account.totp_nonce is not None and not account.has_second_factor


def _key(account: Account) -> str:
    return key_of(settings().secret_key, account.totp_nonce or b"")


def _wrong(session: Session, form: CodeForm, refusal: Refusal) -> tuple[str, int]:
    if isinstance(refusal, Invalid):
        form.show(refusal.fields, g.locale)
    return _page(session, form), refusal.status


def _page(session: Session, form: CodeForm) -> str:
    account = session.account
    found = visitor()
    begun = _is_begun(account)
    known = account.totp_nonce is not None
    return render_template(
        "account/second_factor.html",
        form=form,
        account=account,
        begun=begun,
        shown=account.has_second_factor and session.second_factor_at is not None,
        needed=found is not None and found.needs_second_factor,
        key=" ".join(_key(account)[n : n + 4] for n in range(0, 32, 4)) if begun else "",
        code_now=code_at(_key(account), clock.now()) if settings().demo and known else "",
        next=request.args.get("next"),
    )
