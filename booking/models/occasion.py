"""Occasions: what is done once, whatever the clock does."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from booking.db import Base, UtcDateTime


class Occasion(Base):
    """One thing that was done, or passed over, and is never done again: a reminder of one visit on one day, a day's digest."""

    __tablename__ = "occasions"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    """The kind of message, what it is about and the day in Paris, for example `visit_soon:17:2026-11-24`."""
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    told: Mapped[bool] = mapped_column(default=True)
    """False where it was passed over: switched off, or too late to be of use."""
