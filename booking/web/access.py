"""Which booking this visitor may see, and which addresses this browser has proven."""

from __future__ import annotations

import time

from flask import current_app, request, session

from booking.actions.limits import Limiter
from booking.app_settings import secrets_of, settings
from booking.errors import NotFound
from booking.links import MANAGE, keyed_hash, opens
from booking.models import Booking
from booking.queries import fetch

_MINE, _PROVEN = "mine", "proven"
_MOST_REMEMBERED = 40


def booking_or_404(reference: str) -> Booking:
    """The booking, if this browser made it or the request carries its secret link. Raises `NotFound` otherwise.

    The two halves of a split class have one page: who may see the one may see the other.
    """
    booking = fetch.booking(reference)
    for half in fetch.together(booking):
        if is_mine(half.reference) or given_token_opens(half, MANAGE):
            return booking
    raise NotFound


def given_token_opens(booking: Booking, purpose: str) -> bool:
    """Whether the token in the address or in the form opens this booking for this purpose."""
    token = given_token()
    return bool(token) and opens(token, secrets_of(settings()), purpose, booking.link_nonce)


def given_token() -> str:
    """The secret the request carries, or an empty text."""
    return request.form.get("token") or request.args.get("token") or ""


def remember(booking: Booking) -> None:
    """Let this browser come back to a booking, and to the other half of a split class, without its secret link."""
    these = [half.reference for half in fetch.together(booking)]
    mine = [reference for reference in session.get(_MINE, []) if reference not in these]
    session[_MINE] = [*mine, *these][-_MOST_REMEMBERED:]
    session.permanent = True


def is_mine(reference: str) -> bool:
    """Whether this browser made a booking or acted on it."""
    return reference in session.get(_MINE, ())


def remember_proven(email: str) -> None:
    """An address was proven in this browser: for some hours its bookings are confirmed at once."""
    until = int(time.time() + current_app.permanent_session_lifetime.total_seconds())
    session[_PROVEN] = {**session.get(_PROVEN, {}), _address_hash(email): until}
    session.permanent = True


def is_proven(email: str) -> bool:
    """Whether this browser has shown to own an address lately."""
    return float(session.get(_PROVEN, {}).get(_address_hash(email), 0)) > time.time()


def limiter() -> Limiter:
    """The limits against abuse, for who sends this request."""
    return Limiter(settings().secret_key, request.remote_addr or "", settings().rate_limits)


def forget() -> None:
    """Forget everything this browser was allowed: for computers that several people share."""
    session.clear()


def _address_hash(email: str) -> str:
    return keyed_hash(settings().secret_key, "proven", email.casefold())[:32]
