"""A slot: one dated occurrence of an event, and the places it has for whom."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking import clock
from booking.db import Base, UtcDateTime
from booking.errors import BookingClosed, Refusal
from booking.models.admission import NOTHING_YET, Standing, refusal_for
from booking.models.event import SCHOOL_AUDIENCES, Event
from booking.models.party import Party
from booking.models.pool import Places, Pool, PoolKind, Reserved, all_places, places_in, reserved_in, slot_pools


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
    adults_required: Mapped[bool] = mapped_column(default=False)
    """Whether a class with fewer adults than that is refused; otherwise it is warned."""
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime())
    headcount_until: Mapped[datetime] = mapped_column(UtcDateTime())
    cancel_until: Mapped[datetime] = mapped_column(UtcDateTime())
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    cancel_reason: Mapped[str] = mapped_column(String(400), default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way to say it

    if TYPE_CHECKING:
        is_waited_for: Mapped[bool]  # its expression stands in booking.models.waiting, beside the table it reads

    event: Mapped[Event] = relationship(back_populates="slots")
    pools: Mapped[list[Pool]] = relationship(secondary=slot_pools, order_by=Pool.id)

    @property
    def capacity(self) -> int:
        """The most places this slot can give, whoever they are for."""
        return all_places(self.pools).capacity

    @property
    def remaining(self) -> int:
        """Places left for everybody, as last read. A hint for pages: the truth is the conditional update."""
        return self.places_left().remaining

    @property
    def taken(self) -> int:
        """Places nobody else can have any more."""
        return self.capacity - all_places(self.pools).remaining

    def places_left(self, audiences: frozenset[str] = frozenset(), now: datetime | None = None) -> Places:
        """The places somebody of these audiences has here, reserved ones among them; without any, those for everybody."""
        return places_in(self.pools, audiences, now or clock.now())

    @property
    def reserved_left(self) -> list[Reserved]:
        """The places some audiences have here beside those for everybody, until these open to all; as last read."""
        return reserved_in(self.pools, clock.now()) if self.has_reserved else []

    @property
    def has_reserved(self) -> bool:
        """Whether some places are for some audiences only, so that they must be counted out among the sources."""
        return any(pool.kind is PoolKind.RESERVED for pool in self.pools)

    @property
    def class_audiences(self) -> frozenset[str]:
        """What a class comes as while its level is not known: every school audience of the event."""
        return frozenset(word.value for word in SCHOOL_AUDIENCES if word in self.event.audiences)

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

    def answers_until(self, now: datetime) -> datetime:
        """Until when a head's or a host's answer is of use: others can still book what a refusal frees, else until it begins."""
        return self.closes_at if self.closes_at > now else self.starts_at

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

    def refusal_for(
        self, party: Party, now: datetime | None = None, *, by_host: bool = False, standing: Standing = NOTHING_YET
    ) -> Refusal | None:
        """Why this party may not book now, or None: `booking.models.admission` says it, for every door alike."""
        return refusal_for(self, party, now or clock.now(), by_host=by_host, standing=standing)
