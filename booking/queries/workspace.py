"""Fetching for people who are signed in: each function gives the thing only to a visitor who may do this with it.

What they may not see raises `NotFound`, like what does not exist. Every fetch is fresh and brings along what its page needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, bindparam, exists, inspect, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from booking.db import Base, db
from booking.errors import NotFound
from booking.models import (
    Account,
    Booking,
    Edition,
    Event,
    HistoryEntry,
    Inbound,
    Mandate,
    Member,
    MemberState,
    Organisation,
    OrganisationKind,
    ProgrammeImport,
    Publication,
    Role,
    Session,
    Slot,
)
from booking.permissions import AUTHORITY_ACTS, OF_AUTHORITY, OF_CANDIDATE, OF_MANDATE, OF_ROLE, Act, Seat, Visitor
from booking.queries import fetch

T = TypeVar("T", bound=Base)
_LARGEST_ID = 2**31 - 1


_OPEN_SESSION = (
    select(Session)
    .where(Session.token_hash == bindparam("token"), Session.ended_at.is_(None), Session.expires_at > bindparam("now"))
    .options(joinedload(Session.account, innerjoin=True))
)
_OWN_SEATS = (
    select(Member)
    .where(Member.account_id == bindparam("account"), Member.state == MemberState.ACTIVE)
    .options(joinedload(Member.organisation, innerjoin=True))
    .order_by(Member.id)
)
_MANDATES = (
    select(Mandate)
    .where(Mandate.chamber_id.in_(bindparam("chambers", expanding=True)), Mandate.ended_at.is_(None))
    .order_by(Mandate.id)
)
_OTHER = aliased(Member)
_FOUNDED = select(Member.organisation_id).where(
    Member.account_id == bindparam("account"),
    Member.state == MemberState.ASKED,
    Member.founding,
    ~exists().where(_OTHER.organisation_id == Member.organisation_id, _OTHER.state == MemberState.ACTIVE),
    ~exists().where(Event.host_id == Member.organisation_id, Event.publication != Publication.DRAFT),
    ~exists().where(HistoryEntry.organisation_id == Member.organisation_id, HistoryEntry.action == "imported"),
)
"""Organisations that somebody's waiting request has made: they may prepare meanwhile. Not where somebody else works by now, nor
where an authority has imported or published something: whoever takes a name first must not get what is meant for its owner.
Statements of every request are built once."""


def token_hash(token: str) -> str:
    """What is stored of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def open_session(token: str, now: datetime) -> Session | None:
    """The session of a token while it lasts, with its account."""
    return db.session.scalars(_OPEN_SESSION, {"token": token_hash(token), "now": now}).one_or_none()


def visitor_of(session: Session) -> Visitor:
    """Who is signed in, with every seat they have now: own ones, those of a chamber's mandates, and the one they help in."""
    account = session.account
    own = db.session.scalars(_OWN_SEATS, {"account": account.id}).all()
    chambers = {member.organisation_id: member.role for member in own if member.organisation.kind is OrganisationKind.CHAMBER}
    authorities = {
        member.organisation_id: OF_AUTHORITY[member.role]
        for member in own
        if member.organisation.kind is OrganisationKind.AUTHORITY
    }
    seats = [Seat(member.organisation_id, OF_ROLE[member.role]) for member in own]
    seats += _mandated(chambers) if chambers else []
    seats += [Seat(number, OF_CANDIDATE) for number in db.session.scalars(_FOUNDED, {"account": account.id})]
    helper = next((number for number, acts in authorities.items() if Act.HELP in acts), None)
    if session.helping_id and helper:
        seats.append(Seat(session.helping_id, OF_ROLE[Role.READER], helper))
    return Visitor(account, tuple(seats), authorities)


def _mandated(chambers: Mapping[int, Role]) -> list[Seat]:
    """The seats a chamber's member has at the companies that gave the chamber a mandate."""
    return [
        Seat(mandate.organisation_id, OF_MANDATE[chambers[mandate.chamber_id]], mandate.chamber_id)
        for mandate in db.session.scalars(_MANDATES, {"chambers": list(chambers)})
    ]


def organisation(visitor: Visitor, act: Act, organisation_id: int) -> Organisation:
    """An organisation the visitor may do this for; for an authority's acts, the authority. Raises `NotFound`."""
    if not visitor.may(act, organisation_id):
        raise NotFound
    return _one(select(Organisation), Organisation, organisation_id)


