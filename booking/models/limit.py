"""Counters against abuse. They live in the database because they must survive a restart and be shared."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from booking.db import Base, UtcDateTime


class LimitCounter(Base):
    """How often one thing happened for one subject in one hour. The subject is a keyed hash, never an address."""

    __tablename__ = "limit_counters"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime(), primary_key=True)
    count: Mapped[int]
