"""An edition: one year's week."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking import clock
from booking.db import Base, UtcDateTime
from booking.models.organisation import Organisation


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
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    """Who labels its events and sees to it; None for an archive nobody works on."""
    label_deadline: Mapped[date | None] = mapped_column(Date)
    """The last day on which a label can be asked for; by default a week before the week."""
    bookings_open_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When booking opens for every slot that names no time of its own."""
    conditions: Mapped[str] = mapped_column(Text, default="")
    """What the label asks for, in the authority's words (Markdown)."""
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the authority closed it by hand, before its days were over or after."""
    school_limit: Mapped[int | None]
    """How many bookings one school may have in this edition; None: as many as it likes."""
    priority_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Until when classes of priority schools alone may book; None: there is no such window."""
    priority_schools: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """The schools that have priority: their UAI, and why (REP, REP+ or QPV)."""
    reminds_week: Mapped[bool] = mapped_column(default=True)
    """Whether bookers are reminded a week before their visit."""
    reminds_soon: Mapped[bool] = mapped_column(default=True)
    """Whether they are reminded two days before."""
    thanks: Mapped[bool] = mapped_column(default=True)
    """Whether they are thanked afterwards and asked how it was."""
    digests: Mapped[bool] = mapped_column(default=True)
    """Whether hosts are told the day before who comes."""
    version: Mapped[int] = mapped_column(default=1)

    authority: Mapped[Organisation | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way to say it

    @property
    def is_past(self) -> bool:
        """Whether the week and its labelling window are over, or the authority has closed it."""
        return self.archived_at is not None or max(self.ends_on, self.label_until) < clock.paris_day(clock.now())

    @property
    def labels_until(self) -> date:
        """The last day on which a label can be asked for."""
        return self.label_deadline or self.starts_on - timedelta(days=7)

    @property
    def days(self) -> list[date]:
        """Every day of the week, Monday first."""
        return [self.starts_on + timedelta(days=n) for n in range((self.ends_on - self.starts_on).days + 1)]
