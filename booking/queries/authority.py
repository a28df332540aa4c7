"""What an authority's pages read: its editions, their figures and events, the organisations, who asks to join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from booking import clock
from booking.db import db
from booking.errors import NotFound
from booking.models import (
    Booking,
    Edition,
    Event,
    Label,
    LabelDecision,
    Member,
    MemberState,
    Organisation,
    OrganisationKind,
    Pool,
    Publication,
    Slot,
    slot_pools,
)
from booking.models.booking import LIVE
from booking.queries.catalogue import current_of

A_PAGE = 50
MOST_STRANDED = 20
_LARGEST_ID = 2**31 - 1
_PUBLISHED = Event.publication == Publication.PUBLISHED
_LABELLED = Event.label.has(Label.decision == LabelDecision.LABELLED)
_KNOWN = or_(_PUBLISHED, Event.label.has())
"""A company's draft is its own affair until it is published or its label asked for."""
SHOWN: Mapping[str, ColumnElement[bool]] = MappingProxyType(
    {
        "all": _KNOWN,
        "published": _PUBLISHED,
        "labelled": _LABELLED,
        "unlabelled": and_(_PUBLISHED, ~_LABELLED),
        "booked": and_(_PUBLISHED, Event.slots.any(Slot.pools.any(Pool.taken > 0))),
        "cancelled": and_(_KNOWN, Event.cancelled_at.is_not(None)),
    }
)
"""Which of an edition's events a list can show."""


@dataclass(frozen=True)
class Figures:
    """What an edition counts now. Places are those of its published events' slots that are not cancelled."""

    published: int
    labelled: int
    hosts: int
    slots: int
    places: int
    taken: int
    booked: int
    """Published events with at least one place taken."""
    bookings: int


@dataclass(frozen=True)
class OrganisationLine:
    """One organisation of a list, with how many people work for it and how many events it has that an authority may see."""

    organisation: Organisation
    members: int
    asking: int
    events: int


@dataclass(frozen=True)
class OrganisationPage:
    """One page of organisations. Pages count from 1; a page past the end is the last one."""

    lines: list[OrganisationLine]
    total: int
    page: int
    pages: int


def editions(authority_id: int) -> list[tuple[Edition, int]]:
    """An authority's editions, the newest first, each with the number of its published events."""
    published = select(func.count(Event.id)).where(Event.edition_id == Edition.id, _PUBLISHED).scalar_subquery()
    statement = select(Edition, published).where(Edition.authority_id == authority_id)
    found = db.session.execute(statement.order_by(Edition.starts_on.desc(), Edition.id.desc())).all()
    return [(edition, count) for edition, count in found]


def current_edition(authority_id: int) -> Edition | None:
    """The authority's edition at hand, chosen as the public home page chooses."""
    return current_of([edition for edition, _ in editions(authority_id)])


def figures(edition_id: int) -> Figures:
    """What an edition counts now, in four statements."""
    of_edition = [Event.edition_id == edition_id, _PUBLISHED]
    events = db.session.execute(
        select(
            func.count(Event.id),
            func.count(Event.id).filter(_LABELLED),
            func.count(Event.host_id.distinct()),
            func.count(Event.id).filter(SHOWN["booked"]),
        ).where(*of_edition)
    ).one()
    alive = [*of_edition, Event.cancelled_at.is_(None), Slot.cancelled_at.is_(None)]
    slots = db.session.scalar(select(func.count(Slot.id)).join(Event).where(*alive)) or 0
    drawn = select(slot_pools.c.pool_id).join(Slot, Slot.id == slot_pools.c.slot_id).join(Event, Event.id == Slot.event_id)
    own = [Pool.id.in_(drawn.where(*alive)), Pool.name == ""]
    places = db.session.execute(
        select(func.coalesce(func.sum(Pool.capacity), 0), func.coalesce(func.sum(Pool.taken), 0)).where(*own)
    ).one()
    booked = select(func.count(Booking.id)).join(Slot).join(Event).where(*of_edition, Booking.status.in_(LIVE))
    return Figures(events[0], events[1], events[2], slots, places[0], places[1], events[3], db.session.scalar(booked) or 0)


