"""The history: who did what, when. Rows are added and never changed, but for what a purge takes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.db import Base, UtcDateTime, Word
from booking.models.booking import Actor, Status


@dataclass(frozen=True)
class Who:
    """Who acts: in which part, by which account, and for which organisation where that is not the account's own.

    A chamber's member who acts for a company does so with `acting_for_id` set to the chamber.
    """

    actor: Actor
    account_id: int | None = None
    acting_for_id: int | None = None


BOOKER = Who(Actor.BOOKER)
CALENDAR = Who(Actor.CALENDAR)
CLOCK = Who(Actor.CLOCK)
OPERATOR = Who(Actor.OPERATOR)
HEAD = Who(Actor.HEAD)
RULE = Who(Actor.RULE)


class Subject(StrEnum):
    """What a line of the history is about."""

    BOOKING = "booking"
    EVENT = "event"
    SLOT = "slot"
    LABEL = "label"
    ORGANISATION = "organisation"
    MEMBER = "member"
    MANDATE = "mandate"
    EDITION = "edition"
    ACCOUNT = "account"
    IMPORT = "import"
    POOL = "pool"


class HistoryEntry(Base):
    """One thing that happened, what it was about and whose affair it is. A booking's own lines replay to its state.

    A booking's `action` is booked, proven, head_approved, host_approved, confirmed, head_refused, host_refused, queued,
    offered, offer_accepted, offer_declined, list_closed, headcount_changed, change_asked, change_refused, rescheduled,
    changed_slot, split, cancelled, declined, booked_again, expired, letter_sent, mail_bounced, mail_sent_again, mail_handled,
    links_closed, feedback_given or pseudonymised; those of other subjects stand in `booking.actions`, one verb each.
    """

    __tablename__ = "history"
    __table_args__ = (
        CheckConstraint("actor <> ''", name="actor_named"),
        CheckConstraint(
            "booking_id IS NULL OR (status_after IS NOT NULL AND places_after IS NOT NULL)", name="booking_lines_have_states"
        ),
        Index("ix_history_organisation_at", "organisation_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    actor: Mapped[Actor] = mapped_column(Word(Actor))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    acting_for_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[Subject] = mapped_column(Word(Subject), default=Subject.BOOKING)
    subject_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(160), default="")
    """What the subject was called when it happened: an event's title, a booking's reference. Nobody's name or address."""
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """Whose affair it is: the host's, or the organisation's itself."""
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("editions.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"), index=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    status_before: Mapped[Status | None] = mapped_column(Word(Status))
    status_after: Mapped[Status | None] = mapped_column(Word(Status))
    places_after: Mapped[int | None]
    """Places a booking took once this had happened; 0 when they were given back."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """`changes` holds what changed, by field: `[before, after]`."""
