"""Which language this visitor reads: asked for in the address, remembered in a cookie, or what the browser prefers."""

from __future__ import annotations

from datetime import timedelta

from babel import negotiate_locale
from flask import Flask, Response, current_app, g, request

from booking.i18n import DEFAULT_LOCALE, LOCALES

_COOKIE = "lang"


def init_app(app: Flask) -> None:
    """Choose the language before each request; remember it when it was asked for."""

    @app.before_request
    def _choose() -> None:
        g.locale = choose()

    @app.after_request
    def _remember(response: Response) -> Response:
        if request.args.get("lang") in LOCALES and not request.path.startswith("/api/") and request.blueprint != "feeds":
            year = timedelta(days=365)
            secure = current_app.config["SESSION_COOKIE_SECURE"]
            response.set_cookie(_COOKIE, g.locale, max_age=year, secure=secure, httponly=True, samesite="Lax")
        return response


def choose() -> str:
    """`fr` or `en`."""
    asked = request.args.get("lang") or request.cookies.get(_COOKIE)
    if asked in LOCALES:
        return asked
    preferred = list(request.accept_languages.values())
    return negotiate_locale(preferred, LOCALES, sep="-") or DEFAULT_LOCALE
