"""A message: one mail to one person, a row of the outbox."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word
from booking.models.booking import Booking


class Kind(StrEnum):
    """What a message is about; its templates bear the same name."""

    BOOKING_TO_PROVE = "booking_to_prove"
    BOOKING_CONFIRMED = "booking_confirmed"
    BOOKING_CHANGED = "booking_changed"
    BOOKING_CANCELLED = "booking_cancelled"
    BOOKING_EXPIRED = "booking_expired"
    HOST_BOOKING_CONFIRMED = "host_booking_confirmed"
    HOST_BOOKING_CHANGED = "host_booking_changed"
    HOST_BOOKING_CANCELLED = "host_booking_cancelled"
    BOOKING_RESCHEDULED = "booking_rescheduled"
    BOOKER_LETTER = "booker_letter"
    WAITING_TO_PROVE = "waiting_to_prove"
    WAITING_JOINED = "waiting_joined"
    WAITING_ENDED = "waiting_ended"
    PLACES_OFFERED = "places_offered"
    BOOKING_PENDING = "booking_pending"
    BOOKING_REFUSED = "booking_refused"
    CHANGE_REFUSED = "change_refused"
    HEAD_ASKED = "head_asked"
    HEAD_REMINDED = "head_reminded"
    HOST_APPROVAL_ASKED = "host_approval_asked"
    HOST_REQUEST_EXPIRED = "host_request_expired"
    HOST_CHANGE_ASKED = "host_change_asked"
    BOOKING_DECLINED = "booking_declined"
    REPLY_UNSURE = "reply_unsure"
    RESTORE_REFUSED = "restore_refused"
    VISIT_IN_A_WEEK = "visit_in_a_week"
    VISIT_SOON = "visit_soon"
    VISIT_THANKS = "visit_thanks"
    HOST_SLOT = "host_slot"
    HOST_DAY = "host_day"
    MAIL_RECEIVED = "mail_received"
    SIGN_IN = "sign_in"
    MEMBER_INVITED = "member_invited"
    JOIN_ASKED = "join_asked"
    JOIN_ACCEPTED = "join_accepted"
    JOIN_REFUSED = "join_refused"
    LABEL_ASKED = "label_asked"
    LABEL_GRANTED = "label_granted"
    LABEL_RETURNED = "label_returned"
    LABEL_REFUSED = "label_refused"
    LABEL_REVIEW = "label_review"
    HELP_STARTED = "help_started"
    ACCOUNT_IDLE = "account_idle"


LETTERS = frozenset(
    {
        Kind.HOST_SLOT,
        Kind.HOST_DAY,
        Kind.MAIL_RECEIVED,
        Kind.SIGN_IN,
        Kind.MEMBER_INVITED,
        Kind.JOIN_ASKED,
        Kind.JOIN_ACCEPTED,
        Kind.JOIN_REFUSED,
        Kind.LABEL_ASKED,
        Kind.LABEL_GRANTED,
        Kind.LABEL_RETURNED,
        Kind.LABEL_REFUSED,
        Kind.LABEL_REVIEW,
        Kind.HELP_STARTED,
        Kind.ACCOUNT_IDLE,
    }
)
"""The kinds that are about no booking."""
TO_HOSTS = frozenset(
    {
        Kind.HOST_BOOKING_CONFIRMED,
        Kind.HOST_BOOKING_CHANGED,
        Kind.HOST_BOOKING_CANCELLED,
        Kind.HOST_APPROVAL_ASKED,
        Kind.HOST_REQUEST_EXPIRED,
        Kind.HOST_CHANGE_ASKED,
    }
)
"""The kinds the host's contacts read; every other one about a booking goes to the booker, or to the school's head."""
TO_HEAD = frozenset({Kind.HEAD_ASKED, Kind.HEAD_REMINDED})
"""The kinds that go to the school's official mailbox."""
ABOUT_BOOKINGS = tuple(kind for kind in Kind if kind not in LETTERS)


class Delivery(StrEnum):
    """Where a message stands. A claimed message is `queued` with a lease."""

    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"


class Message(Base):
    """One mail to one person. Facts are frozen when it is queued, bytes before the first attempt to send."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("booking_id", "kind", "sequence", "copy"),
        Index("ix_messages_due", "delivery", "next_attempt_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"))
    """None for a letter that is about no booking: a code to sign in, a decision about a label."""
    slot_id: Mapped[int | None] = mapped_column(ForeignKey("slots.id", ondelete="CASCADE"), index=True)
    """The slot whose calendar entry a mail to its host carries; None for every other one."""
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    sequence: Mapped[int] = mapped_column(default=0)
    """Which one of its kind for this booking; for invitations, their SEQUENCE."""
    copy: Mapped[int] = mapped_column(default=0)
    """Tells apart messages of one kind and SEQUENCE: a host's contacts, letters, a mail sent again by hand."""
    recipient: Mapped[str] = mapped_column(String(254))
    locale: Mapped[str] = mapped_column(String(2))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())

    message_id: Mapped[str | None] = mapped_column(String(120), unique=True)
    content: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    """The mail as it goes over the wire, the same at every attempt."""
    delivery: Mapped[Delivery] = mapped_column(Word(Delivery), default=Delivery.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime())
    """When it is due; once it is dead, when it was given up."""
    first_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When somebody first began to send it; None while nobody has."""
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    last_error: Mapped[str] = mapped_column(String(300), default="")
    bounced_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When a server wrote back that it cannot be delivered, for good; `last_error` says why."""

    booking: Mapped[Booking | None] = relationship()