def event(visitor: Visitor, act: Act, event_id: int) -> Event:
    """An event of an organisation the visitor may do this for; for an authority's acts, one that asked for its label.

    Raises `NotFound`.
    """
    around = (
        joinedload(Event.host, innerjoin=True),
        joinedload(Event.edition, innerjoin=True),
        joinedload(Event.label),
        selectinload(Event.slots).selectinload(Slot.pools),
    )
    found = _one(select(Event).options(*around), Event, event_id)
    if not visitor.may(act, owner_of(found, act)) or (act in AUTHORITY_ACTS and found.label is None):
        raise NotFound
    return found


def slot(visitor: Visitor, act: Act, slot_id: int) -> Slot:
    """A slot of an organisation the visitor may do this for, whatever its event's publication. Raises `NotFound`."""
    event = joinedload(Slot.event, innerjoin=True)
    around = (
        event.joinedload(Event.host, innerjoin=True),
        event.joinedload(Event.edition, innerjoin=True),
        selectinload(Slot.pools),
    )
    found = _one(select(Slot).options(*around), Slot, slot_id)
    if not visitor.may(act, found.event.host_id):
        raise NotFound
    return found


def booking(visitor: Visitor, act: Act, reference: str) -> Booking:
    """A booking at an organisation the visitor may do this for. Raises `NotFound`."""
    found = fetch.booking(reference)
    if not visitor.may(act, found.slot.event.host_id):
        raise NotFound
    return found


def received_mail(visitor: Visitor, act: Act, mail_id: int) -> Inbound:
    """A mail that came in and was decided about: to an organisation the visitor may do this for; to an operator, one of nobody's.

    Raises `NotFound`.
    """
    around = joinedload(Inbound.booking).joinedload(Booking.slot).joinedload(Slot.event)
    found = _one(select(Inbound).options(around), Inbound, mail_id)
    operators = (act is Act.OPERATE) == (found.organisation_id is None)
    if not operators or found.decided_at is None or not visitor.may(act, found.organisation_id or 0):
        raise NotFound
    return found


def edition(visitor: Visitor, act: Act, edition_id: int) -> Edition:
    """An edition of an authority the visitor may do this as. Raises `NotFound`."""
    found = _one(select(Edition).options(joinedload(Edition.authority)), Edition, edition_id)
    if found.authority_id is None or not visitor.may(act, found.authority_id):
        raise NotFound
    return found


def programme_import(visitor: Visitor, act: Act, import_id: int) -> ProgrammeImport:
    """An import into an edition of an authority the visitor may do this as. Raises `NotFound`."""
    found = _one(select(ProgrammeImport).options(joinedload(ProgrammeImport.edition)), ProgrammeImport, import_id)
    if found.edition.authority_id is None or not visitor.may(act, found.edition.authority_id):
        raise NotFound
    return found


def member(visitor: Visitor, act: Act, member_id: int) -> Member:
    """A membership of an organisation the visitor may do this for; an authority sees all that ask to join. Raises `NotFound`."""
    found = _one(select(Member).options(joinedload(Member.account), joinedload(Member.organisation)), Member, member_id)
    if act in AUTHORITY_ACTS:
        if not visitor.organisations(act):
            raise NotFound
    elif not visitor.may(act, found.organisation_id):
        raise NotFound
    return found


def mandate(visitor: Visitor, act: Act, mandate_id: int) -> Mandate:
    """A mandate that an organisation of the visitor's has given. Raises `NotFound`."""
    found = _one(select(Mandate).options(joinedload(Mandate.chamber), joinedload(Mandate.organisation)), Mandate, mandate_id)
    if not visitor.may(act, found.organisation_id):
        raise NotFound
    return found


def owner_of(event: Event, act: Act) -> int:
    """The organisation that must let somebody do this with an event: its edition's authority, or its host. 0 for nobody."""
    return (event.edition.authority_id or 0) if act in AUTHORITY_ACTS else event.host_id


def managers_of(organisation_id: int) -> list[Account]:
    """Who manages an organisation, the longest first."""
    statement = (
        select(Account)
        .join(Member)
        .where(Member.organisation_id == organisation_id, Member.role == Role.MANAGER, Member.state == MemberState.ACTIVE)
        .order_by(Member.id)
    )
    return list(db.session.scalars(statement))


def _one(statement: Select[T], model: type[T], number: int) -> T:
    if not 0 < number <= _LARGEST_ID:
        raise NotFound
    fresh = statement.where(inspect(model).primary_key[0] == number).execution_options(populate_existing=True)
    found = db.session.scalars(fresh).one_or_none()
    if found is None:
        raise NotFound
    return found
