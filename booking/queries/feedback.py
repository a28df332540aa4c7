"""What bookers said of their visits, added up. Who said it is never read. No writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from booking import clock
from booking.db import db
from booking.models import Booking, Edition, Event, Feedback, Slot

AT_LEAST = 5
"""So few answers an authority is not shown: nobody's own could be read out of them."""


@dataclass(frozen=True)
class Ratings:
    """How often each rating was given, from 1 to 5, and what was written, the best ratings first."""

    counts: tuple[int, int, int, int, int]
    comments: Sequence[str] = ()

    @property
    def number(self) -> int:
        return sum(self.counts)

    @property
    def average(self) -> float:
        """From 1 to 5; 0 where nobody has answered."""
        return sum(rating * count for rating, count in enumerate(self.counts, 1)) / max(1, self.number)

    @property
    def bars(self) -> list[tuple[int, int, float]]:
        """Every rating from 5 to 1, how often it was given, and the length of its bar in hundredths of the longest."""
        longest = max(*self.counts, 1)
        counted = reversed(list(enumerate(self.counts, 1)))
        return [(rating, count, round(100 * count / longest, 1)) for rating, count in counted]


def of_slot(slot: Slot) -> Ratings | None:
    """What was said of one slot; None before anybody could, and while nobody has."""
    return _ratings(Booking.slot_id == slot.id) if slot.starts_at <= clock.now() else None


def of_event(event: Event) -> Ratings | None:
    """What was said of all slots of an event that have begun; None while nobody has said anything."""
    now = clock.now()
    begun = [slot.id for slot in event.slots if slot.starts_at <= now]
    return _ratings(Booking.slot_id.in_(begun)) if begun else None


def of_edition(edition: Edition) -> Ratings | None:
    """What was said in a whole edition, without the words; None below `AT_LEAST` answers."""
    of_its_events = select(Slot.id).join(Event, Slot.event_id == Event.id).where(Event.edition_id == edition.id)
    found = _counted(Booking.slot_id.in_(of_its_events))
    return found if found.number >= AT_LEAST else None


def _ratings(where: ColumnElement[bool]) -> Ratings | None:
    found = _counted(where)
    if not found.number:
        return None
    said = select(Feedback.comment).join(Booking, Booking.id == Feedback.booking_id).where(where, Feedback.comment != "")
    # In no order of time or of bookings, which would tell who wrote what.
    return Ratings(found.counts, db.session.scalars(said.order_by(Feedback.rating.desc(), Feedback.comment)).all())


def _counted(where: ColumnElement[bool]) -> Ratings:
    counted = select(Feedback.rating, func.count()).join(Booking, Booking.id == Feedback.booking_id).where(where)
    counts = {row.rating: row[1] for row in db.session.execute(counted.group_by(Feedback.rating))}
    return Ratings((counts.get(1, 0), counts.get(2, 0), counts.get(3, 0), counts.get(4, 0), counts.get(5, 0)))
