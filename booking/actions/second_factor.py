"""The second factor of an account: begin and confirm it, show it after signing in, take it away.

Every step that takes a code counts the try first. A wrong code is an answer (None, False) and no refusal, because the counting
must be committed; after five of them within an hour no code is looked at any more.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from booking import clock
from booking.actions.limits import count_try, forget_tries
from booking.actions.one_time_codes import fitting_step, key_of, new_recovery_codes, recovery_hash
from booking.actions.open_session import exchange_token
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid, NotFound, Problem, SecondFactorNeeded
from booking.models import OPERATOR, Account, Actor, Session, Who
from booking.queries import accounts, workspace

MOST_WRONG_CODES = 5


@dataclass(frozen=True)
class Confirmed:
    """A second factor that protects from now on: the session's new token, and the recovery codes, told this once."""

    token: str
    recovery_codes: list[str]


def begin_second_factor(account_id: int) -> None:
    """Give an account the nonce its key is derived from. One that has begun keeps its key; one that is protected, too."""
    account, now = _account(account_id), clock.now()
    if account.totp_nonce is None:
        account.totp_nonce = random.token_bytes(16)
        record_change(_self(account), "second_factor_begun", account, now)


def confirm_second_factor(session_id: int, code: str, secrets: Sequence[str]) -> Confirmed | None:
    """Let the second factor protect the account, once its device has shown a first code. None where the code is wrong.

    Raises `Invalid` after five wrong codes, `NotFound` where nothing is begun.
    """
    session, account, now = *_session(session_id), clock.now()
    if account.totp_nonce is None or account.has_second_factor:
        raise NotFound
    _count(account, secrets, now)
    if not _takes_code(account, code, secrets, now):
        return None
    codes = new_recovery_codes()
    account.totp_since = now
    account.recovery_codes = [recovery_hash(secrets[0], account.id, one) for one in codes]
    record_change(_self(account), "second_factor_set", account, now)
    forget_tries(secrets[0], _subject(account))
    return Confirmed(exchange_token(session, now), codes)


def show_second_factor(session_id: int, code: str, secrets: Sequence[str]) -> str | None:
    """Take a code of the device, or a recovery code, for this session; its new token. None where the code is wrong.

    Raises `Invalid` after five wrong codes, `NotFound` where the account has no second factor.
    """
    session, account, now = *_session(session_id), clock.now()
    if not account.has_second_factor:
        raise NotFound
    _count(account, secrets, now)
    if not (_takes_code(account, code, secrets, now) or _takes_recovery_code(account, code, secrets, now)):
        return None
    record_change(_self(account), "second_factor_shown", account, now)
    forget_tries(secrets[0], _subject(account))
    return exchange_token(session, now)


def remove_second_factor(session_id: int, code: str, secrets: Sequence[str]) -> bool:
    """Take the second factor away, for a code of the device or a recovery code. False where the code is wrong.

    Raises `SecondFactorNeeded` for accounts that must have one, `Invalid` after five wrong codes, `NotFound` without one.
    """
    session, account, now = *_session(session_id), clock.now()
    if not account.has_second_factor:
        raise NotFound
    if workspace.visitor_of(session).needs_second_factor:
        raise SecondFactorNeeded
    _count(account, secrets, now)
    if not (_takes_code(account, code, secrets, now) or _takes_recovery_code(account, code, secrets, now)):
        return False
    _forget(account)
    record_change(_self(account), "second_factor_removed", account, now)
    forget_tries(secrets[0], _subject(account))
    return True


def reset_second_factor(email: str) -> bool:
    """An operator takes a lost second factor away and ends every session; it is set up anew after the next sign-in.

    Says whether there was anything to take. Raises `NotFound` where there is no such account.
    """
    found, now = accounts.account_of(email), clock.now()
    if found is None:
        raise NotFound
    account = _account(found.id)
    if account.totp_nonce is None:
        return False
    _forget(account)
    for session in accounts.sessions_of(account.id, now):
        session.ended_at = now
    record_change(OPERATOR, "second_factor_reset", account, now)
    return True


def _account(account_id: int) -> Account:
    """The account, fresh and locked: whoever else shows the same code waits, and finds it used."""
    statement = select(Account).where(Account.id == account_id).with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(statement).one()


def _session(session_id: int) -> tuple[Session, Account]:
    session = db.session.get(Session, session_id, populate_existing=True)
    if session is None or session.ended_at is not None:
        raise NotFound
    return session, _account(session.account_id)


def _self(account: Account) -> Who:
    return Who(Actor.ACCOUNT, account.id)


def _subject(account: Account) -> str:
    return f"second-factor:{account.id}"


def _count(account: Account, secrets: Sequence[str], now: datetime) -> None:
    if count_try(secrets[0], _subject(account), now) > MOST_WRONG_CODES:
        raise Invalid({"code": Problem("too_many_codes")})


def _takes_code(account: Account, code: str, secrets: Sequence[str], now: datetime) -> bool:
    keys = [key_of(secret, account.totp_nonce or b"") for secret in secrets]
    step = fitting_step(code, keys, account.totp_step, now)
    if step is not None:
        account.totp_step = step
    return step is not None


def _takes_recovery_code(account: Account, code: str, secrets: Sequence[str], now: datetime) -> bool:
    hashes = {recovery_hash(secret, account.id, code) for secret in secrets}
    left = [kept for kept in account.recovery_codes if kept not in hashes]
    if len(left) == len(account.recovery_codes):
        return False
    account.recovery_codes = left
    record_change(_self(account), "recovery_code_used", account, now, left=len(left))
    return True


def _forget(account: Account) -> None:
    account.totp_nonce = account.totp_since = account.totp_step = None
    account.recovery_codes = []