def events(edition_id: int, shown: str, page: int = 1) -> tuple[list[Event], int, int]:
    """One page of an edition's events that an authority may see, by title, with host, label, slots and pools; total and pages."""
    wanted = [Event.edition_id == edition_id, SHOWN.get(shown, _KNOWN)]
    total = db.session.scalar(select(func.count(Event.id)).where(*wanted)) or 0
    pages = max(1, -(-total // A_PAGE))
    statement = (
        select(Event)
        .where(*wanted)
        .options(joinedload(Event.host, innerjoin=True), joinedload(Event.label), joinedload(Event.edition, innerjoin=True))
        .options(selectinload(Event.slots).selectinload(Slot.pools))
        .order_by(Event.title, Event.id)
        .offset((min(max(page, 1), pages) - 1) * A_PAGE)
        .limit(A_PAGE)
    )
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).unique()
    return list(found), total, pages


def booked_outside(edition_id: int, first: date, last: date) -> list[Slot]:
    """Slots of an edition with places taken that lie outside these days in Paris, soonest first; twenty at most."""
    begins, ends = clock.at_paris(first, 0), clock.at_paris(last + timedelta(days=1), 0)
    statement = (
        select(Slot)
        .join(Event)
        .where(Event.edition_id == edition_id, Slot.cancelled_at.is_(None), or_(Slot.starts_at < begins, Slot.starts_at >= ends))
        .where(select(Booking.id).where(Booking.slot_id == Slot.id, Booking.status.in_(LIVE)).exists())
        .options(joinedload(Slot.event, innerjoin=True))
        .order_by(Slot.starts_at, Slot.id)
        .limit(MOST_STRANDED)
    )
    return list(db.session.scalars(statement))


def asking(authority_id: int) -> list[Member]:
    """Who asks to join an organisation, the longest waiting first; of authorities, only one's own."""
    statement = (
        select(Member)
        .join(Organisation, Organisation.id == Member.organisation_id)
        .where(Member.state == MemberState.ASKED, _not_another(authority_id))
        .options(joinedload(Member.account, innerjoin=True), joinedload(Member.organisation, innerjoin=True))
        .order_by(Member.since, Member.id)
    )
    return list(db.session.scalars(statement))


def organisations(authority_id: int, words: list[str], kind: str, page: int = 1) -> OrganisationPage:
    """Organisations whose name, commune or number holds all these words, by name; other authorities are left out."""
    wanted = [_not_another(authority_id), *(_like(word) for word in words)]
    if kind in {known.value for known in OrganisationKind}:
        wanted.append(Organisation.kind == OrganisationKind(kind))
    total = db.session.scalar(select(func.count(Organisation.id)).where(*wanted)) or 0
    pages = max(1, -(-total // A_PAGE))
    page = min(max(page, 1), pages)
    statement = (
        select(Organisation, *_counts(authority_id)).where(*wanted).order_by(func.lower(Organisation.name), Organisation.id)
    )
    found = db.session.execute(statement.offset((page - 1) * A_PAGE).limit(A_PAGE)).all()
    return OrganisationPage([OrganisationLine(*row) for row in found], total, page, pages)


def organisation(authority_id: int, number: int) -> OrganisationLine:
    """One organisation an authority may see. Raises `NotFound` for another authority."""
    wanted = Organisation.id == min(max(number, 0), _LARGEST_ID)
    row = db.session.execute(select(Organisation, *_counts(authority_id)).where(wanted, _not_another(authority_id))).one_or_none()
    if row is None:
        raise NotFound
    return OrganisationLine(*row)


def hosted(authority_id: int, organisation_id: int) -> list[Event]:
    """The events of an organisation in this authority's editions that it may see, the newest edition first."""
    statement = (
        select(Event)
        .join(Event.edition)
        .where(Edition.authority_id == authority_id, Event.host_id == organisation_id, _KNOWN)
        .options(joinedload(Event.edition, innerjoin=True), joinedload(Event.label))
        .order_by(Edition.starts_on.desc(), Event.title, Event.id)
        .limit(A_PAGE)
    )
    return list(db.session.scalars(statement))


def _not_another(authority_id: int) -> ColumnElement[bool]:
    return or_(Organisation.kind != OrganisationKind.AUTHORITY, Organisation.id == authority_id)


def _counts(authority_id: int) -> tuple[ColumnElement[int], ColumnElement[int], ColumnElement[int]]:
    def people(state: MemberState) -> ColumnElement[int]:
        counted = select(func.count(Member.id)).where(Member.organisation_id == Organisation.id, Member.state == state)
        return counted.scalar_subquery()

    own = select(Edition.id).where(Edition.authority_id == authority_id)
    counted = select(func.count(Event.id)).where(Event.host_id == Organisation.id, Event.edition_id.in_(own), _KNOWN)
    return people(MemberState.ACTIVE), people(MemberState.ASKED), counted.scalar_subquery()


def _like(word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = "%" + "".join(sign if sign.isascii() else "_" for sign in escaped) + "%"
    columns = (Organisation.name, Organisation.commune, Organisation.siret, Organisation.uai)
    return or_(*(column.ilike(pattern, escape="\\") for column in columns))
