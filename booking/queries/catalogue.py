"""The catalogue: published events by what a visitor asks for, what still has room, what else would suit.

Whether a slot can be booked is decided by `Slot.closed_because`; `_bookable` says the same in SQL, so that the
database sorts and counts, and a test holds the two together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, Subquery, case, false, func, or_, select, type_coerce
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import LoaderOption

from booking import clock
from booking.db import db
from booking.errors import NotFound
from booking.models import Audience, Edition, Event, EventType, Publication, Slot
from booking.models.event import SCHOOL_AUDIENCES, plain
from booking.models.party import AUDIENCE_OF_LEVEL, LEVELS, SCHOOL, comes_as
from booking.queries.room import room_by_slot

MOST_WORDS = 8
LONGEST_WORDS = 80
MOST_PER_PAGE = 100
_LARGEST_ID = 2**31 - 1
_PUBLISHED = Event.publication == Publication.PUBLISHED


@dataclass(frozen=True)
class Filters:
    """What a visitor asks for. Empty means: no matter."""

    edition_id: int
    words: str = ""
    day: date | None = None
    """A day in Paris on which a slot starts."""
    commune: str = ""
    type: str = ""
    audience: str = ""
    """One of `Audience`, or `school`, which means collège, lycée or apprentices."""
    level: str = ""
    places: int | None = None
    """A party of so many must fit on a slot that can be booked now."""


@dataclass(frozen=True)
class Found:
    """One event, with host, edition, label, slots and their pools loaded."""

    event: Event
    next_slot: Slot | None
    """The first slot that suits the filters and can be booked, else the first to come, else None."""


@dataclass(frozen=True)
class Page:
    """One page of what was found. Pages count from 1; a page past the end is the last one."""

    found: list[Found]
    total: int
    page: int
    pages: int


def search(filters: Filters, page: int = 1, per_page: int = 20) -> Page:
    """Published events that suit: those with a bookable slot first, soonest first, then by title.

    Values outside the vocabularies find nothing. Four statements, whatever is found.
    """
    per_page = min(max(per_page, 1), MOST_PER_PAGE)
    found = _ids(filters)
    pages = max(1, -(-len(found) // per_page))
    page = min(max(page, 1), pages)
    return Page(_load(found[(page - 1) * per_page : page * per_page], filters), len(found), page, pages)


def with_room(edition_id: int, limit: int = 6) -> list[Found]:
    """Events that still have room, the soonest first."""
    filters = Filters(edition_id, places=1)
    return _load(_ids(filters, limit=limit), filters)


def similar(event: Event, places: int, limit: int = 3) -> list[Found]:
    """Other events of the edition for one of the same audiences where a party of `places` fits now.

    Those in the same commune come first, then those of the same type, then the soonest.
    """
    filters = Filters(event.edition_id, places=max(places, 1))
    alike = [Event.id != event.id, or_(*(_contains(Event.audiences, word) for word in event.audiences))]
    nearness = [case((Event.commune == event.commune, 0), else_=1), case((Event.type == event.type, 0), else_=1)]
    return _load(_ids(filters, alike, nearness, limit), filters) if event.audiences else []


def event_days(edition: Edition) -> dict[date, int]:
    """How many published events have a slot on each day (in Paris), cancelled slots left out."""
    statement = (
        select(Slot.event_id, Slot.starts_at)
        .join(Event, Event.id == Slot.event_id)
        .where(Event.edition_id == edition.id, _PUBLISHED, Event.cancelled_at.is_(None), Slot.cancelled_at.is_(None))
    )
    seen = {(row.event_id, clock.paris_day(row.starts_at)) for row in db.session.execute(statement)}
    return dict(sorted(Counter(day for _, day in seen).items()))


def communes(edition_id: int) -> list[str]:
    """Communes with a published event, in the order of the alphabet."""
    statement = select(Event.commune).where(Event.edition_id == edition_id, _PUBLISHED, Event.commune != "").distinct()
    return sorted(db.session.scalars(statement), key=plain)


def types_in_use(edition_id: int) -> list[EventType]:
    """Types of published events, in the order of the vocabulary."""
    used = set(db.session.scalars(select(Event.type).where(Event.edition_id == edition_id, _PUBLISHED).distinct()))
    return [kind for kind in EventType if kind in used]


def editions() -> list[Edition]:
    """Every edition, the newest first."""
    return list(db.session.scalars(select(Edition).order_by(Edition.starts_on.desc(), Edition.id.desc())))


def current_edition() -> Edition | None:
    """The edition at hand: see `current_of`."""
    return current_of(editions())


def current_of(known: Sequence[Edition]) -> Edition | None:
    """Of these editions (the newest first) the earliest that is not over and has something to show, else the earliest not over.

    One whose week is over stays until its labelling window ends, or until another has opened its own. Where all are over, it is
    the latest that began: an edition prepared for next year never takes the place of this one's.
    """
    today = clock.paris_day(clock.now())
    coming = [edition for edition in reversed(known) if not edition.is_past]
    if len(coming) > 1:
        shown = select(Event.edition_id).where(_PUBLISHED, Event.edition_id.in_([edition.id for edition in coming])).distinct()
        filled = set(db.session.scalars(shown))
        coming.sort(key=lambda one: (one.id not in filled, one.label_from > today, one.ends_on < today))
    begun = [edition for edition in known if edition.starts_on <= today]
    return next(iter([*coming, *begun, *known]), None)


def event(event_id: int) -> Event:
    """A published event, fresh, with all its page shows; only published parents and children. Raises `NotFound`."""
    if not 0 < event_id <= _LARGEST_ID:
        raise NotFound
    statement = (
        select(Event)
        .where(Event.id == event_id, _PUBLISHED)
        .options(*_of_event(), joinedload(Event.parent.and_(_PUBLISHED)), selectinload(Event.children.and_(_PUBLISHED)))
    )
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).unique().one_or_none()
    if found is None:
        raise NotFound
    return found


def _ids(
    filters: Filters,
    conditions: Iterable[ColumnElement[bool]] = (),
    nearness: Iterable[ColumnElement[int]] = (),
    limit: int | None = None,
) -> list[int]:
    """The events that suit, in order, by one statement that reads two columns."""
    if not _in_vocabulary(filters):
        return []
    soonest = _soonest(filters)
    statement = (
        select(Event.id)
        .join(soonest, soonest.c.event_id == Event.id, isouter=filters.places is None)
        .where(Event.edition_id == filters.edition_id, _PUBLISHED, *_conditions(filters), *conditions)
        .order_by(*nearness, soonest.c.starts_at.is_(None), soonest.c.starts_at, Event.title, Event.id)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


def of_slots(filters: Filters) -> list[ColumnElement[bool]]:
    """What slots, joined to event and edition, must be so that they belong to what `search` finds: of these events, on that day.

    A cancelled slot belongs to it as well, but not where places are asked for: then it must be one to be booked now.
    """
    if not _in_vocabulary(filters):
        return [false()]
    of_day = [_on(filters.day)] if filters.day else []
    with_room = [*_bookable(filters), Slot.id.in_(_left(filters))] if filters.places else []
    events = _conditions(replace(filters, day=None))
    return [Event.edition_id == filters.edition_id, _PUBLISHED, *events, *of_day, *with_room]


def _in_vocabulary(filters: Filters) -> bool:
    return (
        filters.type in {"", *EventType}
        and filters.audience in {"", SCHOOL, *Audience}
        and filters.level in {"", *LEVELS}
        and (filters.day is None or 1970 <= filters.day.year <= 2999)
    )


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [Event.search_text.like(_pattern(word), escape="\\") for word in words_of(filters.words)]
    if filters.commune:
        wanted.append(Event.commune == _printable(filters.commune))
    if filters.type:
        wanted.append(Event.type == EventType(filters.type))
    if filters.audience:
        wanted.append(_for_one_of(SCHOOL_AUDIENCES if filters.audience == SCHOOL else {filters.audience}))
    if filters.level:
        own = AUDIENCE_OF_LEVEL.get(filters.level)
        every_level = type_coerce(Event.levels, String) == "|"
        wanted.append(or_(_contains(Event.levels, filters.level), every_level & _for_one_of({own} if own else SCHOOL_AUDIENCES)))
    if filters.day:
        wanted.append(Event.slots.any(Slot.cancelled_at.is_(None) & _on(filters.day)))
    return wanted


def words_of(text: str) -> list[str]:
    """The words a search is for, as `search_text` writes them; what is longer than anybody types is cut."""
    return plain(_printable(text[:LONGEST_WORDS])).split()[:MOST_WORDS]


def _printable(text: str) -> str:
    """Text without what databases refuse to compare (NUL, lone surrogates) and nobody types."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _pattern(word: str) -> str:
    """The LIKE pattern of one word. Straight and curly apostrophes stand for each other."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped.replace('’', '_').replace(chr(39), '_')}%"


def _contains(column: object, word: str) -> ColumnElement[bool]:
    """Whether a `Words` column holds a word of a closed vocabulary."""
    return type_coerce(column, String).like(f"%|{word}|%")


def _for_one_of(audiences: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(_contains(Event.audiences, audience) for audience in sorted(audiences)))


def _on(day: date) -> ColumnElement[bool]:
    return Slot.starts_at.between(clock.at_paris(day, 0), clock.at_paris(day + timedelta(days=1), 0) - timedelta(microseconds=1))


def _soonest(filters: Filters) -> Subquery:
    """When the first slot starts that suits the filters and can be booked, for each event that has one."""
    left = _left(filters).subquery()
    statement = (
        select(Slot.event_id, func.min(Slot.starts_at).label("starts_at"))
        .join(Event, Event.id == Slot.event_id)
        .join(Edition, Edition.id == Event.edition_id)
        .join(left, left.c.slot_id == Slot.id)
        .where(Event.edition_id == filters.edition_id, _PUBLISHED, *_bookable(filters))
        .group_by(Slot.event_id)
    )
    return statement.subquery()


def _left(filters: Filters) -> Select[int]:
    """The slots with enough places for the audience asked for, read in one pass."""
    room = room_by_slot(audiences_of(filters), clock.now()).subquery()
    return select(room.c.slot_id).where(room.c.remaining >= _places(filters))


def audiences_of(filters: Filters) -> frozenset[str]:
    """Whom the places are for that a visitor asks about: those of a level or an audience, or of nobody in particular."""
    if filters.level or filters.audience == SCHOOL:
        return comes_as(SCHOOL, filters.level)
    return frozenset({filters.audience}) if filters.audience else frozenset()


def _bookable(filters: Filters) -> list[ColumnElement[bool]]:
    """`_suits` in SQL, places aside."""
    now = clock.now()
    today = clock.paris_day(now)
    opens_at = func.coalesce(Slot.opens_at, Edition.bookings_open_at)
    return [
        Slot.cancelled_at.is_(None),
        Event.cancelled_at.is_(None),
        or_(Edition.ends_on >= today, Edition.label_until >= today),
        Slot.starts_at > now,
        Edition.archived_at.is_(None),
        or_(opens_at.is_(None), opens_at <= now),
        Slot.closes_at > now,
        or_(Slot.max_party.is_(None), Slot.max_party >= _places(filters)),
        *([_on(filters.day)] if filters.day else []),
    ]


def _suits(slot: Slot, filters: Filters, now: datetime) -> bool:
    """Whether a slot can be booked now by a party of the size asked for, on the day asked for."""
    places = _places(filters)
    return (
        slot.closed_because(now) is None
        and (slot.max_party is None or slot.max_party >= places)
        and slot.places_left(audiences_of(filters)).remaining >= places
        and (filters.day is None or clock.paris_day(slot.starts_at) == filters.day)
    )


def _places(filters: Filters) -> int:
    return min(max(filters.places or 1, 1), _LARGEST_ID)


def _load(ids: list[int], filters: Filters) -> list[Found]:
    """The events of these ids in this order, with what a list shows: three statements, or none for an empty list."""
    if not ids:
        return []
    statement = select(Event).where(Event.id.in_(ids)).options(*_of_event())
    loaded = db.session.scalars(statement, execution_options={"populate_existing": True}).unique()
    events = {found.id: found for found in loaded}
    now = clock.now()
    return [Found(events[known], _next_slot(events[known], filters, now)) for known in ids]


def _of_event() -> list[LoaderOption]:
    return [
        joinedload(Event.edition, innerjoin=True),
        joinedload(Event.host, innerjoin=True),
        joinedload(Event.label),
        selectinload(Event.slots).selectinload(Slot.pools),
    ]


def _next_slot(event: Event, filters: Filters, now: datetime) -> Slot | None:
    to_come = [slot for slot in event.slots if slot.starts_at > now and not slot.cancelled_at]
    ranked = sorted(to_come, key=lambda slot: (not _suits(slot, filters, now), not _is_on(slot, filters.day), slot.starts_at))
    return ranked[0] if ranked else None


def _is_on(slot: Slot, day: date | None) -> bool:
    return day is None or clock.paris_day(slot.starts_at) == day
