"""People who are signed in, for tests: an account with a role somewhere, and a client that carries its session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from booking import clock
from booking.actions.open_session import open_session
from booking.db import db, in_transaction
from booking.models import (
    Account,
    Actor,
    Edition,
    Mandate,
    Member,
    Organisation,
    OrganisationKind,
    Role,
    Session,
    Who,
)
from booking.web.authorise import COOKIE


@dataclass(frozen=True)
class Staff:
    """Somebody signed in: the account, the client that carries the session, and how the history names them."""

    account: Account
    client: FlaskClient

    @property
    def who(self) -> Who:
        return Who(Actor.HOST, self.account.id)


def an_organisation(key: str, kind: OrganisationKind = OrganisationKind.COMPANY, **more: Any) -> Organisation:
    """An organisation of any kind, found by its key or made."""
    found = db.session.scalars(select(Organisation).where(Organisation.key == key)).one_or_none()
    if found is None:
        found = Organisation(**({"key": key, "kind": kind, "name": key.capitalize(), "email": f"contact@{key}.example"} | more))
        db.session.add(found)
        db.session.commit()
    return found


def an_account(email: str) -> Account:
    """The account of an address, found or made."""
    found = db.session.scalars(select(Account).where(Account.email == email)).one_or_none()
    if found is None:
        found = Account(email=email, created_at=clock.now())
        db.session.add(found)
        db.session.commit()
    return found


def a_member(email: str, organisation: Organisation, role: Role = Role.MANAGER, **more: Any) -> Member:
    """Somebody's role in an organisation."""
    member = Member(account=an_account(email), organisation=organisation, role=role, since=clock.now(), **more)
    db.session.add(member)
    db.session.commit()
    return member


def a_mandate(chamber: Organisation, organisation: Organisation) -> Mandate:
    """A chamber that may act for a company."""
    mandate = Mandate(chamber=chamber, organisation=organisation, since=clock.now())
    db.session.add(mandate)
    db.session.commit()
    return mandate


def sign_in(app: Flask, email: str, *, second_factor: bool = True) -> Staff:
    """A client signed in as the account of an address; by default with its second factor shown."""
    account = an_account(email)

    def open_one() -> str:
        token = open_session(account, "Firefox, Linux", clock.now())
        if second_factor:
            session = db.session.scalars(select(Session).order_by(Session.id.desc())).first()
            assert session is not None
            session.second_factor_at = clock.now()
        return token

    client = app.test_client()
    client.set_cookie(COOKIE, in_transaction(open_one))
    return Staff(account, client)


def manager_of(app: Flask, organisation_id: int, email: str = "visites@port.example", role: Role = Role.MANAGER) -> Staff:
    """Somebody signed in who has a role in an organisation."""
    organisation = db.session.get(Organisation, organisation_id)
    assert organisation is not None
    a_member(email, organisation, role)
    return sign_in(app, email)


def authority_of(app: Flask, edition_id: int, email: str = "semaine@prefecture.example", role: Role = Role.MANAGER) -> Staff:
    """Somebody signed in for the authority of an edition, which gets one if it has none."""
    edition = db.session.get(Edition, edition_id)
    assert edition is not None
    if edition.authority is None:
        edition.authority = an_organisation("prefecture", OrganisationKind.AUTHORITY, name="Préfecture")
        db.session.commit()
    a_member(email, edition.authority, role)
    return sign_in(app, email)
