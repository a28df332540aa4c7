"""The host's calendar entry of a slot: one UID for as long as the slot is there, whoever books it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.db import Base, UtcDateTime
from booking.models.slot import Slot

_IS_DUE = text("due_at IS NOT NULL")


class HostEntry(Base):
    """What the host's contacts have in their calendars about one slot, and when they hear of it next."""

    __tablename__ = "host_entries"
    __table_args__ = (Index("ix_host_entries_due", "due_at", sqlite_where=_IS_DUE, postgresql_where=_IS_DUE),)

    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    uid: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: str(uuid.uuid4()))
    sequence: Mapped[int] = mapped_column(default=0)
    """Rises with time, place, title and cancellation, never with the headcount: such an update is a quiet one."""
    stamp: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """DTSTAMP of the last entry queued, in whole seconds; None while the contacts have none."""
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the contacts are to hear of the slot; None while nothing has changed."""
    told: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the last entry said: times, place, title, numbers. Nobody's name."""

    slot: Mapped[Slot] = relationship()

    def next_entry(self, now: datetime, *, greater: bool) -> None:
        """Advance DTSTAMP, which strictly rises, and SEQUENCE where the change is one a calendar must ask about again."""
        stamp = now.replace(microsecond=0)
        if self.stamp is not None:
            self.sequence += greater
            stamp = max(stamp, self.stamp + timedelta(seconds=1))
        self.stamp = stamp
