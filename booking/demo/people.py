"""Who can sign in to the demo world. Their mails are read at `/mailbox`, so anybody can be any of them."""

from __future__ import annotations

from sqlalchemy import select

from booking import clock
from booking.actions.name_operator import name_operator
from booking.actions.record_change import record_change
from booking.db import db
from booking.models import OPERATOR, Account, Edition, Mandate, Member, Organisation, Role

AUTHORITY = "prefecture-92"
MANAGERS = {
    "visites@port-gennevilliers.example": "port-gennevilliers",
    "semaine-industrie@prefecture-92.example": AUTHORITY,
    "industrie@cci-92.example": "cci-92",
    "ateliers@cobotix.example": "robots-issy",
}
"""One manager each; the port, the authority, the chamber, and a company the chamber may act for."""
GREETERS = {"accueil@port-gennevilliers.example": "port-gennevilliers"}
OPERATOR_ADDRESS = "exploitation@coulisses.example"
MANDATE = ("cci-92", "robots-issy")


def missing() -> bool:
    """Whether the demo's people are not there yet: its data may be older than accounts are."""
    return db.session.scalar(select(Account.id).where(Account.email.in_(MANAGERS)).limit(1)) is None


def add() -> None:
    """Add the people who are not there, and name the authority of every edition that has none."""
    db.session.flush()
    organisations = {row.key: row for row in db.session.scalars(select(Organisation))}
    known = set(db.session.scalars(select(Account.email)))
    now = clock.now()
    for role, people in ((Role.MANAGER, MANAGERS), (Role.GREETER, GREETERS)):
        for email, key in people.items():
            if email not in known:
                _add_member(email, organisations[key], role)
    name_operator(OPERATOR_ADDRESS, True, OPERATOR)
    chamber, company = (organisations[key] for key in MANDATE)
    if db.session.scalar(select(Mandate.id).where(Mandate.chamber_id == chamber.id)) is None:
        mandate = Mandate(chamber=chamber, organisation=company, since=now)
        db.session.add(mandate)
        db.session.flush()
        record_change(OPERATOR, "given", mandate, now)
    for edition in db.session.scalars(select(Edition).where(Edition.authority_id.is_(None))):
        edition.authority = organisations[AUTHORITY]
        db.session.flush()
        record_change(OPERATOR, "authority_named", edition, now)


def _add_member(email: str, organisation: Organisation, role: Role) -> None:
    now = clock.now()
    member = Member(account=Account(email=email, created_at=now), organisation=organisation, role=role, since=now)
    db.session.add(member)
    db.session.flush()
    record_change(OPERATOR, "invited", member, now, role=role)
