"""Open and end the sessions of people who are signed in."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from booking.actions.record_change import record_change
from booking.db import db
from booking.models import Account, Actor, Member, MemberState, Organisation, OrganisationKind, Session, Who
from booking.queries.workspace import token_hash

LASTS = timedelta(days=7)
LASTS_FOR_AUTHORITIES = timedelta(hours=12)
"""How long a session lasts, however busy it is."""


def open_session(account: Account, browser: str, now: datetime) -> str:
    """Sign an account in, in one browser. Returns the token for its cookie; only its hash is stored.

    `browser` names it in words its owner recognises. The account must have been flushed.
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
    db.session.flush()
    record_change(Who(Actor.ACCOUNT, account.id), "signed_in", account, now)
    return token


def end_session(session_id: int, account: Account, now: datetime) -> bool:
    """End one of an account's own sessions. Says whether there was one to end."""
    session = db.session.get(Session, session_id, populate_existing=True)
    if session is None or session.account_id != account.id or session.ended_at is not None:
        return False
    session.ended_at = now
    record_change(Who(Actor.ACCOUNT, account.id), "signed_out", account, now)
    return True


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
