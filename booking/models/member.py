"""Who works for whom: members of organisations, and chambers that act for companies."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word
from booking.models.account import Account
from booking.models.organisation import Organisation


class Role(StrEnum):
    """What a member is for: everything, the door on the day, or reading."""

    MANAGER = "manager"
    GREETER = "greeter"
    READER = "reader"


class MemberState(StrEnum):
    """Where a membership stands: asked for, in force, refused, or over."""

    ASKED = "asked"
    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


class Member(Base):
    """One person's role in one organisation. Whoever is invited is active at once: signing in proves the address."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("account_id", "organisation_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    role: Mapped[Role] = mapped_column(Word(Role))
    state: Mapped[MemberState] = mapped_column(Word(MemberState), default=MemberState.ACTIVE)
    since: Mapped[datetime] = mapped_column(UtcDateTime())
    """When it was asked for or given."""
    founding: Mapped[bool] = mapped_column(default=False)
    """Whether the request made the organisation: then nobody else's work can be in it, and its events may be prepared at once."""
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When it was accepted, refused or ended."""

    account: Mapped[Account] = relationship(back_populates="seats")
    organisation: Mapped[Organisation] = relationship()


class Mandate(Base):
    """A chamber may act for a company, until the mandate ends."""

    __tablename__ = "mandates"
    __table_args__ = (
        UniqueConstraint("chamber_id", "organisation_id"),
        CheckConstraint("chamber_id <> organisation_id", name="for_somebody_else"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    chamber_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime())
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    chamber: Mapped[Organisation] = relationship(foreign_keys=chamber_id)
    organisation: Mapped[Organisation] = relationship(foreign_keys=organisation_id)
