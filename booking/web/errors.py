"""Pages for when it does not go as wished: they say what happened and where one can go from there."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from flask import Flask, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from booking.app_settings import settings
from booking.errors import Refusal, SignedOut
from booking.i18n import DEFAULT_LOCALE
from booking.web import booking_form, moving_form, waiting_form

_log = logging.getLogger("coulisses.error")
_FORMS = {
    "booking_form.create": booking_form.form_expired,
    "moving_form.create": moving_form.form_expired,
    "waiting_form.create": waiting_form.form_expired,
}
"""Forms that show themselves again, as they were filled in."""
_PAGES = {400, 403, 404, 405, 413, 429, 500}


class FormExpired(Refusal):
    """A form was open too long, or its cookie did not come back."""

    code = "form_expired"
    status = 400


def init_app(app: Flask) -> None:
    """Answer refusals and errors with pages."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _crashed)


def _refused(refusal: Refusal) -> tuple[str, int, dict[str, str]]:
    if refusal.status == 404:
        return _page(404)
    if isinstance(refusal, SignedOut):
        return (*send_again(refusal, refusal.status), {})
    page = render_template("errors/refusal.html", refusal=refusal)
    retry = refusal.facts.get("retry_after")
    return page, refusal.status, {"Retry-After": str(retry)} if retry else {}


def _forged(error: CSRFError) -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    form_again = _FORMS.get(request.endpoint or "")
    if form_again is None or not request.view_args:
        return send_again(FormExpired(), 400)
    try:
        return form_again(request.view_args["slot_id"], FormExpired())
    except Refusal as refusal:  # the slot is not there; nobody catches what a handler of errors raises
        return _refused(refusal)


def send_again(refusal: Refusal, status: int) -> tuple[str, int]:
    """What was sent in vain, with a button that sends it once more: nothing typed is lost. Files must be chosen again.

    What another site wrote into its own form is nothing to be lost: a button under our name would send it with our token.
    """
    if not _from_our_pages():
        return render_template("errors/page.html", status=400), 400
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    return render_template("errors/send_again.html", refusal=refusal, fields=fields, files=bool(request.files)), status


def _from_our_pages() -> bool:
    """Whether a form came from a page of ours, as the browser says (Fetch Metadata; before it, the Origin of RFC 6454).

    An Origin that is « null » may be any page's that sends no referrer. What says nothing at all is no browser.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin, ours = request.headers.get("Origin"), urlsplit(settings().base_url)
    return origin is None or origin == f"{ours.scheme}://{ours.netloc}"


def _http(error: HTTPException) -> Response | tuple[str, int, dict[str, str]]:
    if error.code is None or error.code < 400:
        return error.get_response()
    allowed = {"Allow": ", ".join(error.valid_methods or [])} if error.code == 405 and hasattr(error, "valid_methods") else {}
    page, status, headers = _page(error.code)
    return page, status, headers | allowed


def _crashed(error: Exception) -> tuple[str, int, dict[str, str]]:
    _log.exception("unexpected")
    return _page(500)


def _page(status: int) -> tuple[str, int, dict[str, str]]:
    g.setdefault("locale", DEFAULT_LOCALE)
    name = status if status in _PAGES else (400 if status < 500 else 500)
    return render_template("errors/page.html", status=name), status, {}
