"""The history: who did what, when. Rows are added and never changed, but for the reasons a purge takes out of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.db import Base, UtcDateTime, Word
from booking.models.booking import Actor, Status


class HistoryEntry(Base):
    """One thing that happened to one booking: `action` is booked, confirmed, headcount_changed, cancelled,
    expired, links_closed or pseudonymised."""

    __tablename__ = "history"
    __table_args__ = (CheckConstraint("actor <> ''", name="actor_named"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    actor: Mapped[Actor] = mapped_column(Word(Actor))
    action: Mapped[str] = mapped_column(String(32))
    status_before: Mapped[Status | None] = mapped_column(Word(Status))
    status_after: Mapped[Status] = mapped_column(Word(Status))
    places_after: Mapped[int]
    """Places taken once this had happened; 0 when they were given back."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
