"""What waits for a decision about a label: requests, and labelled events that changed since, by age."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from booking.db import db
from booking.models import Edition, Event, Label, LabelDecision
from booking.queries.label_checks import seen_of
from booking.workdays import working_days_between, working_deadline

ANSWER_WITHIN = 4
"""Working days within which the authority answers."""
A_PAGE = 50
WAITING = "waiting"
_OPEN = Edition.archived_at.is_(None)
_ASKED = Label.decision == LabelDecision.REQUESTED
_REVIEW = and_(Label.decision == LabelDecision.LABELLED, Label.review_since.is_not(None))
_SHOWN: Mapping[str, ColumnElement[bool]] = MappingProxyType(
    {
        WAITING: and_(_OPEN, or_(_ASKED, _REVIEW)),
        "requested": and_(_OPEN, _ASKED),
        "review": and_(_OPEN, _REVIEW),
        "labelled": Label.decision == LabelDecision.LABELLED,
        "returned": Label.decision == LabelDecision.RETURNED,
        "refused": Label.decision == LabelDecision.REFUSED,
    }
)
STATES = tuple(_SHOWN)
"""What the queue can be asked to show: everything that waits, or one state."""


@dataclass(frozen=True)
class Clock:
    """How long the authority still has to answer."""

    since: datetime
    deadline: datetime
    left: int
    """Working days that are left, the last one included; 0 once it is overdue."""
    overdue: bool


@dataclass(frozen=True)
class Asked:
    """One event in the queue, with host and edition loaded. `clock` is None where nothing waits."""

    event: Event
    label: Label
    review: bool
    clock: Clock | None


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue. Pages count from 1; a page past the end is the last one."""

    asked: list[Asked]
    total: int
    page: int
    pages: int


def queue(authority_id: int, state: str, now: datetime, page: int = 1, edition_id: int | None = None) -> QueuePage:
    """The events of an authority's editions in one state, the oldest first: what is overdue comes before the rest.

    Decisions that were taken come the latest first. An unknown state shows what waits.
    """
    wanted = [Edition.authority_id == authority_id, _SHOWN.get(state, _SHOWN[WAITING])]
    if edition_id is not None:
        wanted.append(Edition.id == edition_id)
    joined = select(Event).join(Event.label).join(Event.edition).where(*wanted)
    total = db.session.scalar(select(func.count()).select_from(joined.with_only_columns(Event.id).subquery())) or 0
    pages = max(1, -(-total // A_PAGE))
    page = min(max(page, 1), pages)
    since = func.coalesce(Label.review_since, Label.requested_at)
    order = [since, Event.id] if state in {WAITING, "requested", "review"} else [Label.decided_at.desc(), Event.id.desc()]
    statement = joined.options(contains_eager(Event.label), contains_eager(Event.edition), joinedload(Event.host, innerjoin=True))
    statement = statement.order_by(*order).offset((page - 1) * A_PAGE).limit(A_PAGE)
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).unique()
    return QueuePage([asked_of(event, now) for event in found], total, page, pages)


def counts(authority_id: int) -> dict[str, int]:
    """How many events are in each state the queue can show."""
    statement = (
        select(*(func.count(Label.id).filter(shown).label(state) for state, shown in _SHOWN.items()))
        .select_from(Label)
        .join(Event, Event.id == Label.event_id)
        .join(Edition, Edition.id == Event.edition_id)
        .where(Edition.authority_id == authority_id)
    )
    return dict(db.session.execute(statement).one()._asdict())


def asked_of(event: Event, now: datetime) -> Asked:
    """An event that asked for its label, with its clock. The event must have its label loaded."""
    label = event.label
    assert label is not None
    review = label.decision is LabelDecision.LABELLED and label.review_since is not None
    waits = review or label.decision is LabelDecision.REQUESTED
    since = label.review_since if review and label.review_since else label.requested_at
    return Asked(event, label, review, clock_of(since, now) if waits else None)


def clock_of(since: datetime, now: datetime) -> Clock:
    """The four working days that began after the day something arrived; days are days in Paris."""
    deadline = working_deadline(since, ANSWER_WITHIN)
    overdue = now > deadline
    left = 0 if overdue else max(1, ANSWER_WITHIN - working_days_between(since, now))
    return Clock(since, deadline, left, overdue)


def fingerprint(event: Event) -> str:
    """What somebody who decides had before their eyes: another one means that the event or its label has changed since."""
    label = event.label
    seen = (event.version, sorted(seen_of(event).items()), label and (label.decision, label.requested_at, label.review_since))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
