"""Change a membership: another role, or its end. An organisation never loses its last manager."""

from __future__ import annotations

from sqlalchemy import exists, select

from booking import clock
from booking.actions.open_session import end_sessions
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import LastManager, NotFound
from booking.models import Member, MemberState, Organisation, Role, Who


def change_role(member_id: int, role: Role, who: Who) -> bool:
    """Give a member another role. Says whether anything changed. Raises `NotFound` or `LastManager`."""
    member, now = _locked(member_id), clock.now()
    if member.state is not MemberState.ACTIVE:
        raise NotFound
    if member.role is role:
        return False
    _keep_a_manager(member)
    before, member.role = member.role, role
    record_change(who, "role_changed", member, now, {"role": (before, role)})
    return True


def end_membership(member_id: int, who: Who) -> bool:
    """End a membership, or take back a request to join. Who has no seat left anywhere is signed out everywhere.

    Says whether anything changed. Raises `NotFound` or `LastManager`.
    """
    member, now = _locked(member_id), clock.now()
    if member.state not in {MemberState.ACTIVE, MemberState.ASKED}:
        return False
    if member.state is MemberState.ACTIVE:
        _keep_a_manager(member)
    member.state, member.decided_at = MemberState.ENDED, now
    db.session.flush()
    record_change(who, "ended", member, now, role=member.role)
    left = exists().where(Member.account_id == member.account_id, Member.state.in_([MemberState.ACTIVE, MemberState.ASKED]))
    if not db.session.scalar(select(left)):
        end_sessions(member.account, who, now)
    return True


def _locked(member_id: int) -> Member:
    """The membership, fresh, behind the lock of its organisation: two managers who leave at once leave one after the other."""
    organisation_id = db.session.scalar(select(Member.organisation_id).where(Member.id == member_id))
    if organisation_id is None:
        raise NotFound
    db.session.execute(select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())
    return db.session.get_one(Member, member_id, populate_existing=True)


def _keep_a_manager(leaving: Member) -> None:
    if leaving.role is not Role.MANAGER:
        return
    other = exists().where(
        Member.organisation_id == leaving.organisation_id,
        Member.id != leaving.id,
        Member.role == Role.MANAGER,
        Member.state == MemberState.ACTIVE,
    )
    if not db.session.scalar(select(other)):
        raise LastManager
