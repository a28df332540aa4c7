"""Accept or refuse somebody who asked to join an organisation."""

from __future__ import annotations

from booking import clock
from booking.actions.queue_message import queue_letter
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import NotFound
from booking.models import Kind, Member, MemberState, Who


def accept_member(member_id: int, who: Who) -> bool:
    """Let somebody in who asked, in the role they asked for, and tell them. What is decided stays as it is.

    Says whether anything changed. Raises `NotFound`. Whether `who` may decide is the caller's question.
    """
    return _decide(member_id, MemberState.ACTIVE, "accepted", Kind.JOIN_ACCEPTED, who)


def refuse_member(member_id: int, who: Who) -> bool:
    """Refuse somebody who asked, and tell them. What is decided stays as it is; says whether anything changed.

    Raises `NotFound`. Whether `who` may decide is the caller's question.
    """
    return _decide(member_id, MemberState.REFUSED, "refused", Kind.JOIN_REFUSED, who)


def _decide(member_id: int, state: MemberState, action: str, letter: Kind, who: Who) -> bool:
    member, now = db.session.get(Member, member_id, populate_existing=True, with_for_update=True), clock.now()
    if member is None:
        raise NotFound
    if member.state is not MemberState.ASKED:
        return False
    member.state, member.decided_at = state, now
    record_change(who, action, member, now, role=member.role)
    queue_letter(member.account.email, member.account.locale, letter, now, organisation=member.organisation.name)
    return True
