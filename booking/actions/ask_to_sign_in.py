"""Ask to sign in: a code and a link go to an address, whoever it belongs to."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from booking import clock
from booking.actions.limits import Limiter
from booking.actions.queue_message import queue_letter
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Actor, Kind, SignIn, Who

LASTS = timedelta(minutes=10)


def ask_to_sign_in(email: str, browser_hash: str, locale: str, limiter: Limiter, own_address: str = "") -> SignIn:
    """Queue the letter with the code for an address, and let every earlier code of that address end.

    No account is looked up: known and unknown addresses take the same statements. `browser_hash` ties the request to the
    browser it came from. Raises `TooMany`, or `Invalid` for the address our own mail comes from.
    """
    now = clock.now()
    email = email.casefold()
    if email == own_address.casefold():
        raise Invalid({"email": Problem("own_address")})
    limiter.count(email, now)
    earlier = SignIn.email == email, SignIn.used_at.is_(None), SignIn.expires_at > now
    db.session.execute(update(SignIn).where(*earlier).values(expires_at=now), execution_options={"synchronize_session": False})
    asked = SignIn(email=email, browser_hash=browser_hash, created_at=now, expires_at=now + LASTS)
    db.session.add(asked)
    db.session.flush()
    record_change(Who(Actor.ACCOUNT), "sign_in_asked", asked, now)
    facts = {"sign_in": asked.id, "nonce": asked.nonce.hex(), "expires_at": asked.expires_at.isoformat()}
    queue_letter(email, locale, Kind.SIGN_IN, now, **facts)
    return asked
