"""An event: what is published. Its label, its publication and its availability are three different things."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking import clock
from booking.db import Base, UtcDateTime, Word, Words
from booking.models.edition import Edition
from booking.models.organisation import Organisation
from booking.models.picture import Picture

if TYPE_CHECKING:
    from booking.models.slot import Slot


class EventType(StrEnum):
    """What kind of event."""

    COMPANY_VISIT = "company_visit"
    OPEN_DAY = "open_day"
    WORKSHOP = "workshop"
    SCHOOL_TALK = "school_talk"
    ROUND_TABLE = "round_table"
    FORUM = "forum"
    EXHIBITION = "exhibition"
    JOB_DATING = "job_dating"
    ONLINE = "online"


class Audience(StrEnum):
    """Who an event is for."""

    COLLEGE = "college"
    LYCEE = "lycee"
    APPRENTICE = "apprentice"
    STUDENT = "student"
    JOBSEEKER = "jobseeker"
    TEACHER = "teacher"
    PUBLIC = "public"
    PRESS = "press"
    OFFICIAL = "official"


SCHOOL_AUDIENCES = frozenset({Audience.COLLEGE, Audience.LYCEE, Audience.APPRENTICE})


class Publication(StrEnum):
    """Whether the event is on the programme: not yet, yes, no longer."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Equipment(StrEnum):
    """Protective equipment: none needed, lent on site, or to be brought."""

    NONE = "none"
    LENT = "lent"
    BRING = "bring"


class HostMails(StrEnum):
    """How the host's contacts hear of bookings: in one mail a day about each slot, or of each one at once."""

    DIGEST = "digest"
    EACH = "each"


class AccessKind(StrEnum):
    """Kinds of accessibility, asked for and offered by kind, never as health data."""

    MOTOR = "motor"
    HEARING = "hearing"
    VISUAL = "visual"
    INTELLECTUAL = "intellectual"
    PSYCHIC = "psychic"


class LabelDecision(StrEnum):
    """What the authority has decided so far."""

    REQUESTED = "requested"
    LABELLED = "labelled"
    RETURNED = "returned"
    REFUSED = "refused"


