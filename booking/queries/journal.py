"""The journal: the history as its readers may search it, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from booking import clock
from booking.db import db
from booking.models import (
    Account,
    Actor,
    Edition,
    Event,
    HistoryEntry,
    Organisation,
    OrganisationKind,
    Publication,
    Subject,
)

A_PAGE = 50
LONGEST_WORDS = 80
MOST_WORDS = 6
_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True)
class JournalFilters:
    """What a reader of the journal asks for. Empty means: no matter."""

    words: str = ""
    """Each of them in the name of what it was about, in the actor's address, or in the words of the action."""
    actions: tuple[str, ...] = ()
    """The actions whose words, in the reader's language, are those asked for: the door knows them."""
    subject: str = ""
    actor: str = ""
    organisation_id: int | None = None
    since: date | None = None
    """First and last day, in Paris."""
    until: date | None = None


@dataclass(frozen=True)
class Line:
    """One line, with the names around it. `email` is the address of the account that acted, empty where there is none."""

    entry: HistoryEntry
    email: str
    acting_for: str
    organisation: str


@dataclass(frozen=True)
class JournalPage:
    """One page of lines. Pages count from 1; a page past the end is the last one."""

    lines: list[Line]
    total: int
    page: int
    pages: int


def of_authority(authority_id: int, filters: JournalFilters, page: int = 1) -> JournalPage:
    """What an authority may read: its own editions, and what organisations did outside editions. Never another authority's.

    Of an event it hears once it is published or its label asked for, and of what it did itself: a draft is its host's affair.
    """
    own = select(Edition.id).where(Edition.authority_id == authority_id)
    others = select(Organisation.id).where(Organisation.kind == OrganisationKind.AUTHORITY, Organisation.id != authority_id)
    outside = and_(
        HistoryEntry.edition_id.is_(None),
        HistoryEntry.organisation_id.is_not(None),
        HistoryEntry.organisation_id.not_in(others),
    )
    known = select(Event.id).where(or_(Event.publication == Publication.PUBLISHED, Event.label.has()))
    open_to_it = or_(
        HistoryEntry.event_id.is_(None), HistoryEntry.acting_for_id == authority_id, HistoryEntry.event_id.in_(known)
    )
    return _page([or_(and_(HistoryEntry.edition_id.in_(own), open_to_it), outside)], filters, page)


def of_organisation(organisation_id: int, filters: JournalFilters, page: int = 1) -> JournalPage:
    """Everything that is this organisation's affair."""
    return _page([HistoryEntry.organisation_id == organisation_id], filters, page)


def of_event(event_id: int, subjects: Iterable[Subject] = (Subject.LABEL,), most: int = A_PAGE) -> list[Line]:
    """What was done to an event, newest first: by default the decisions about its label."""
    return _lines([HistoryEntry.event_id == event_id, HistoryEntry.subject.in_(list(subjects))], 0, most)


def _page(conditions: list[ColumnElement[bool]], filters: JournalFilters, page: int) -> JournalPage:
    wanted = [*conditions, *_conditions(filters)]
    counted = select(func.count(HistoryEntry.id)).outerjoin(Account, Account.id == HistoryEntry.account_id).where(*wanted)
    total = db.session.scalar(counted) or 0
    pages = max(1, -(-total // A_PAGE))
    page = min(max(page, 1), pages)
    return JournalPage(_lines(wanted, (page - 1) * A_PAGE, A_PAGE), total, page, pages)


def _lines(conditions: list[ColumnElement[bool]], offset: int, most: int) -> list[Line]:
    acting, whose = aliased(Organisation), aliased(Organisation)
    statement = (
        select(HistoryEntry, Account.email, acting.name, whose.name)
        .outerjoin(Account, Account.id == HistoryEntry.account_id)
        .outerjoin(acting, acting.id == HistoryEntry.acting_for_id)
        .outerjoin(whose, whose.id == HistoryEntry.organisation_id)
        .where(*conditions)
        .order_by(HistoryEntry.at.desc(), HistoryEntry.id.desc())
        .offset(offset)
        .limit(most)
    )
    found = db.session.execute(statement).all()
    return [Line(entry, email or "", acting_name or "", whose_name or "") for entry, email, acting_name, whose_name in found]


def _conditions(filters: JournalFilters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if words := words_of(filters.words):
        wanted.append(or_(HistoryEntry.action.in_(filters.actions), and_(*(_names(word) for word in words))))
    if filters.subject in {subject.value for subject in Subject}:
        wanted.append(HistoryEntry.subject == Subject(filters.subject))
    if filters.actor in {actor.value for actor in Actor}:
        wanted.append(HistoryEntry.actor == Actor(filters.actor))
    if filters.organisation_id is not None:
        wanted.append(HistoryEntry.organisation_id == min(max(filters.organisation_id, 0), _LARGEST_ID))
    if filters.since:
        wanted.append(HistoryEntry.at >= clock.at_paris(filters.since, 0))
    if filters.until:
        wanted.append(HistoryEntry.at < clock.at_paris(filters.until + timedelta(days=1), 0))
    return wanted


def words_of(text: str) -> list[str]:
    """The words of a search; what is longer than anybody types is cut."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text[:LONGEST_WORDS])
    return printable.split()[:MOST_WORDS]


def _names(word: str) -> ColumnElement[bool]:
    # A database folds accents or does not; people type them either way, so a letter with an accent stands for any letter.
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = "%" + "".join(sign if sign.isascii() else "_" for sign in escaped) + "%"
    return or_(*(column.ilike(pattern, escape="\\") for column in (HistoryEntry.name, Account.email)))
