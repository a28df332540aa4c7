"""A secret feed: a calendar somebody subscribes to, under an address that can be taken back."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.db import Base, UtcDateTime


class Feed(Base):
    """The secret feed of one booker (all bookings of one proven address) or of one organisation (its slots with numbers)."""

    __tablename__ = "feeds"
    __table_args__ = (CheckConstraint("(email IS NULL) <> (organisation_id IS NULL)", name="of_one_owner"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    """In lower case. Deleted with the last booking that names it."""
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), unique=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(16), default=lambda: secrets.token_bytes(16))
    """What its address is derived from together with SECRET_KEY. Another nonce, another address: the old one is a 404."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())

    def renew(self, now: datetime) -> None:
        """Take the old address back and give a new one."""
        self.nonce, self.created_at = secrets.token_bytes(16), now
