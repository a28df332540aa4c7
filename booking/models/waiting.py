"""The waiting list: who waits for which slot, and every offer that was made.

A waiting booking has one row in `waits` for each slot it would come to; the rows are its places in the queues, and are gone once
it waits no more. An offer is written down once and ended once.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, exists, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word
from booking.models.booking import Actor, Booking
from booking.models.slot import Slot


class Wait(Base):
    """One party in the queue of one slot. First come, first served among those that fit: the lowest rank first."""

    __tablename__ = "waits"
    __table_args__ = (
        CheckConstraint("smallest > 0 AND smallest <= largest", name="sizes_have_an_order"),
        # The queue of a slot is read in its order, sizes and audiences beside it, without a look at the rows themselves.
        Index("ix_waits_queue", "slot_id", "rank", "smallest", "audience"),
    )

    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id"), primary_key=True)
    rank: Mapped[int]
    smallest: Mapped[int]
    """The fewest places on this slot the party would take."""
    largest: Mapped[int]
    """The places on this slot for all of the party."""
    audience: Mapped[str] = mapped_column(String(20))
    """What the party comes as: a word of `Audience`, or `school` for a class whose level names none."""
    since: Mapped[datetime] = mapped_column(UtcDateTime())
    """Since when it stands in this very queue; offers made to others before then passed nobody over here."""

    booking: Mapped[Booking] = relationship()


class Outcome(StrEnum):
    """How an offer ended; `open` while it has not."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """The visit or the request came to an end meanwhile."""


_OPEN = "outcome = 'open'"


class Offer(Base):
    """Places held for a waiting booking until a deadline. It is ended once: accepted, declined, expired or withdrawn."""

    __tablename__ = "offers"
    __table_args__ = (
        CheckConstraint("places > 0", name="places_positive"),
        CheckConstraint("(outcome = 'open') = (ended_at IS NULL)", name="ended_once"),
        Index("uq_offers_open", "booking_id", unique=True, sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
        Index("ix_offers_slot_made", "slot_id", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id"))
    rank: Mapped[int]
    places: Mapped[int]
    free: Mapped[int]
    """The places that were free for this party at that moment."""
    passed_over: Mapped[int] = mapped_column(default=0)
    """How many parties that had waited longer for this slot did not get these places: they were too few, or a rule kept them."""
    made_by: Mapped[Actor] = mapped_column(Word(Actor))
    """`rule`, or `host` where it was made by hand."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime())
    outcome: Mapped[Outcome] = mapped_column(Word(Outcome), default=Outcome.OPEN)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    booking: Mapped[Booking] = relationship()
    slot: Mapped[Slot] = relationship()


Slot.is_waited_for = column_property(exists().where(Wait.slot_id == Slot.id).correlate_except(Wait), deferred=True)
"""Whether anybody waits for a slot: then nobody is served before them. Loaded where a verb needs it (`booking.queries.fetch`)."""
