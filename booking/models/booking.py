"""A booking: places held by one party on one slot, the states it goes through, and its calendar identity."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word
from booking.models.slot import Slot


class Status(StrEnum):
    """Where a booking stands."""

    HELD = "held"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    ATTENDED = "attended"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    EXPIRED = "expired"


class HeldFor(StrEnum):
    """What a held booking waits for."""

    EMAIL = "email"
    HEAD = "head"
    HOST = "host"
    OFFER = "offer"


class Actor(StrEnum):
    """Who takes a step. `clock` is time itself: a deadline passed."""

    BOOKER = "booker"
    HOST = "host"
    HEAD = "head"
    AUTHORITY = "authority"
    CALENDAR = "calendar"
    CLOCK = "clock"
    OPERATOR = "operator"
    ACCOUNT = "account"
    """A person in matters of their own account: signing in, asking to join."""


LIVE = frozenset({Status.HELD, Status.CONFIRMED, Status.ATTENDED})
"""The states in which places are taken."""

_PEOPLE = frozenset({Actor.BOOKER, Actor.HOST, Actor.AUTHORITY, Actor.CALENDAR, Actor.OPERATOR})

STEPS: Mapping[tuple[Status | None, Status], frozenset[Actor]] = MappingProxyType(
    {
        (None, Status.HELD): _PEOPLE,
        (None, Status.WAITING): _PEOPLE,
        (None, Status.CONFIRMED): _PEOPLE,
        (Status.WAITING, Status.HELD): _PEOPLE | {Actor.CLOCK},
        (Status.WAITING, Status.CANCELLED): _PEOPLE,
        (Status.WAITING, Status.EXPIRED): frozenset({Actor.CLOCK}),
        (Status.HELD, Status.CONFIRMED): _PEOPLE | {Actor.HEAD},
        (Status.HELD, Status.CANCELLED): _PEOPLE,
        (Status.HELD, Status.REFUSED): frozenset({Actor.HOST, Actor.HEAD, Actor.AUTHORITY}),
        (Status.HELD, Status.EXPIRED): frozenset({Actor.CLOCK}),
        (Status.CONFIRMED, Status.CANCELLED): _PEOPLE,
        (Status.CONFIRMED, Status.ATTENDED): frozenset({Actor.HOST, Actor.OPERATOR}),
        (Status.CONFIRMED, Status.NO_SHOW): frozenset({Actor.HOST, Actor.OPERATOR}),
    }
)
"""Which step leads where, and who may take it. A state that leads nowhere is final."""

_STATUSES = ", ".join(f"'{status}'" for status in Status)
_OCCUPYING = "status IN ('held', 'waiting', 'confirmed', 'attended')"
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # no 0 O 1 I L: read out on the telephone


def new_reference() -> str:
    """A name for a booking that can be said aloud, for example `7KQ4-M9TX`. It is no secret."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{signs[:4]}-{signs[4:]}"


class Booking(Base):
    """Places held by one party on one slot."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint(f"status IN ({_STATUSES})", name="status_known"),
        CheckConstraint("places > 0", name="places_positive"),
        CheckConstraint("status <> 'held' OR (expires_at IS NOT NULL AND held_for IS NOT NULL)", name="held_expires"),
        Index(
            "uq_bookings_one_per_party",
            "slot_id",
            "party_key",
            unique=True,
            sqlite_where=text(_OCCUPYING),
            postgresql_where=text(_OCCUPYING),
        ),
        Index("ix_bookings_expiry", "expires_at", sqlite_where=text("status = 'held'"), postgresql_where=text("status = 'held'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(9), unique=True, default=new_reference)
    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id"), index=True)
    status: Mapped[Status] = mapped_column(Word(Status))
    held_for: Mapped[HeldFor | None] = mapped_column(Word(HeldFor))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    audience: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(30), default="")
    locale: Mapped[str] = mapped_column(String(2), default="fr")
    school_name: Mapped[str] = mapped_column(String(120), default="")
    school_uai: Mapped[str] = mapped_column(String(8), default="")
    commune: Mapped[str] = mapped_column(String(80), default="")
    level: Mapped[str] = mapped_column(String(20), default="")
    class_label: Mapped[str] = mapped_column(String(40), default="")
    pupils: Mapped[int] = mapped_column(default=0)
    adults: Mapped[int] = mapped_column(default=0)
    needs: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    places: Mapped[int]
    """Places taken (or, once given back, the places it had)."""
    party_key: Mapped[str] = mapped_column(String(64))

    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    request_hash: Mapped[str | None] = mapped_column(String(64))
    link_nonce: Mapped[bytes] = mapped_column(LargeBinary(16), default=lambda: secrets.token_bytes(16))
    """What the secret links are derived from together with SECRET_KEY; worthless without it."""

    uid: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: str(uuid.uuid4()))
    sequence: Mapped[int] = mapped_column(default=0)
    calendar_stamp: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """DTSTAMP of the last invitation queued; None while nobody was invited."""

    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When it was cancelled, refused or expired."""
    ended_by: Mapped[Actor | None] = mapped_column(Word(Actor))
    end_reason: Mapped[str] = mapped_column(String(400), default="")

    version: Mapped[int] = mapped_column()
    """Rises with every change; an UPDATE names the version it read, so that two people never overwrite each other."""

    slot: Mapped[Slot] = relationship()

    replayed = False
    """Whether the request at hand had made this booking before. Set by `book_places`, never stored."""

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way to say it

    @property
    def is_class(self) -> bool:
        return self.audience == "school"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def is_invited(self) -> bool:
        """Whether an invitation was queued, so that a cancellation owes the calendar a CANCEL."""
        return self.calendar_stamp is not None

    def next_invitation(self, now: datetime) -> None:
        """Advance SEQUENCE and DTSTAMP for one more mail about this calendar entry.

        SEQUENCE starts at 0 and rises by one with each change; DTSTAMP is in whole seconds and strictly rises
        (RFC 5545, 3.8.7.2 and 3.8.7.4; RFC 5546, 2.1.5).
        """
        if self.calendar_stamp is not None:
            self.sequence += 1
        self._stamp_again(now)

    def same_invitation_again(self, now: datetime) -> None:
        """Advance DTSTAMP alone for one more copy of the invitation: nothing changed, so SEQUENCE stays (RFC 5546, 2.1.4).

        Who was never invited has no invitation to repeat, and nothing changes.
        """
        if self.calendar_stamp is not None:
            self._stamp_again(now)

    def _stamp_again(self, now: datetime) -> None:
        stamp = now.replace(microsecond=0)
        self.calendar_stamp = max(stamp, self.calendar_stamp + timedelta(seconds=1)) if self.calendar_stamp else stamp


class Holding(Base):
    """What one live booking takes from one pool. Their sum is the pool's counter; without a live booking there is none."""

    __tablename__ = "holdings"
    __table_args__ = (CheckConstraint("places > 0", name="places_positive"),)

    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("pools.id"), primary_key=True, index=True)
    places: Mapped[int]
