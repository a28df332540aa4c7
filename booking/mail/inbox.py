"""Mail comes in: from a mailbox into a row, from a row to a decision, and each mail is decided once.

The row is committed before the mailbox hears that the mail was taken, and it is unique by the mail's own bytes: a reader
that dies in between meets the mail again and finds it taken. A decision and everything it does are one transaction.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError

from booking import clock
from booking.config import Settings
from booking.db import db, in_transaction, is_passing
from booking.mail.deciding import decide
from booking.mail.reading import ReadMail, read_mail
from booking.mail.reading.parts import MOST_BYTES
from booking.models import Arrived, Decision, Inbound

log = logging.getLogger("coulisses.inbox")

LARGEST = MOST_BYTES
"""Bytes of a mail that are kept whole: what is larger is not looked into."""
BEGINNING = 65_536
"""Bytes that are kept of a larger one."""
PAUSES = (timedelta(0), timedelta(minutes=2), timedelta(minutes=30), timedelta(hours=6), timedelta(days=1))
"""After each attempt at a mail, how long it is left alone. At once, for most readers that stop were stopped; then longer and
longer, so that what is wrong with us can be mended; and after the last one it is laid aside."""
MOST_ATTEMPTS = len(PAUSES)


@dataclass(frozen=True)
class Arrival:
    """A mail in a mailbox: its bytes, or the beginning of what is too large; its whole size; what the mailbox calls it."""

    raw: bytes
    size: int
    handle: Any


class Mailbox(Protocol):
    """Where mail arrives. What was not said to be done is new again the next time."""

    def new(self) -> Iterator[Arrival]:
        """The mails nobody has taken yet, the oldest first."""

    def done(self, arrival: Arrival) -> None:
        """Mark a mail as taken. Its row is committed by now."""


class Undecided(Exception):
    """A mail could not be decided about, for a reason of its own: its number is `inbound_id`. It stays undecided."""

    def __init__(self, inbound_id: int) -> None:
        super().__init__(f"mail {inbound_id} could not be decided about")
        self.inbound_id = inbound_id


def read_inbox(settings: Settings, mailbox: Mailbox) -> Counter[str]:
    """Take everything that is new, then decide until nothing is undecided. What was taken is decided even if the mailbox fails.

    Begins and ends its own transactions. Returns how often each `Decision` was taken, and `taken` mails.
    """
    counts: Counter[str] = Counter()
    try:
        for stored in take_all(mailbox):
            counts["taken"] += stored
    finally:
        counts += decide_all(settings)
    return counts


def take_all(mailbox: Mailbox) -> Iterator[bool]:
    """Take one mail after the other, each in a transaction; says of each whether it was not here before."""
    for arrival in mailbox.new():
        stored = in_transaction(partial(take_in, arrival.raw, clock.now(), arrival.size))
        mailbox.done(arrival)
        yield stored is not None


def take_in(raw: bytes, now: datetime, size: int | None = None) -> int | None:
    """Store one mail, inside the caller's transaction; its number, or None where it is here already.

    `size` is that of the whole mail in bytes, where `raw` is only its beginning. Of a mail that is too large the beginning is
    kept. Mailboxes differ in how lines end, so that says nothing about whether two mails are one.
    """
    whole = len(raw) if size is None else size
    kept = raw[:BEGINNING] if whole > LARGEST else raw
    fingerprint = hashlib.sha256(kept.replace(b"\r\n", b"\n")).hexdigest()
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(Inbound).values(fingerprint=fingerprint, received_at=now, size=whole, raw=kept)
    number: int | None = db.session.scalar(statement.on_conflict_do_nothing(index_elements=["fingerprint"]).returning(Inbound.id))
    return number


def decide_all(settings: Settings, most: int | None = None, stopping: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Decide about what is undecided, up to `most` mails; one in trouble keeps no other. Counts each `Decision`."""
    counts: Counter[str] = Counter()
    left: set[int] = set()
    while (most is None or counts.total() + len(left) < most) and not stopping():
        try:
            decision = decide_next(settings, left)
        except Undecided as error:
            log.exception("mail id=%s could not be decided about", error.inbound_id)
            left.add(error.inbound_id)
            continue
        if decision is None:
            break
        counts[decision] += 1
    return counts


