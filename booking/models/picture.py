"""The picture of an event, as it was re-encoded: no byte of an uploaded file is ever served."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, deferred, mapped_column

from booking.db import Base


class Picture(Base):
    """One event's picture. It lives in the database, so that every web node has it and a backup holds it."""

    __tablename__ = "pictures"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    alt: Mapped[str] = mapped_column(String(200))
    """What it shows, for who cannot see it."""
    digest: Mapped[str] = mapped_column(String(16))
    """Names these very bytes in the picture's address, so that browsers may keep it for ever."""
    width: Mapped[int]
    height: Mapped[int]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary, nullable=False))
    """A JPEG without metadata."""
