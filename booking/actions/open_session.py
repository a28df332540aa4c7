"""Open and end the sessions of people who are signed in."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from booking.actions.record_change import record_change
from booking.db import db
from booking.models import Account, Actor, Member, MemberState, Organisation, OrganisationKind, Session, Who
from booking.queries.accounts import sessions_of
from booking.queries.workspace import token_hash

LASTS = timedelta(days=7)
LASTS_FOR_AUTHORITIES = timedelta(hours=12)
"""How long a session lasts, however busy it is."""


def open_session(account: Account, browser: str, now: datetime) -> str:
    """Sign an account in, in one browser. Returns the token for its cookie; only its hash is stored.

    `browser` names it in words its owner recognises. The account must have been flushed. A second factor that was begun and never
    confirmed is forgotten: whoever was signed in before may have read its key.
    """
    token = secrets.token_urlsafe(32)
    lasts = LASTS_FOR_AUTHORITIES if _is_of_an_authority(account) else LASTS
    db.session.add(
        Session(
            account=account,
            token_hash=token_hash(token),
            browser=browser[:80],
            created_at=now,
            last_seen_at=now,
            expires_at=now + lasts,
        )
    )
    account.last_seen_at, account.warned_at, account.closed_at = now, None, None
    if not account.has_second_factor:
        account.totp_nonce = None
    db.session.flush()
    record_change(Who(Actor.ACCOUNT, account.id), "signed_in", account, now)
    return token


def exchange_token(session: Session, now: datetime) -> str:
    """The second factor was shown: the session goes on under a new token, which no one can have read before. Returns it.

    Who has come to an authority meanwhile gets the shorter time of its sessions.
    """
    token = secrets.token_urlsafe(32)
    session.token_hash, session.second_factor_at = token_hash(token), now
    if _is_of_an_authority(session.account):
        session.expires_at = min(session.expires_at, now + LASTS_FOR_AUTHORITIES)
    return token


def end_session(session_id: int, account: Account, now: datetime) -> bool:
    """End one of an account's own sessions. Says whether there was one to end."""
    session = db.session.get(Session, session_id, populate_existing=True)
    if session is None or session.account_id != account.id or session.ended_at is not None:
        return False
    session.ended_at = now
    record_change(Who(Actor.ACCOUNT, account.id), "signed_out", account, now)
    return True


def end_sessions(account: Account, who: Who, now: datetime, but: int | None = None) -> int:
    """End all sessions of an account, but one where its id is given. Says how many there were."""
    ended = 0
    for session in sessions_of(account.id, now):
        if session.id != but:
            session.ended_at = now
            ended += 1
    if ended:
        record_change(who, "signed_out", account, now, sessions=ended)
    return ended


def _is_of_an_authority(account: Account) -> bool:
    statement = (
        select(Member.id)
        .join(Organisation, Organisation.id == Member.organisation_id)
        .where(
            Member.account_id == account.id,
            Member.state == MemberState.ACTIVE,
            Organisation.kind == OrganisationKind.AUTHORITY,
        )
        .limit(1)
    )
    return db.session.scalar(statement) is not None
