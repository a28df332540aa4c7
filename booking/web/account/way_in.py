"""What this browser keeps while somebody signs in, and the cookie they get."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request, session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.limits import Limiter
from booking.actions.open_session import LASTS
from booking.app_settings import secrets_of, settings
from booking.links import keyed_hash
from booking.models import SignIn
from booking.queries import accounts
from booking.web.account.browsers import browser_words
from booking.web.authorise import cookie_name, safe_next

_ASKED = "sign_in"


def this_network() -> Limiter:
    """Who is asking, for the limits against abuse."""
    return Limiter(settings().secret_key, request.remote_addr or "", settings().rate_limits)


def this_browser() -> str:
    """This browser in words."""
    return browser_words(request.headers.get("User-Agent", ""))


def new_browser_secret() -> tuple[str, str]:
    """A secret for this browser to keep while a code is under way, and the hash that is stored of it."""
    secret = secrets.token_urlsafe(16)
    return secret, _hash(settings().secret_key, secret)


def remember_request(asked: SignIn, secret: str, following: str | None) -> None:
    """Let this browser, and no other, use the code that was just sent."""
    session[_ASKED] = {"id": asked.id, "secret": secret, "next": safe_next(following) if following else None}


def forget_request() -> None:
    """The code was used: nothing of it stays in this browser."""
    session.pop(_ASKED, None)


def request_of_this_browser() -> SignIn | None:
    """The request to sign in that this browser made, while its code may serve."""
    kept = _kept()
    return accounts.open_request(kept["id"], browser_hashes(), clock.now()) if kept else None


def asked_here(sign_in_id: int) -> bool:
    """Whether a request to sign in is the one this browser made last."""
    return _kept().get("id") == sign_in_id


def browser_hashes() -> list[str]:
    """This browser's secret as each key may have named it; none where it asked for nothing."""
    kept = _kept()
    return [_hash(key, kept["secret"]) for key in secrets_of(settings())] if kept else []


def where_to_go() -> str | None:
    """Where somebody wanted to go when they were asked to sign in."""
    following = _kept().get("next")
    return str(following) if following else None


def go_signed_in(path: str, token: str) -> Response:
    """Go on with a session's cookie: for this host alone, read by no script, sent along by no other site's forms."""
    answer = redirect(path, 303)
    answer.set_cookie(cookie_name(), token, max_age=LASTS, path="/", secure=settings().secure, httponly=True, samesite="Lax")
    return answer


def go_signed_out(path: str) -> Response:
    """Go on without a session."""
    answer = redirect(path, 303)
    answer.delete_cookie(cookie_name(), path="/", secure=settings().secure, httponly=True, samesite="Lax")
    return answer


def _kept() -> dict[str, Any]:
    found = session.get(_ASKED)
    return found if isinstance(found, dict) else {}


def _hash(key: str, secret: str) -> str:
    return keyed_hash(key, "browser", secret)
