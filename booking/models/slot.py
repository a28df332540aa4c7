"""A slot, and the pools of places it draws on. The rule "may this party book now?" lives here, once."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking import clock
from booking.db import Base, UtcDateTime
from booking.errors import BookingClosed, Invalid, Problem, Refusal, SlotFull
from booking.models.event import SCHOOL_AUDIENCES, Event
from booking.models.party import AUDIENCE_OF_LEVEL, Party

slot_pools = Table(
    "slot_pools",
    Base.metadata,
    Column("slot_id", ForeignKey("slots.id"), primary_key=True),
    Column("pool_id", ForeignKey("pools.id"), primary_key=True, index=True),
)


class Pool(Base):
    """A number of places. `taken` changes in `booking.actions.places` alone; the CHECK stands behind it."""

    __tablename__ = "pools"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken_not_negative"),
        CheckConstraint("taken <= capacity", name="taken_within_capacity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    """Empty for a slot's own pool; shared pools have a name people know: « 60 places sur le bateau vendredi »."""
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)

    @property
    def remaining(self) -> int:
        return self.capacity - self.taken


class Slot(Base):
    """One dated occurrence of an event that can be booked. Instants are UTC; people read them in Paris."""

    __tablename__ = "slots"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="time_has_an_order"),
        CheckConstraint("pupils_per_adult IS NULL OR pupils_per_adult > 0", name="pupils_per_adult_positive"),
        Index("ix_slots_event_starts", "event_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime())
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime())
    arrive_minutes_before: Mapped[int] = mapped_column(default=0)
    meeting_point: Mapped[str] = mapped_column(String(200), default="")
    """Where this slot meets, when not at the event's meeting point."""
    counts_adults: Mapped[bool] = mapped_column(default=False)
    """True where everybody counts (a boat), False where pupils alone take places."""
    min_party: Mapped[int] = mapped_column(default=1)
    max_party: Mapped[int | None]
    pupils_per_adult: Mapped[int | None]
    """One adult for so many pupils; a class with fewer adults is told how many are missing."""
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime())
    headcount_until: Mapped[datetime] = mapped_column(UtcDateTime())
    cancel_until: Mapped[datetime] = mapped_column(UtcDateTime())
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    cancel_reason: Mapped[str] = mapped_column(String(400), default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way to say it

    event: Mapped[Event] = relationship(back_populates="slots")
    pools: Mapped[list[Pool]] = relationship(secondary=slot_pools, order_by=Pool.id)

    @property
    def capacity(self) -> int:
        """The most places a single slot can give: its narrowest pool."""
        return min((pool.capacity for pool in self.pools), default=0)

    @property
    def remaining(self) -> int:
        """Places left, as last read. A hint for pages: the truth is the conditional update."""
        return max(0, min((pool.remaining for pool in self.pools), default=0))

    @property
    def taken(self) -> int:
        """Places nobody else can have any more."""
        return self.capacity - self.remaining

    @property
    def meets_at(self) -> str:
        return self.meeting_point or self.event.meeting_point

    @property
    def arrive_at(self) -> datetime:
        """When to be at the meeting point."""
        return self.starts_at - timedelta(minutes=self.arrive_minutes_before)

    def places_for(self, party: Party) -> int:
        """How many places this party takes here: one for a person, else as many as its class."""
        return self.places_for_class(party.pupils, party.adults) if party.is_class else 1

    def places_for_class(self, pupils: int, adults: int) -> int:
        """Pupils and adults where adults count (a boat), pupils alone where they do not."""
        return pupils + adults if self.counts_adults else pupils

    def adults_wanted(self, pupils: int) -> int:
        """How many adults the site asks for with so many pupils; at least one."""
        return max(1, math.ceil(pupils / self.pupils_per_adult)) if self.pupils_per_adult else 1

    @property
    def books_from(self) -> datetime | None:
        """When booking opens: the slot's own time, else the edition's; None where it is open as soon as it is published."""
        return self.opens_at or self.event.edition.bookings_open_at

    def closed_because(self, now: datetime | None = None) -> BookingClosed | None:
        """Why nobody may book now, or None. Pages and actions ask the same question here."""
        now = now or clock.now()
        if self.cancelled_at or self.event.cancelled_at:
            return BookingClosed("cancelled")
        if self.event.edition.is_past:
            return BookingClosed("archived")
        if now >= self.starts_at:
            return BookingClosed("past")
        if self.books_from and now < self.books_from:
            return BookingClosed("not_yet", at=self.books_from)
        if now >= self.closes_at:
            return BookingClosed("too_late", at=self.closes_at)
        return None

    def refusal_for(self, party: Party, now: datetime | None = None, *, by_host: bool = False) -> Refusal | None:
        """Why this party may not book now, or None: closing, audience, level, size, then places as last read.

        The host who books for somebody on the telephone is bound by everything but the hours of booking.
        """
        closed = self.closed_because(now)
        if closed and not (by_host and closed.why in {"not_yet", "too_late"}):
            return closed
        if problems := self._misfits(party):
            return Invalid(problems)
        wanted = self.places_for(party)
        if wanted > self.remaining:
            return SlotFull(remaining=self.remaining, wanted=wanted)
        return None

    def size_problem(self, places: int) -> Problem | None:
        """Whether a party of so many places is too small or too large for this slot."""
        if places < self.min_party:
            return Problem("party_too_small", {"smallest": self.min_party})
        if self.max_party is not None and places > self.max_party:
            return Problem("party_too_large", {"largest": self.max_party})
        return None

    def _misfits(self, party: Party) -> dict[str, Problem]:
        admitted = set(self.event.audiences)
        problems: dict[str, Problem] = {}
        if party.is_class:
            audience = AUDIENCE_OF_LEVEL.get(party.level)
            if not self.event.takes_classes:
                problems["audience"] = Problem("audience_not_admitted")
            elif self.event.levels and party.level not in self.event.levels:
                problems["level"] = Problem("level_not_admitted", {"levels": self.event.levels})
            elif audience and audience not in admitted & SCHOOL_AUDIENCES:
                problems["level"] = Problem("level_not_admitted", {"levels": ()})
            if size := self.size_problem(self.places_for(party)):
                problems["pupils"] = size
        elif party.audience not in admitted:
            problems["audience"] = Problem("audience_not_admitted")
        return problems
