"""Sign in with a code or a link: once, in time, in the browser that asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import CursorResult, select, update

from booking import clock
from booking.actions.open_session import open_session
from booking.actions.record_change import record_change
from booking.db import db
from booking.links import SIGN_IN, fits_code, opens
from booking.models import Account, Actor, SignIn, Who
from booking.models.account import MOST_ATTEMPTS


@dataclass(frozen=True)
class Proof:
    """What somebody shows to sign in: the code as typed, or the token of the link."""

    code: str = ""
    token: str = ""

    def fits(self, secrets: Sequence[str], nonce: bytes) -> bool:
        """Whether it was derived from this nonce with one of these keys."""
        if self.token:
            return opens(self.token, secrets, SIGN_IN, nonce)
        return fits_code(self.code, secrets, SIGN_IN, nonce)


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in now, and the token for their cookie."""

    account: Account
    token: str


def sign_in(
    sign_in_id: int, proof: Proof, browser_hashes: Sequence[str], secrets: Sequence[str], browser: str, locale: str
) -> SignedIn | None:
    """Open a session for the address of a request, and its account where there is none yet.

    `browser_hashes` are this browser's secret under each key that may have named it, `browser` is its name in words. None where
    the proof is wrong or the request is over: used, too old, another browser's, or tried five times. It is an answer and no
    refusal, because the try must be counted, and a refusal would take the counting back.
    """
    now = clock.now()
    still_open = (
        SignIn.id == sign_in_id,
        SignIn.browser_hash.in_(browser_hashes),
        SignIn.used_at.is_(None),
        SignIn.expires_at > now,
        SignIn.attempts < MOST_ATTEMPTS,
    )
    tried = update(SignIn).where(*still_open).values(attempts=SignIn.attempts + 1)
    counted = db.session.execute(tried, execution_options={"synchronize_session": False})
    if not isinstance(counted, CursorResult) or counted.rowcount != 1:
        return None
    asked = db.session.get_one(SignIn, sign_in_id, populate_existing=True)
    if not proof.fits(secrets, asked.nonce):
        return None
    asked.used_at = now
    account = db.session.scalars(select(Account).where(Account.email == asked.email)).one_or_none()
    if account is None:
        account = Account(email=asked.email, locale=locale, created_at=now)
        db.session.add(account)
        db.session.flush()
        record_change(Who(Actor.ACCOUNT, account.id), "account_opened", account, now)
    return SignedIn(account, open_session(account, browser, now))
