"""Reads about accounts: requests to sign in, sessions, seats, members of an organisation, chambers that may be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from booking.db import db
from booking.models import Account, Edition, Mandate, Member, MemberState, Organisation, OrganisationKind, Session, SignIn

_SHOWN = (MemberState.ASKED, MemberState.ACTIVE)


def open_request(sign_in_id: int, browser_hashes: Sequence[str], now: datetime) -> SignIn | None:
    """A request to sign in of this browser, while its code may still serve."""
    statement = select(SignIn).where(
        SignIn.id == sign_in_id, SignIn.browser_hash.in_(browser_hashes), SignIn.used_at.is_(None), SignIn.expires_at > now
    )
    return db.session.scalars(statement).one_or_none()


def account_of(email: str) -> Account | None:
    """The account of an address."""
    return db.session.scalars(select(Account).where(Account.email == email.casefold())).one_or_none()


def sessions_of(account_id: int, now: datetime) -> list[Session]:
    """Where an account is signed in, the newest first."""
    statement = select(Session).where(Session.account_id == account_id, Session.ended_at.is_(None), Session.expires_at > now)
    return list(db.session.scalars(statement.order_by(Session.created_at.desc(), Session.id.desc())))


def seats_of(account_id: int) -> list[Member]:
    """The memberships an account has or asked for, the oldest first, with their organisations."""
    statement = select(Member).where(Member.account_id == account_id, Member.state.in_(_SHOWN))
    return list(db.session.scalars(statement.options(joinedload(Member.organisation, innerjoin=True)).order_by(Member.id)))


def members_of(organisation_id: int) -> list[Member]:
    """Who works for an organisation or asked to, the longest first, with their accounts."""
    statement = select(Member).where(Member.organisation_id == organisation_id, Member.state.in_(_SHOWN))
    return list(db.session.scalars(statement.options(joinedload(Member.account, innerjoin=True)).order_by(Member.id)))


def mandates_of(organisation_id: int) -> list[Mandate]:
    """The chambers that may act for an organisation now."""
    statement = select(Mandate).where(Mandate.organisation_id == organisation_id, Mandate.ended_at.is_(None))
    return list(db.session.scalars(statement.options(joinedload(Mandate.chamber, innerjoin=True)).order_by(Mandate.id)))


def chambers_for(organisation_id: int) -> list[Organisation]:
    """The chambers an organisation may choose from: those somebody was accepted for, by name."""
    works = exists().where(Member.organisation_id == Organisation.id, Member.state == MemberState.ACTIVE)
    statement = select(Organisation).where(
        Organisation.kind == OrganisationKind.CHAMBER, Organisation.id != organisation_id, works
    )
    return list(db.session.scalars(statement.order_by(Organisation.name, Organisation.id)))


def current_authorities() -> list[int]:
    """The ids of the authorities of every edition that is not over."""
    editions = db.session.scalars(select(Edition).where(Edition.authority_id.is_not(None)).order_by(Edition.id))
    return list(dict.fromkeys(edition.authority_id for edition in editions if edition.authority_id and not edition.is_past))
