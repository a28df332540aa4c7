"""Delivery: claim, freeze, send, mark. At least once, and never again after a 250 the database has heard of.

The four steps are four transactions, and the network is used between them, never inside one. A worker killed after
the 250 and before the mark leaves a message that is sent once more with the same bytes: a rare identical copy is
better than a lost confirmation.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from booking import clock
from booking.addresses import wire_address
from booking.config import Settings
from booking.db import db, in_transaction
from booking.mail import outbox
from booking.mail.compose import compose, compose_letter, compose_slot_mail, envelope_sender
from booking.mail.outbox import Claim
from booking.mail.timely import is_of_use
from booking.models import Delivery, Kind, Message

log = logging.getLogger("coulisses.worker")

LEASE = timedelta(minutes=5)
_LONGEST_ERROR = 300
_MARK_PAUSES = (0.2, 1, 3, 10, 30, 0)
"""Seconds between attempts to write down a 250 while the database does not answer."""


class TemporaryFailure(Exception):
    """The mail may get through later. `unreachable` means no mail would have: the server, its TLS or our account."""

    def __init__(self, why: str, *, unreachable: bool = False) -> None:
        super().__init__(why)
        self.unreachable = unreachable


class PermanentFailure(Exception):
    """The mail will never get through: the address or the mail itself was refused."""


class Transport(Protocol):
    """Hands one mail to a server. Returns once the server has taken it over, else raises one of the failures above."""

    def send(self, envelope_from: str, recipient: str, content: bytes) -> None:
        """Send these very bytes to one recipient."""


class Outcome(StrEnum):
    """How one attempt ended. `lost`: somebody else has the message, or it is gone."""

    SENT = "sent"
    LATER = "later"
    DEAD = "dead"
    LOST = "lost"


_AFTER_FAILURE = {Delivery.QUEUED: Outcome.LATER, Delivery.DEAD: Outcome.DEAD, None: Outcome.LOST}


@dataclass(frozen=True)
class Attempt:
    """What became of one claimed message. `unreachable` asks the worker to pause before the next."""

    message_id: int
    kind: Kind
    outcome: Outcome
    unreachable: bool = False


def deliver_next(settings: Settings, transport: Transport) -> Attempt | None:
    """Attempt the message that has been due longest; None when nothing is due. Begins and ends its own transactions.

    Database errors are passed on, but a 250 is written down with patience first.
    """
    owner = secrets.token_hex(16)
    claim = in_transaction(lambda: outbox.claim_next(owner, clock.now(), lease_time(settings)))
    if claim is None:
        return None
    attempt = _attempt(claim, settings, transport)
    log.info("message id=%s kind=%s outcome=%s", attempt.message_id, attempt.kind, attempt.outcome)
    return attempt


def lease_time(settings: Settings) -> timedelta:
    """How long a claim lasts: five minutes, or more where the server may be waited for longer.

    A conversation has at most eight waits (`booking.transport` sees to it), and must end inside its lease.
    """
    return max(LEASE, timedelta(seconds=8 * settings.mail_timeout + 30))


def _attempt(claim: Claim, settings: Settings, transport: Transport) -> Attempt:
    try:
        prepared = _prepare(claim, settings)
    except SQLAlchemyError:
        raise
    except Exception as error:  # a mail that cannot be written must not stop the others
        log.exception("message id=%s kind=%s cannot be rendered", claim.message_id, claim.kind)
        return _dead(claim, f"cannot be rendered: {type(error).__name__}")
    if prepared is None:
        return Attempt(claim.message_id, claim.kind, Outcome.LOST)
    try:
        transport.send(*prepared)
    except PermanentFailure as failure:
        return _dead(claim, scrubbed(str(failure), claim.recipient))
    except TemporaryFailure as failure:
        return _later(claim, scrubbed(str(failure), claim.recipient), unreachable=failure.unreachable)
    except Exception as error:  # a fault of the transport is no reason to lose a mail
        log.exception("message id=%s kind=%s: the transport failed", claim.message_id, claim.kind)
        return _later(claim, f"transport failed: {type(error).__name__}", unreachable=False)
    _patiently(lambda: outbox.mark_sent(claim, clock.now()))
    return Attempt(claim.message_id, claim.kind, Outcome.SENT)


def _prepare(claim: Claim, settings: Settings) -> tuple[str, str, bytes] | None:
    """Envelope sender, recipient and frozen bytes; None when the claim was lost, or the mail came too late to be of use.

    Leaves no transaction open.
    """
    message = outbox.claimed(claim)
    if message is None:
        db.session.commit()
        return None
    if not is_of_use(message, clock.now()):
        in_transaction(lambda: outbox.withdraw(claim))
        return None
    sender = envelope_sender(settings.sender_address, message.booking.reference if message.booking else f"m{message.id}")
    envelope = sender, wire_address(claim.recipient)
    content = message.content or _freeze(claim, message, settings)
    mine = content is not None and outbox.still_mine(claim, clock.now())
    db.session.commit()
    return (*envelope, content) if content is not None and mine else None


def _freeze(claim: Claim, message: Message, settings: Settings) -> bytes | None:
    """Write the mail and commit its bytes before they are first sent. None when the claim was lost meanwhile."""
    if message.booking:
        earlier, was_invited = outbox.sent_before(message)
        mail = compose(message, message.booking.link_nonce, earlier, settings, was_invited=was_invited)
    elif message.slot_id is not None:
        earlier, was_invited = outbox.sent_before(message)
        mail = compose_slot_mail(message, earlier, settings, was_invited=was_invited)
    else:
        mail = compose_letter(message, settings)
    return mail.content if in_transaction(lambda: outbox.freeze(claim, mail)) else None


def _dead(claim: Claim, why: str) -> Attempt:
    marked = in_transaction(lambda: outbox.mark_dead(claim, why))
    log.warning("message id=%s kind=%s is dead: %s", claim.message_id, claim.kind, why)
    return Attempt(claim.message_id, claim.kind, Outcome.DEAD if marked else Outcome.LOST)


def _later(claim: Claim, why: str, *, unreachable: bool) -> Attempt:
    state = in_transaction(lambda: outbox.reschedule(claim, clock.now(), why))
    log.warning("message id=%s kind=%s was not taken: %s", claim.message_id, claim.kind, why)
    return Attempt(claim.message_id, claim.kind, _AFTER_FAILURE[state], unreachable)


def _patiently(mark: Callable[[], bool]) -> None:
    """Write down a 250 although the database may be away for a moment: forgetting it would send a second copy."""
    for pause in _MARK_PAUSES:
        try:
            in_transaction(mark)
            return
        except SQLAlchemyError as error:
            log.error("a sent message could not be marked: %s", type(error).__name__)
            if not pause:
                raise
            db.session.remove()
            time.sleep(pause)


def scrubbed(text: str, recipient: str) -> str:
    """A server's answer without the addresses it likes to quote, short enough to keep."""
    local = recipient.rpartition("@")[0]
    without = re.sub(r"<?[^\s<>:;,()\"']+@[^\s<>:;,()\"']+>?", "(address)", " ".join(text.split()))
    if len(local) > 2:
        without = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "(address)", without, flags=re.IGNORECASE)
    return "".join(sign for sign in without if sign.isprintable())[:_LONGEST_ERROR]
