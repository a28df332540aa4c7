"""Accounts nobody signs in to: warned, closed, deleted. `booking.queries.personal_data` says when; a purge calls these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete as delete_rows
from sqlalchemy import select

from booking.actions.open_session import end_sessions
from booking.actions.queue_message import queue_letter
from booking.actions.record_change import record_change
from booking.db import db
from booking.models import CLOCK, Account, Kind, Member, MemberState, Session
from booking.queries.personal_data import CLOSED_AFTER_WARNING_MONTHS, months_before

_PLAIN = {"synchronize_session": False}


def warn(ids: Sequence[int], now: datetime) -> None:
    """Write to the people of these accounts when theirs will be closed."""
    closes_at = months_before(now, -CLOSED_AFTER_WARNING_MONTHS)
    for account in _accounts(ids):
        account.warned_at = now
        queue_letter(account.email, account.locale, Kind.ACCOUNT_IDLE, now, closes_at=closes_at.isoformat())
        record_change(CLOCK, "account_warned", account, now)


def close(ids: Sequence[int], now: datetime) -> None:
    """Close these accounts until somebody signs in to them."""
    for account in _accounts(ids):
        account.closed_at = now
        end_sessions(account, CLOCK, now)
        record_change(CLOCK, "account_closed", account, now)


def delete(ids: Sequence[int], now: datetime) -> None:
    """Delete these accounts with their seats and sessions. The history keeps what was done; the database forgets by whom."""
    for account in _accounts(ids):
        seats = select(Member).where(Member.account_id == account.id, Member.state == MemberState.ACTIVE)
        for seat in db.session.scalars(seats):
            record_change(CLOCK, "ended", seat, now, role=seat.role)
        record_change(CLOCK, "account_deleted", account, now)
    for owned in (Session.account_id, Member.account_id, Account.id):
        db.session.execute(delete_rows(owned.class_).where(owned.in_(ids)), execution_options=_PLAIN)


def _accounts(ids: Sequence[int]) -> Sequence[Account]:
    statement = select(Account).where(Account.id.in_(ids)).order_by(Account.id).execution_options(populate_existing=True)
    return db.session.scalars(statement).all()
