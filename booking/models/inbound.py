"""Mail that came in: kept as it came, decided about once, and remembered with what was done."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word
from booking.models.booking import Booking


class Arrived(StrEnum):
    """What a mail that came in turned out to be."""

    REPLY = "reply"
    """A calendar's answer to an invitation (RFC 5546, REPLY): accepted, tentative, declined or delegated."""
    COUNTER = "counter"
    """A calendar proposes another time (RFC 5546, COUNTER), or asks for the invitation again (REFRESH)."""
    BOUNCE = "bounce"
    """A mail server could not deliver a mail of ours (RFC 3464)."""
    AUTOMATIC = "automatic"
    """Out of office, a receipt, anything a program wrote (RFC 3834)."""
    HUMAN = "human"
    """Somebody wrote."""
    UNREADABLE = "unreadable"
    """Neither, or too large to be looked at."""


class Decision(StrEnum):
    """What was done about a mail that came in. It is decided once and never changes."""

    PLACES_FREED = "places_freed"
    """A genuine No: the booking was released and its places offered on."""
    BOOKED_AGAIN = "booked_again"
    """A genuine Yes after a No, while there was still room."""
    NO_ROOM = "no_room"
    """A genuine Yes after a No, when the places were gone; the booker was told."""
    NOTED = "noted"
    """A Yes or a Perhaps, kept with the booking; nothing else follows."""
    ASKED = "asked"
    """Not authentic enough, or about an older invitation: the booker was asked to say it with a click."""
    UNKNOWN_UID = "unknown_uid"
    OTHER_ATTENDEE = "other_attendee"
    """Somebody answers who was not invited."""
    OVERTAKEN = "overtaken"
    """The same answer again, or one older than what is known already."""
    TOO_LATE = "too_late"
    """The visit had begun, or was over."""
    ALREADY_ENDED = "already_ended"
    """The booking was cancelled before, by another way."""
    NOT_POSSIBLE = "not_possible"
    """Another time was proposed, or somebody else sent: nobody can do that in a calendar. The host sees it."""
    ADDRESS_FLAGGED = "address_flagged"
    """A permanent bounce of a mail of ours: the host sees that the address does not work."""
    DELAYED = "delayed"
    """A temporary bounce: the other server still tries."""
    PASSED_ON = "passed_on"
    """A person was told: the host, or the operator where it is about no booking."""
    NOTHING = "nothing"
    """Nothing follows: out of office, a receipt, garbage."""


FOR_PEOPLE = frozenset({Decision.PASSED_ON, Decision.NOT_POSSIBLE})
"""What somebody must read and answer: no program can."""


class Inbound(Base):
    """One mail that came in. The row is there before the mailbox is told that the mail was taken."""

    __tablename__ = "inbound_mails"
    __table_args__ = (
        Index(
            "ix_inbound_mails_undecided",
            "id",
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
        Index("ix_inbound_mails_organisation", "organisation_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the mail as it came: the same mail met twice, or by two readers, is one row."""
    received_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)
    """When it was taken from the mailbox."""
    size: Mapped[int]
    """Bytes of the whole mail, also where only its beginning is kept."""
    raw: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    """The mail as it came, cut where it was too large; emptied after 30 days."""
    sender: Mapped[str] = mapped_column(String(254), default="")
    subject: Mapped[str] = mapped_column(String(300), default="")
    arrived: Mapped[Arrived | None] = mapped_column(Word(Arrived))
    decision: Mapped[Decision | None] = mapped_column(Word(Decision))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    attempts: Mapped[int] = mapped_column(default=0)
    """How often somebody began to decide: a mail that stops its reader is laid aside after a few times."""
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """No attempt begins before; None: at once."""
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id", ondelete="SET NULL"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    """Which mail of ours it is about, where that is known."""
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """Whose affair it is: the host of the booking. None: the operator's."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Words and numbers of ours alone: the answer, its SEQUENCE, a bounce's status code. Nobody's name or address."""
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When a person said to have seen to it, where a person must."""
    handled_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))

    booking: Mapped[Booking | None] = relationship()

    @property
    def is_laid_aside(self) -> bool:
        """Whether no attempt to decide about it came to an end; who runs the house can have it tried again."""
        return bool((self.details or {}).get("laid_aside"))

    @property
    def is_for_people(self) -> bool:
        """Whether somebody must read it, or had to."""
        return self.decision in FOR_PEOPLE