def decide_next(settings: Settings, leave: Collection[int] = ()) -> Decision | None:
    """Decide about the oldest undecided mail but for those to `leave`; None where there is none.

    Two transactions: the first counts the attempt, so that a mail that stops its reader is laid aside after a few; the second
    holds the decision and all that follows from it. A mail tried before comes after those that were not, and not before its
    pause is over.
    Raises `Undecided`, and the database's own errors where it is the database that is in trouble.
    """
    while _is_due() and (claimed := in_transaction(partial(_claim, leave))) is not None:
        decision = _lay_aside(claimed) if claimed.attempts >= MOST_ATTEMPTS else _attempt(claimed, settings)
        if decision is not None:
            log.info("mail id=%s decision=%s", claimed.id, decision)
            return decision
    return None


def bring_back(mail_id: int) -> bool:
    """Let a mail that was laid aside be tried anew, from the first attempt on; says whether there was one to be read.

    So may one that could not be read: nothing was done about it either, and a reader that is mended may understand it. What
    happened since counts: an answer older than another one is overtaken, as if it had come late.
    """
    mail = db.session.get(Inbound, mail_id, populate_existing=True, with_for_update=True)
    if mail is None or mail.raw is None or (mail.arrived, mail.decision) != (Arrived.UNREADABLE, Decision.NOTHING):
        return False
    mail.arrived = mail.decision = mail.decided_at = mail.next_attempt_at = None
    mail.attempts, mail.details = 0, {}
    return True


def laid_aside() -> list[int]:
    """The numbers of the mails that can be brought back, the oldest first."""
    aside = Inbound.details["laid_aside"].as_boolean(), Inbound.raw.is_not(None)
    return list(db.session.scalars(select(Inbound.id).where(*aside).order_by(Inbound.id)))


def _is_due() -> bool:
    """Whether a mail is to be decided about now; ends the transaction it reads in."""
    waits = bool(db.session.scalar(select(exists().where(*_due(clock.now())))))
    db.session.commit()
    return waits


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Undecided, and not just tried. A pause longer than any was made by a clock that has gone back since."""
    at = Inbound.next_attempt_at
    return Inbound.decided_at.is_(None), or_(at.is_(None), at <= now, at > now + PAUSES[-1])


class _Claimed(NamedTuple):
    id: int
    attempts: int
    raw: bytes | None
    size: int


def _claim(leave: Collection[int]) -> _Claimed | None:
    now = clock.now()
    statement = (
        select(Inbound.id, Inbound.attempts, Inbound.raw, Inbound.size)
        .where(*_due(now), Inbound.id.not_in(leave))
        .order_by(Inbound.attempts, Inbound.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = db.session.execute(statement).first()
    if found is None:
        return None
    if found.attempts < MOST_ATTEMPTS:
        tried = {"attempts": found.attempts + 1, "next_attempt_at": now + PAUSES[found.attempts]}
        db.session.execute(update(Inbound).where(Inbound.id == found.id).values(**tried))
    return _Claimed(*found)


def _attempt(claimed: _Claimed, settings: Settings) -> Decision | None:
    """Read and decide; None where somebody else has decided meanwhile."""
    try:
        mail = read_mail(claimed.raw) if claimed.raw is not None else None
        return in_transaction(lambda: _decide_once(claimed.id, mail, settings))
    except (DBAPIError, StaleDataError) as error:
        if is_passing(error) or (isinstance(error, DBAPIError) and error.connection_invalidated):
            raise
        raise Undecided(claimed.id) from error
    except SQLAlchemyError:
        raise
    except Exception as error:
        raise Undecided(claimed.id) from error


def _decide_once(inbound_id: int, mail: ReadMail | None, settings: Settings) -> Decision | None:
    inbound = _locked(inbound_id)
    if inbound is None:
        return None
    now = clock.now()
    if mail is None:
        inbound.arrived, inbound.decision = Arrived.UNREADABLE, Decision.NOTHING
    else:
        decide(inbound, mail, settings, now)
    inbound.decided_at = now
    return inbound.decision


def _lay_aside(claimed: _Claimed) -> Decision | None:
    log.error("mail id=%s is laid aside after %s attempts", claimed.id, claimed.attempts)

    def work() -> Decision | None:
        inbound = _locked(claimed.id)
        if inbound is None:
            return None
        inbound.arrived, inbound.decision, inbound.decided_at = Arrived.UNREADABLE, Decision.NOTHING, clock.now()
        inbound.details = {"laid_aside": True}
        return inbound.decision

    return in_transaction(work)


def _locked(inbound_id: int) -> Inbound | None:
    """The row, which nobody else can decide about now; None where somebody has."""
    statement = select(Inbound).where(Inbound.id == inbound_id).with_for_update()
    inbound = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    return inbound if inbound is not None and inbound.decided_at is None else None
