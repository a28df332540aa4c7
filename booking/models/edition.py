"""An edition: one year's week."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from booking import clock
from booking.db import Base


class Edition(Base):
    """One year's week: its number, dates, theme and territory. Days are days in Paris."""

    __tablename__ = "editions"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="week_has_an_order"),
        CheckConstraint("label_from <= label_until", name="window_has_an_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(20), unique=True)
    number: Mapped[int]
    year: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    theme: Mapped[str | None] = mapped_column(String(200))
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    label_from: Mapped[date] = mapped_column(Date)
    label_until: Mapped[date] = mapped_column(Date)
    department: Mapped[str] = mapped_column(String(3))
    territory: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the press release of that year states: key figures, aims, organisers."""
    invented: Mapped[bool] = mapped_column(default=False)

    @property
    def is_past(self) -> bool:
        """Whether the week and its labelling window are over."""
        return max(self.ends_on, self.label_until) < clock.paris_day(clock.now())

    @property
    def days(self) -> list[date]:
        """Every day of the week, Monday first."""
        return [self.starts_on + timedelta(days=n) for n in range((self.ends_on - self.starts_on).days + 1)]
