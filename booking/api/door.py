"""What every operation of the API shares: its blueprint, its answers, its language, its secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from booking.i18n import DEFAULT_LOCALE, LOCALES

PREFIX = "/api/v1"
LARGEST_ID = 2**31 - 1

bp = Blueprint("api", __name__, url_prefix=PREFIX)
"""Exempt from CSRF protection: it knows no cookie, so there is nothing to forge."""


def answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None, mimetype: str = "application/json"
) -> Response:
    """A JSON answer that nobody keeps, unless `headers` says otherwise."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    response = Response(text.encode(), status, {"Cache-Control": "no-store", **(headers or {})}, mimetype=mimetype)
    response.headers["Vary"] = "Accept-Language"
    return response


def public_answer(body: object) -> Response:
    """An answer that may be kept and asked about again: `If-None-Match` gets a 304 while nothing changed (RFC 9110, 13.1.2)."""
    response = answer(body, headers={"Cache-Control": "no-cache"})
    response.add_etag()
    return response.make_conditional(request)


def locale() -> str:
    """The language of the sentences in this answer: the booking's own where one was named, else Accept-Language."""
    chosen: str | None = g.get("api_locale")
    wanted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return chosen or next((language for language in wanted if language in LOCALES), DEFAULT_LOCALE)


def speak(language: str) -> None:
    """Answer this request in the language its booking asks for."""
    g.api_locale = language


def instant(value: datetime | None) -> str | None:
    """An instant as the API writes it: ISO 8601 in UTC with a Z, in whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


def link(base_url: str, path: str, **query: Any) -> str:
    """The absolute address of an operation of the API."""
    return f"{base_url}{PREFIX}{path}" + (f"?{urlencode(query)}" if query else "")
