"""What a mail that came in says, as far as we care: plain values that a database can keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from booking.models.inbound import Arrived


@dataclass(frozen=True)
class CalendarAnswer:
    """What one attendee's calendar answers (RFC 5546). Nothing of it is proven: see `is_authentic`."""

    method: str
    """REPLY, COUNTER, REFRESH or DECLINECOUNTER."""
    uid: str
    sequence: int
    """Of the invitation that is answered; 0 where it is missing."""
    stamp: datetime | None
    """DTSTAMP in UTC: when the answer was given. None where it names no instant."""
    attendee: str
    """The bare address in lower case."""
    partstat: str
    """ACCEPTED, DECLINED, TENTATIVE, DELEGATED, NEEDS-ACTION, or what else stood there, in upper case."""
    comment: str


@dataclass(frozen=True)
class Bounce:
    """What a mail server says about a mail it could not deliver (RFC 3464, or the customs of older ones)."""

    permanent: bool
    """The server gave up. Where it still tries, False."""
    status: str
    """An enhanced status code (RFC 3463) such as 5.1.1; "" where there is none."""
    recipient: str
    """The bare address in lower case; "" where it is not said."""
    original_id: str
    """The Message-ID of our mail with its angle brackets; "" where it is not said."""
    reason: str
    """What the server said, on one line of at most 300 characters."""


@dataclass(frozen=True)
class ReadMail:
    """One mail, read. No text holds a control character (but line ends in `text`) or half a character."""

    arrived: Arrived
    sender: str
    """The bare address of From in lower case; "" where there is none, or more than one: nobody can say who speaks then."""
    reply_to: str
    real_sender: str
    """The address of the Sender header."""
    subject: str
    message_id: str
    references: tuple[str, ...]
    """The ids of In-Reply-To, then of References, each once and with its angle brackets."""
    tags: tuple[str, ...]
    """References of bookings in plus-addresses the mail was sent to. Anybody can write one."""
    answers: tuple[CalendarAnswer, ...]
    bounce: Bounce | None
    text: str
    """What a person wrote, as plain text of at most 20,000 characters."""
    results: tuple[str, ...]
    """The Authentication-Results headers (RFC 8601) as they came, the topmost first."""
