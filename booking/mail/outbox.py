"""The outbox's statements: who may take a message, what was frozen, and how it ended.

A message is claimed with a lease, so that a worker that died frees it by itself, and under an owner's token, so that
a worker that slept too long finds out. Each function is one short transaction's work; sending happens between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.orm import aliased, joinedload, undefer

from booking import clock
from booking.actions.once import pass_over
from booking.db import db
from booking.mail.compose import Mail
from booking.models import Delivery, Kind, Message
from booking.models.message import TO_HEAD, TO_HOSTS

GIVES_UP_AFTER = timedelta(hours=72)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
INVITATIONS = (Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED, Kind.BOOKING_RESCHEDULED)
_PLAIN: dict[str, Any] = {"synchronize_session": False}


@dataclass(frozen=True)
class Claim:
    """A message this worker may send until `until`, and what stays known of it whatever the session forgets."""

    message_id: int
    kind: Kind
    recipient: str
    queued_at: datetime
    attempts: int
    owner: str
    until: datetime


def claim_next(owner: str, now: datetime, lease: timedelta) -> Claim | None:
    """Take the message that has been due longest, or None.

    Mails about one booking, and those with one slot's entry, leave to one person in the order they were queued (a calendar that
    meets SEQUENCE 1 before 0 may end with the older one): a message waits while an earlier one is queued; a dead one blocks
    nobody. A pause longer than any was made by a clock that has gone back since, and is over.
    """
    earlier = aliased(Message)
    of_one_person = earlier.recipient == Message.recipient, earlier.id < Message.id, earlier.delivery == Delivery.QUEUED
    overtakes = or_(
        exists().where(earlier.booking_id == Message.booking_id, *of_one_person),
        exists().where(earlier.slot_id == Message.slot_id, *of_one_person),
    )
    is_due = or_(Message.next_attempt_at <= now, Message.next_attempt_at > now + LONGEST_PAUSE)
    due = (
        select(Message.id, Message.kind, Message.recipient, Message.created_at, Message.attempts)
        .where(*_free(now), is_due, ~overtakes)
        .order_by(Message.next_attempt_at, Message.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Message)
    )
    found = db.session.execute(due).first()
    if found is None:
        return None
    until, attempts = now + lease, found.attempts + 1
    values: dict[str, Any] = {"lease": owner, "lease_until": until, "attempts": attempts}
    values |= {"first_tried_at": now} if attempts == 1 else {}
    taken = _update([Message.id == found.id, *_free(now)], values)
    return Claim(found.id, found.kind, found.recipient, found.created_at, attempts, owner, until) if taken else None


def _free(now: datetime) -> list[ColumnElement[bool]]:
    until = Message.lease_until
    return [Message.delivery == Delivery.QUEUED, or_(until.is_(None), until <= now, until > now + LONGEST_PAUSE)]


def claimed(claim: Claim) -> Message | None:
    """The claimed row with its booking and its bytes, fresh; None when it is gone or somebody else's."""
    statement = (
        select(Message)
        .where(*_mine(claim))
        .options(joinedload(Message.booking), undefer(Message.content))
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(statement).one_or_none()


def sent_before(message: Message) -> tuple[Sequence[str], bool]:
    """The Message-IDs this person got about this booking or slot, oldest first, and whether one of them was an invitation.

    A purge empties the recipients of old mails. They still tell the booker's from the host's and the head's by their
    kind, and must: a CANCEL is owed to whoever was invited, however long ago.
    """
    about = {Message.booking_id: message.booking_id, Message.slot_id: message.slot_id}
    statement = (
        select(Message.message_id, Message.kind, Message.slot_id)
        .where(
            or_(*(column == number for column, number in about.items() if number is not None)),
            or_(Message.recipient == message.recipient, and_(Message.recipient == "", _is_to_same_side(message.kind))),
            Message.id < message.id,
            Message.delivery == Delivery.SENT,
            Message.message_id.is_not(None),
        )
        .order_by(Message.id)
    )
    rows = db.session.execute(statement).all()
    of_slot = message.slot_id is not None
    was_invited = any(row.slot_id == message.slot_id if of_slot else row.kind in INVITATIONS for row in rows)
    return [row.message_id for row in rows], was_invited


def _is_to_same_side(kind: Kind) -> ColumnElement[bool]:
    if kind is Kind.HOST_SLOT:
        return Message.slot_id.is_not(None)
    for side in (TO_HOSTS, TO_HEAD):
        if kind in side:
            return Message.kind.in_(side)
    return Message.kind.not_in(TO_HOSTS | TO_HEAD)


def freeze(claim: Claim, mail: Mail) -> bool:
    """Keep the bytes every attempt will send. False where the claim is lost or bytes were frozen before."""
    unfrozen = [*_mine(claim), Message.content.is_(None)]
    return _update(unfrozen, {"message_id": mail.message_id, "content": mail.content})


def still_mine(claim: Claim, now: datetime) -> bool:
    """Whether the lease still holds; asked just before sending."""
    return now < claim.until and db.session.scalar(select(Message.id).where(*_mine(claim))) is not None


def mark_sent(claim: Claim, now: datetime) -> bool:
    """The server said 250. That is true whoever holds the lease by now, so only the state is asked for."""
    return _update(
        [Message.id == claim.message_id, Message.delivery == Delivery.QUEUED],
        {"delivery": Delivery.SENT, "sent_at": now, "lease": None, "lease_until": None, "last_error": ""},
    )


def mark_dead(claim: Claim, why: str) -> bool:
    """No further attempt will be made; the reason stays visible. `next_attempt_at` keeps when that was."""
    values = {"delivery": Delivery.DEAD, "next_attempt_at": clock.now(), "lease": None, "lease_until": None, "last_error": why}
    return _update(_mine(claim), values)


def reschedule(claim: Claim, now: datetime, why: str) -> Delivery | None:
    """Try again later: after a minute, then twice as long each time, up to four hours; dead once 72 hours are over.

    Answers with the message's new state, or None when the claim was lost.
    """
    last = claim.queued_at + GIVES_UP_AFTER
    if now >= last:
        return Delivery.DEAD if mark_dead(claim, why) else None
    pause = min(FIRST_PAUSE * 2 ** min(claim.attempts - 1, 16), LONGEST_PAUSE)
    values = {"next_attempt_at": min(now + pause, last), "lease": None, "lease_until": None, "last_error": why}
    return Delivery.QUEUED if _update(_mine(claim), values) else None


def withdraw(claim: Claim) -> bool:
    """Take a mail away that is of no use any more: it was never sent, and nobody need wonder why.

    What it was the mail of counts as passed over.
    """
    facts = db.session.scalar(select(Message.facts).where(*_mine(claim))) or {}
    pass_over(facts.get("occasions", []))
    statement = delete(Message).where(*_mine(claim))
    return db.session.execute(statement, execution_options=_PLAIN).rowcount == 1  # type: ignore[attr-defined,no-any-return]


def _mine(claim: Claim) -> list[ColumnElement[bool]]:
    return [Message.id == claim.message_id, Message.delivery == Delivery.QUEUED, Message.lease == claim.owner]


def _update(where: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> bool:
    statement = update(Message).where(*where).values(**values)
    return db.session.execute(statement, execution_options=_PLAIN).rowcount == 1  # type: ignore[attr-defined,no-any-return]
