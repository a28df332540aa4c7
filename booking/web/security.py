"""What every answer carries: a policy that runs nothing inline, no sniffing, no framing, nothing kept of personal pages."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_wtf.csrf import CSRFProtect

from booking.config import Settings
from booking.logs import log_request

csrf = CSRFProtect()
PERSONAL = frozenset(
    {
        "booking_feed",
        "booking_form",
        "bookings",
        "waiting",
        "waiting_answer",
        "waiting_form",
        "approvals",
        "moving",
        "moving_form",
        "feedback",
        "mailbox",
        "mailbox_answer",
        "sign_in",
        "second_factor",
    }
)
"""Blueprints whose every page is about one person; so is every page behind `booking.web.authorise.needs`."""


def init_app(app: Flask) -> None:
    """Protect every form, and add the headers to every answer."""
    csrf.init_app(app)
    settings: Settings = app.config["SETTINGS"]
    headers = {
        "Content-Security-Policy": content_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if settings.secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        view = current_app.view_functions.get(request.endpoint or "")
        if request.blueprint in PERSONAL or hasattr(view, "needs") or "token" in request.args:
            forbid_keeping(response)
        rule = request.url_rule.rule if request.url_rule else "-"
        milliseconds = (time.perf_counter() - g.get("started", time.perf_counter())) * 1000
        log_request(request.method, rule, response.status_code, milliseconds)
        return response


def forbid_keeping(response: Response) -> None:
    """Mark a personal page: kept by nobody, found by no search engine."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"


def content_policy(settings: Settings, **more: str) -> str:
    """The Content-Security-Policy: nothing by default, our own files, and the map's tiles where there is a map."""
    tiles = ""
    if settings.map_tiles_url:
        parts = urlsplit(settings.map_tiles_url.replace("{s}", "*"))
        tiles = f" {parts.scheme}://{parts.netloc}"
    directives = {
        "default-src": "'none'",
        "base-uri": "'none'",
        "connect-src": "'self'",
        "font-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "img-src": f"'self' data:{tiles}",
        "script-src": "'self'",
        "style-src": "'self'",
    } | {name.replace("_", "-"): value for name, value in more.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())
