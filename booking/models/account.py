"""Accounts of people who work for an organisation: how they sign in, and the sessions they have open.

Whoever books has no account. Nothing secret is stored: codes and links of a sign-in are derived from SECRET_KEY and a nonce,
a session's token is kept as its SHA-256, the second factor's key is derived like a link.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.db import Base, UtcDateTime

if TYPE_CHECKING:
    from booking.models.member import Member

MOST_ATTEMPTS = 5
"""How many codes may be tried for one request to sign in."""


def _nonce() -> bytes:
    return secrets.token_bytes(16)


class Account(Base):
    """One person's account, found by an address they have proven."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """In lower case, so that one mailbox has one account."""
    name: Mapped[str] = mapped_column(String(120), default="")
    locale: Mapped[str] = mapped_column(String(2), default="fr")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """None while an invited person has never signed in."""
    warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Closed after a year without a visit; signing in opens it again until it is deleted."""

    operates: Mapped[bool] = mapped_column(default=False)
    """Whether this person runs the installation and sees what came in that is no organisation's affair. Given by command."""

    totp_nonce: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    """What the second factor's key is derived from (RFC 6238); worthless without SECRET_KEY."""
    totp_since: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the second factor was confirmed with a first code; until then it protects nothing."""
    totp_step: Mapped[int | None]
    """The last time step a code was accepted for: no code works twice."""
    recovery_codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Keyed hashes of the codes that replace a lost device, each once."""

    seats: Mapped[list[Member]] = relationship(back_populates="account", order_by="Member.id")

    @property
    def has_second_factor(self) -> bool:
        return self.totp_since is not None


class SignIn(Base):
    """One request to sign in: a code and a link, for ten minutes, once, in the browser that asked."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    nonce: Mapped[bytes] = mapped_column(LargeBinary(16), default=_nonce)
    """What code and link are derived from together with SECRET_KEY."""
    browser_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    @property
    def is_worn_out(self) -> bool:
        """Whether so many codes were tried that none is looked at any more."""
        return self.attempts >= MOST_ATTEMPTS


class Session(Base):
    """One browser in which somebody is signed in."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(80), default="")
    """Which browser on which system, in words its owner recognises."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    second_factor_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    helping_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """The organisation whose workspace an authority's member reads in this session, to help."""

    account: Mapped[Account] = relationship()
