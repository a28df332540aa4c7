"""What calendars read that somebody subscribes to: published slots, one address's bookings, and the secret feeds themselves.

The number of statements does not grow with what is found. Nothing here depends on the hour: what a feed holds changes with the
data, and with the day in Paris on which something old drops out of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from booking import clock
from booking.db import db
from booking.errors import NotFound
from booking.models import Booking, Edition, Event, Feed, Label, LabelDecision, Organisation, Publication, Slot, Status
from booking.queries import catalogue
from booking.queries.catalogue import Filters

MOST_SLOTS = 2000
"""More than an edition has. A feed that is longer keeps its soonest slots."""
KEPT_FOR = timedelta(days=30)
"""How long a slot that is over stays in a feed without an end."""
_LARGEST_ID = 2**31 - 1
_PUBLISHED = Event.publication == Publication.PUBLISHED


class PublicSlot(NamedTuple):
    """What anybody's calendar may show of a slot: no places, no booking, nobody's name. Instants are UTC."""

    id: int
    version: int
    starts_at: datetime
    ends_at: datetime
    own_meeting_point: str
    cancelled_at: datetime | None
    event_id: int
    event_version: int
    updated_at: datetime
    event_cancelled_at: datetime | None
    title: str
    summary: str
    place_name: str
    address: str
    postcode: str
    commune: str
    latitude: float | None
    longitude: float | None
    meeting_point: str

    @classmethod
    def of(cls, slot: Slot) -> PublicSlot:
        """A slot with its event, as read before."""
        return cls(*(getattr(slot if column.class_ is Slot else slot.event, column.key) for column in _COLUMNS))


_COLUMNS = (
    Slot.id, Slot.version, Slot.starts_at, Slot.ends_at, Slot.meeting_point, Slot.cancelled_at,
    Event.id, Event.version, Event.updated_at, Event.cancelled_at, Event.title, Event.summary,
    Event.place_name, Event.address, Event.postcode, Event.commune, Event.latitude, Event.longitude, Event.meeting_point,
)  # fmt: skip


def programme(filters: Filters, now: datetime) -> list[PublicSlot]:
    """The published slots that suit the catalogue's filters, soonest first. One statement."""
    return _slots(_public(now).where(*catalogue.of_slots(filters), _not_long_over(now)))


def organisation(organisation_id: int, now: datetime) -> tuple[Organisation, list[PublicSlot]]:
    """The published slots of one organisation. Raises `NotFound` where it shows nothing to anybody."""
    found = shown_organisation(organisation_id)
    if found is None:
        raise NotFound
    return found, _slots(_public(now).where(Event.host_id == found.id, _PUBLISHED, _not_long_over(now)))


def shown_organisation(organisation_id: int) -> Organisation | None:
    """An organisation with something on the programme; what others prepare is nobody's business."""
    shows = select(Event.id).where(Event.host_id == Organisation.id, _PUBLISHED).exists()
    known = select(Organisation).where(Organisation.id == organisation_id, shows)
    return db.session.scalar(known) if _is_id(organisation_id) else None


def edition(key: str, now: datetime) -> tuple[Edition, list[PublicSlot]]:
    """An edition by its key, and the slots of its labelled and published events from first to last. Raises `NotFound`."""
    found = db.session.scalar(select(Edition).where(Edition.key == key)) if key.isprintable() else None
    if found is None:
        raise NotFound
    labelled = Label.decision == LabelDecision.LABELLED
    statement = _public(now).join(Label, Label.event_id == Event.id).where(Event.edition_id == found.id, _PUBLISHED, labelled)
    return found, _slots(statement)


def bookings(email: str, now: datetime) -> list[Booking]:
    """The bookings of one address that its calendar knows of, by the visit's hour, with slot, event, host and pools.

    Those that stand, those held for an address that was proven, and of the cancelled ones those that were confirmed once, until
    the day of their visit is over.
    """
    held = and_(Booking.status == Status.HELD, Booking.proven_at.is_not(None))
    stands = Booking.status.in_([Status.CONFIRMED, Status.ATTENDED, Status.NO_SHOW])
    gone = and_(Booking.status == Status.CANCELLED, Booking.calendar_stamp.is_not(None), Slot.ends_at > _today(now))
    slot = joinedload(Booking.slot, innerjoin=True)
    event = slot.joinedload(Slot.event, innerjoin=True)
    statement = (
        select(Booking)
        .join(Slot, Slot.id == Booking.slot_id)
        .where(func.lower(Booking.email) == email, or_(held, stands, gone))
        .options(event.joinedload(Event.host, innerjoin=True), slot.selectinload(Slot.pools))
        .order_by(Slot.starts_at, Booking.id)
    )
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}).unique())


def feed(feed_id: int) -> Feed:
    """A secret feed by its number. Whether somebody may read it is the caller's question. Raises `NotFound`."""
    found = db.session.get(Feed, feed_id, populate_existing=True) if _is_id(feed_id) else None
    if found is None:
        raise NotFound
    return found


def owner_of(feed: Feed) -> Organisation:
    """The organisation whose feed it is. Raises `NotFound` where it is a person's."""
    found = db.session.get(Organisation, feed.organisation_id) if feed.organisation_id else None
    if found is None:
        raise NotFound
    return found


def feed_of_address(email: str) -> Feed | None:
    """The secret feed of an address, where its owner has asked for one."""
    return db.session.scalar(select(Feed).where(Feed.email == email.lower()))


def feed_of_organisation(organisation_id: int) -> Feed | None:
    """The secret feed of an organisation, where somebody there has asked for one."""
    return db.session.scalar(select(Feed).where(Feed.organisation_id == organisation_id))


def _public(now: datetime) -> Select[*tuple[Any, ...]]:
    """Slots as anybody may see them; a cancelled one until its day is over, so that every calendar has heard of it."""
    goes_on = and_(Slot.cancelled_at.is_(None), Event.cancelled_at.is_(None))
    return (
        select(*_COLUMNS)
        .join(Event, Event.id == Slot.event_id)
        .join(Edition, Edition.id == Event.edition_id)
        .where(or_(goes_on, Slot.ends_at > _today(now)))
        .order_by(Slot.starts_at, Slot.id)
        .limit(MOST_SLOTS)
    )


def _slots(statement: Select[*tuple[Any, ...]]) -> list[PublicSlot]:
    return [PublicSlot(*row) for row in db.session.execute(statement)]


def _not_long_over(now: datetime) -> ColumnElement[bool]:
    return Slot.ends_at > _today(now) - KEPT_FOR


def _today(now: datetime) -> datetime:
    return clock.at_paris(clock.paris_day(now), 0)


def _is_id(number: int) -> bool:
    return 0 < number <= _LARGEST_ID
