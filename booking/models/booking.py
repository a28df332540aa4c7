"""A booking: places held by one party on one slot, the states it goes through, and its calendar identity."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word
from booking.models.party import Party, comes_as
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
    RULE = "rule"
    """The published rule of the waiting list: nobody chose who is offered what came free."""
    ACCOUNT = "account"
    """A person in matters of their own account: signing in, asking to join."""


class Answer(StrEnum):
    """What somebody answered in their calendar (PARTSTAT, RFC 5545, 3.2.12)."""

    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


LIVE = frozenset({Status.HELD, Status.CONFIRMED, Status.ATTENDED})
"""The states in which places are taken."""

_PEOPLE = frozenset({Actor.BOOKER, Actor.HOST, Actor.AUTHORITY, Actor.CALENDAR, Actor.OPERATOR})

STEPS: Mapping[tuple[Status | None, Status], frozenset[Actor]] = MappingProxyType(
    {
        (None, Status.HELD): _PEOPLE,
        (None, Status.WAITING): _PEOPLE,
        (None, Status.CONFIRMED): _PEOPLE,
        (Status.WAITING, Status.HELD): _PEOPLE | {Actor.RULE},
        (Status.WAITING, Status.CANCELLED): _PEOPLE,
        (Status.WAITING, Status.EXPIRED): frozenset({Actor.CLOCK}),
        (Status.HELD, Status.WAITING): _PEOPLE,
        (Status.HELD, Status.CONFIRMED): _PEOPLE | {Actor.HEAD},
        (Status.HELD, Status.CANCELLED): _PEOPLE,
        (Status.HELD, Status.REFUSED): frozenset({Actor.HOST, Actor.HEAD, Actor.AUTHORITY}),
        (Status.HELD, Status.EXPIRED): frozenset({Actor.CLOCK}),
        (Status.CONFIRMED, Status.CANCELLED): _PEOPLE,
        (Status.CANCELLED, Status.CONFIRMED): frozenset({Actor.BOOKER, Actor.CALENDAR}),
        (Status.CONFIRMED, Status.ATTENDED): frozenset({Actor.HOST, Actor.OPERATOR}),
        (Status.CONFIRMED, Status.NO_SHOW): frozenset({Actor.HOST, Actor.OPERATOR}),
    }
)
"""Which step leads where, and who may take it. A state that leads nowhere is final; of what was cancelled, only what its booker
declined in the calendar leads back, while there is room."""

OCCUPYING = LIVE | {Status.WAITING}
"""The states in which a party stands on a slot, and stands there once."""

_STATUSES = ", ".join(f"'{status}'" for status in Status)
_STANDS_ONCE = "status IN ('held', 'waiting', 'confirmed', 'attended')"
_IS_HELD, _WAITS, _IS_CLASS = text("status = 'held'"), text("status = 'waiting'"), text("class_key <> ''")
_HAS_UAI = text("school_uai <> ''")
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
            sqlite_where=text(_STANDS_ONCE),
            postgresql_where=text(_STANDS_ONCE),
        ),
        Index("ix_bookings_expiry", "expires_at", sqlite_where=_IS_HELD, postgresql_where=_IS_HELD),
        Index("ix_bookings_wait", "expires_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
        Index("ix_bookings_class", "class_key", sqlite_where=_IS_CLASS, postgresql_where=_IS_CLASS),
        Index("ix_bookings_school", "school_key", sqlite_where=_IS_CLASS, postgresql_where=_IS_CLASS),
        Index("ix_bookings_uai", "school_uai", sqlite_where=_HAS_UAI, postgresql_where=_HAS_UAI),
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
    school_key: Mapped[str] = mapped_column(String(210), default="")
    class_key: Mapped[str] = mapped_column(String(280), default="")
    """`Party.school_key` and `Party.class_key`: the same school, the same class, whoever of its teachers writes."""
    group_key: Mapped[str | None] = mapped_column(String(32), index=True)
    """Equal for the two halves of a class that is split over two slots; None for everybody else."""

    asked_pupils: Mapped[int | None]
    """How many pupils the class has where fewer were offered; None where nobody has to be left out."""
    at_least: Mapped[int | None]
    """With how many pupils a waiting class would come too; None: with all of them or not at all."""
    wanted_slots: Mapped[list[int]] = mapped_column(JSON, default=list)
    """The slots a waiting party would come to, its first choice first."""
    rank: Mapped[int | None] = mapped_column(index=True)
    """The place in the order of everybody who ever waited, given when the address was proven; kept for life."""

    proven_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When its person had shown to own the address, or the host vouched for them."""
    host_approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    head_approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    head_needed: Mapped[bool] = mapped_column(default=False)
    """Whether the school's head must approve: the event asks for it, or the teacher did."""
    head_email: Mapped[str] = mapped_column(String(254), default="")
    """The school's official mailbox, where the head was asked."""
    head_reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    change_asked: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """A headcount the booker asked the host for after the last moment to change it alone: `pupils`, `adults`, `at`."""

    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    request_hash: Mapped[str | None] = mapped_column(String(64))
    link_nonce: Mapped[bytes] = mapped_column(LargeBinary(16), default=lambda: secrets.token_bytes(16))
    """What the secret links are derived from together with SECRET_KEY; worthless without it."""

    uid: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: str(uuid.uuid4()))
    sequence: Mapped[int] = mapped_column(default=0)
    calendar_stamp: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """DTSTAMP of the last invitation queued; None while nobody was invited."""

    answer: Mapped[Answer | None] = mapped_column(Word(Answer))
    """What was last answered in the booker's calendar; None while nothing was heard."""
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """DTSTAMP of that answer: an older one that arrives late changes nothing."""
    answered_sequence: Mapped[int | None]
    """SEQUENCE of the invitation that was answered."""

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
    def comes_as(self) -> frozenset[str]:
        """The audiences this party belongs to, for pools that are reserved for some."""
        return comes_as(self.audience, self.level)

    @property
    def still_needs(self) -> HeldFor | None:
        """What stands between this booking and its confirmation, the first thing first: address, head, host. None: nothing."""
        if self.proven_at is None:
            return HeldFor.EMAIL
        if self.head_needed and self.head_approved_at is None:
            return HeldFor.HEAD
        if self.slot.event.host_approval and self.host_approved_at is None:
            return HeldFor.HOST
        return None

    @property
    def party(self) -> Party:
        """Who comes, as the rules look at it."""
        return Party(
            audience=self.audience, email=self.email, name=self.name, phone=self.phone, school_name=self.school_name,
            school_uai=self.school_uai, commune=self.commune, level=self.level, label=self.class_label, pupils=self.pupils,
            adults=self.adults, needs=self.needs, old_enough=True, head_asked=self.head_needed,
        )  # fmt: skip

    def is_overdue(self, now: datetime) -> bool:
        """Whether its deadline has passed, though nobody has let it expire yet."""
        return self.status is Status.HELD and self.expires_at is not None and self.expires_at <= now

    @property
    def was_declined(self) -> bool:
        """Whether its booker said No in the calendar, so that it can be taken back while there is room."""
        return self.status is Status.CANCELLED and self.ended_by is Actor.CALENDAR

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
