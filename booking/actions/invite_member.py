"""Invite somebody into an organisation, by address: the account is there at once, and signing in proves the address."""

from __future__ import annotations

from sqlalchemy import select

from booking import clock
from booking.actions.limits import Limiter
from booking.actions.queue_message import queue_letter
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Account, Kind, Member, MemberState, Organisation, Role, Who
from booking.queries.accounts import account_of


def invite_member(
    organisation_id: int, email: str, role: Role, who: Who, limiter: Limiter | None = None, own_address: str = ""
) -> tuple[Member, bool]:
    """Give somebody a role, and write to them. Who has one keeps it, whichever it is; who asked, was refused or left comes in.

    Returns the membership, and whether anything changed. Raises `TooMany`, or `Invalid` for the address our own mail comes from.
    """
    now = clock.now()
    email = email.casefold()
    if email == own_address.casefold():
        raise Invalid({"email": Problem("own_address")})
    organisation = db.session.get_one(Organisation, organisation_id, populate_existing=True)
    account = account_of(email)
    if account is None:
        account = Account(email=email, created_at=now)
        db.session.add(account)
        db.session.flush()
        record_change(who, "account_opened", account, now)
    same = Member.account_id == account.id, Member.organisation_id == organisation.id
    member = db.session.scalars(select(Member).where(*same)).one_or_none()
    if member is not None and member.state is MemberState.ACTIVE:
        return member, False
    if limiter is not None:
        limiter.count(email, now)
    if member is None:
        member = Member(account=account, organisation=organisation)
        db.session.add(member)
    member.role, member.state, member.since, member.decided_at = role, MemberState.ACTIVE, now, None
    db.session.flush()
    record_change(who, "invited", member, now, role=role)
    queue_letter(email, account.locale, Kind.MEMBER_INVITED, now, organisation=organisation.name)
    return member, True
