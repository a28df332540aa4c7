"""Ask to manage an organisation: it is found by its number, or made; whoever can vouch for its people is told."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from booking import clock
from booking.actions.limits import Limiter
from booking.actions.queue_message import queue_letter
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Account, Actor, Kind, Member, MemberState, Organisation, OrganisationKind, Role, Who
from booking.models.event import plain
from booking.models.party import Reader
from booking.numbers import read_siret, read_uai
from booking.queries import accounts
from booking.queries.workspace import managers_of

JOINABLE = tuple(kind for kind in OrganisationKind if kind is not OrganisationKind.AUTHORITY)
"""The kinds that can be asked for. An authority's first manager is invited by an operator."""


@dataclass(frozen=True)
class Wanted:
    """The organisation somebody asks for, as they describe it."""

    kind: OrganisationKind
    name: str
    commune: str
    siret: str | None = None
    uai: str | None = None


def read_wanted(raw: Mapping[str, object]) -> Wanted:
    """What a form asks for. Raises `Invalid`. Companies are named by their SIRET, schools by their UAI, others by name."""
    reader = Reader(raw)
    chosen = reader.choice("kind", tuple(kind.value for kind in JOINABLE))
    kind = OrganisationKind(chosen) if chosen else OrganisationKind.MEDIA
    siret = uai = None
    if kind is OrganisationKind.COMPANY and (given := reader.text("siret", 30)):
        siret = read_siret(given) or reader.refuse("siret", Problem("not_a_siret"))
    if kind is OrganisationKind.SCHOOL and (given := reader.text("uai", 20)):
        uai = read_uai(given) or reader.refuse("uai", Problem("uai_wrong"))
    name, commune = reader.text("name", 160), reader.text("commune", 80)
    if reader.problems:
        raise Invalid(reader.problems)
    return Wanted(kind, name, commune, siret, uai)


def join_organisation(account_id: int, wanted: Wanted, limiter: Limiter) -> Member:
    """Ask for the role of manager. Who has the role, asked before or was refused changes nothing by asking again.

    Raises `TooMany`, or `Invalid` where the number is an authority's.
    """
    now = clock.now()
    account = db.session.get_one(Account, account_id, populate_existing=True)
    who = Who(Actor.ACCOUNT, account.id)
    limiter.count(account.email, now)
    found = find_organisation(wanted)
    organisation = found or make_organisation(wanted, who, now)
    if organisation.kind is OrganisationKind.AUTHORITY:
        raise Invalid({"siret": Problem("by_invitation")})
    same = Member.account_id == account.id, Member.organisation_id == organisation.id
    member = db.session.scalars(select(Member).where(*same)).one_or_none()
    if member is not None and member.state is not MemberState.ENDED:
        return member
    if member is None:
        member = Member(account=account, organisation=organisation)
        db.session.add(member)
    member.role, member.state, member.since, member.decided_at = Role.MANAGER, MemberState.ASKED, now, None
    member.founding = found is None
    db.session.flush()
    record_change(who, "asked", member, now, role=Role.MANAGER)
    _tell(organisation, now)
    return member


def find_organisation(wanted: Wanted) -> Organisation | None:
    """The organisation with this number, or of this kind and name where there is none to tell it by."""
    if wanted.siret:
        return db.session.scalars(select(Organisation).where(Organisation.siret == wanted.siret)).one_or_none()
    if wanted.uai:
        return db.session.scalars(select(Organisation).where(Organisation.uai == wanted.uai)).one_or_none()
    same_kind = select(Organisation).where(Organisation.kind == wanted.kind).order_by(Organisation.id)
    return next((one for one in db.session.scalars(same_kind) if _said(one.name) == _said(wanted.name)), None)


def make_organisation(wanted: Wanted, who: Who, now: datetime) -> Organisation:
    """A new organisation, with a key of its own made from its name."""
    organisation = Organisation(
        key=_free_key(wanted.name),
        kind=wanted.kind,
        name=wanted.name,
        siret=wanted.siret,
        uai=wanted.uai,
        commune=wanted.commune,
    )
    db.session.add(organisation)
    db.session.flush()
    record_change(who, "written", organisation, now)
    return organisation


def _tell(organisation: Organisation, now: datetime) -> None:
    """Ask those who can know the person: the organisation's managers, or where it has none those of the authorities at work."""
    if managers := managers_of(organisation.id):
        _ask(managers, f"/workspace/organisations/{organisation.id}/members", organisation, now)
        return
    for authority_id in accounts.current_authorities():
        _ask(managers_of(authority_id), f"/authority/{authority_id}/organisations", organisation, now)


def _ask(managers: list[Account], path: str, organisation: Organisation, now: datetime) -> None:
    for manager in managers:
        queue_letter(manager.email, manager.locale, Kind.JOIN_ASKED, now, organisation=organisation.name, path=path)


def _said(name: str) -> str:
    return " ".join(plain(name).split())


def _free_key(name: str) -> str:
    """A readable key nobody has: the name's letters, and a few random signs where they are taken."""
    ascii_name = unicodedata.normalize("NFKD", plain(name)).encode("ascii", "ignore").decode()
    key = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:50].strip("-") or "organisation"
    taken = db.session.scalar(select(Organisation.id).where(Organisation.key == key)) is not None
    return f"{key}-{secrets.token_hex(4)}" if taken else key