class Event(Base):
    """What is published: its type, audiences, host, place and conditions. It may take place inside a parent event."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("parent_id IS NULL OR parent_id <> id", name="not_its_own_parent"),
        Index("ix_events_edition_publication", "edition_id", "publication"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("editions.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"), index=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    type: Mapped[EventType] = mapped_column(Word(EventType))
    publication: Mapped[Publication] = mapped_column(Word(Publication), default=Publication.DRAFT)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    cancel_reason: Mapped[str] = mapped_column(String(400), default="")
    """Why the whole event was cancelled, in the host's words."""
    title: Mapped[str] = mapped_column(String(140))
    summary: Mapped[str] = mapped_column(String(300), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    """A safe subset of Markdown (`booking.markdown`)."""
    audiences: Mapped[tuple[str, ...]] = mapped_column(Words, default=())
    levels: Mapped[tuple[str, ...]] = mapped_column(Words, default=())
    """School levels admitted; empty means every level of the audiences."""
    min_age: Mapped[int | None]
    partners: Mapped[str] = mapped_column(Text, default="")
    """Names of partners, one a line."""
    contact_email: Mapped[str | None] = mapped_column(String(254))
    more_contacts: Mapped[str] = mapped_column(Text, default="")
    """Further addresses that read about bookings, one a line."""
    contact_phone: Mapped[str] = mapped_column(String(30), default="")
    free: Mapped[bool] = mapped_column(default=True)
    price: Mapped[str] = mapped_column(String(120), default="")
    """What it costs, in the host's words, where it is not free. Such an event cannot be labelled."""
    place_name: Mapped[str] = mapped_column(String(120), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    postcode: Mapped[str] = mapped_column(String(5), default="")
    commune: Mapped[str] = mapped_column(String(80), default="", index=True)
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    meeting_point: Mapped[str] = mapped_column(String(200), default="")
    access_info: Mapped[str] = mapped_column(String(400), default="")
    """How to come: station, coach drop-off."""
    closed_shoes: Mapped[bool] = mapped_column(default=False)
    identity_needed: Mapped[bool] = mapped_column(default=False)
    equipment: Mapped[Equipment] = mapped_column(Word(Equipment), default=Equipment.NONE)
    outdoors: Mapped[bool] = mapped_column(default=False)
    """Whether part of it is in the open air, in any weather."""
    conditions: Mapped[str] = mapped_column(String(400), default="")
    """Anything else to know before booking."""
    accessible_for: Mapped[tuple[str, ...]] = mapped_column(Words, default=())
    accessibility_note: Mapped[str] = mapped_column(String(300), default="")
    one_per_class: Mapped[bool] = mapped_column(default=True)
    """Whether a class may have one booking at this event only, on whichever slot; the two halves of a split class are one."""
    priority_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Until when classes of priority schools alone may book, where the event has a moment of its own."""
    host_approval: Mapped[bool] = mapped_column(default=False)
    """Whether the host looks at each request before it is a booking; the places are held meanwhile."""
    host_answer_hours: Mapped[int] = mapped_column(default=72)
    """How long the host has to answer a request."""
    head_approval: Mapped[bool] = mapped_column(default=False)
    """Whether the school's head must approve; a teacher may ask for it everywhere."""
    head_answer_days: Mapped[int] = mapped_column(default=7)
    """How long the head has to answer."""
    host_mails: Mapped[HostMails] = mapped_column(Word(HostMails), default=HostMails.DIGEST)
    invented: Mapped[bool] = mapped_column(default=False)
    search_text: Mapped[str] = mapped_column(Text, default="")
    """What the catalogue's search reads: `plain()` words of everything a visitor might type."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime(), default=clock.now, onupdate=clock.now)
    """Rises with every change of this row: pages made before know by it that they are old."""

    edition: Mapped[Edition] = relationship()
    host: Mapped[Organisation] = relationship()
    parent: Mapped[Event | None] = relationship(remote_side="Event.id", back_populates="children")
    children: Mapped[list[Event]] = relationship(back_populates="parent", order_by="Event.id")
    slots: Mapped[list[Slot]] = relationship(back_populates="event", order_by="Slot.starts_at, Slot.id")
    label: Mapped[Label | None] = relationship(back_populates="event")
    picture: Mapped[Picture | None] = relationship()

    version: Mapped[int] = mapped_column(default=1)
    """Rises with every change; who edits an older version is told, and overwrites nothing."""

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own way to say it

    @property
    def is_public(self) -> bool:
        """Whether anybody may see the page. A cancelled event stays visible and says so."""
        return self.publication is Publication.PUBLISHED

    @property
    def is_labelled(self) -> bool:
        return self.label is not None and self.label.decision is LabelDecision.LABELLED

    @property
    def takes_classes(self) -> bool:
        """Whether a class may come: only where the host named a school audience, for the general public comes one by one."""
        return bool(SCHOOL_AUDIENCES.intersection(self.audiences))

    @property
    def priority_ends(self) -> datetime | None:
        """Until when classes of REP, REP+ and QPV schools alone may book: the later of the edition's moment and its own.

        An event may prolong the authority's window and never shorten it; without a list of schools there is no window.
        """
        moments = [moment for moment in (self.edition.priority_until, self.priority_until) if moment]
        return max(moments, default=None) if self.edition.priority_schools else None

    @property
    def person_audiences(self) -> list[Audience]:
        """The audiences a person coming alone may choose from."""
        return [audience for audience in Audience if audience in self.audiences and audience not in SCHOOL_AUDIENCES]

    @property
    def notice_address(self) -> str | None:
        """Where the host reads about bookings first, and where a booker can write."""
        return self.contact_email or self.host.email

    @property
    def notice_addresses(self) -> list[str]:
        """Everybody at the host's who reads about bookings, each once."""
        addresses = [self.notice_address, *self.more_contacts.split("\n")]
        return list(dict.fromkeys(address for address in addresses if address))


class Label(Base):
    """The authority's decision about one event in one edition."""

    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), unique=True)
    decision: Mapped[LabelDecision] = mapped_column(Word(LabelDecision), default=LabelDecision.REQUESTED)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime())
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    remarks: Mapped[str] = mapped_column(Text, default="")
    """What the authority wrote with its last decision."""
    seen: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Date, price, audience and place as they were when the label was given: later changes are shown against them."""
    review_since: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Since when a labelled event has differed from what was labelled; it keeps its label until somebody has looked."""

    event: Mapped[Event] = relationship(back_populates="label")


def plain(text: str) -> str:
    """Lower-case letters without accents, as the search compares them: « Élysée » and "elysee" are equal."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))
