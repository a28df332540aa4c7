"""What a booker thought of a visit: one answer for one booking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.db import Base, UtcDateTime
from booking.errors import Invalid, Problem
from booking.models.booking import Booking
from booking.models.form_reader import FormReader

RATINGS = ("1", "2", "3", "4", "5")
LONGEST_COMMENT = 1000


class Feedback(Base):
    """A rating from 1 (not at all) to 5 (very much), and a few words. The words end with the booker's contact."""

    __tablename__ = "feedback"
    __table_args__ = (CheckConstraint("rating BETWEEN 1 AND 5", name="rating_on_the_scale"),)

    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    rating: Mapped[int]
    comment: Mapped[str] = mapped_column(String(1000), default="")
    given_at: Mapped[datetime] = mapped_column(UtcDateTime())

    booking: Mapped[Booking] = relationship()


def read_feedback(raw: Mapping[str, object]) -> tuple[int, str]:
    """The rating and the words a form brings: `rating` is one of `RATINGS`, `comment` may be empty. Raises `Invalid`."""
    reader = FormReader(raw)
    if not raw.get("rating"):
        reader.refuse("rating", Problem("rating_missing"))
        rating = ""
    else:
        rating = reader.choice("rating", RATINGS)
    comment = reader.lines("comment", LONGEST_COMMENT)
    if reader.problems:
        raise Invalid(reader.problems)
    return int(rating), comment
