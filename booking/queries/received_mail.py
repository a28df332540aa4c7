"""The mail that came in, as hosts and the operator look through it: a page at a time, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from booking.db import db
from booking.models import Booking, Inbound, Organisation
from booking.models.inbound import FOR_PEOPLE

A_PAGE = 50


@dataclass(frozen=True)
class ReceivedPage:
    """One page of mails, each with its booking's reference and the name of whose affair it is.

    Pages count from 1; a page past the end is the last one. `to_see` counts what nobody has seen to yet, on whichever page.
    """

    rows: list[Row[Any]]
    total: int
    to_see: int
    page: int
    pages: int


@dataclass(frozen=True)
class InboxState:
    """When the last mail was taken, how many were not decided about yet, and how many the operator has to see to."""

    last_at: datetime | None
    undecided: int
    to_see: int


def to_see() -> ColumnElement[bool]:
    """Whether a person must read a mail, and none has said to have seen it."""
    return Inbound.decision.in_(FOR_PEOPLE) & Inbound.handled_at.is_(None)


def of_organisation(organisation_id: int, page: int = 1, *, only_to_see: bool = False) -> ReceivedPage:
    """What came in about an organisation's bookings. Two statements."""
    return _page([Inbound.organisation_id == organisation_id], page, only_to_see)


def of_operator(page: int = 1, *, only_unmatched: bool = True, only_to_see: bool = False) -> ReceivedPage:
    """What came in about nothing of ours; or everything, as the record of what was done. Two statements."""
    return _page([Inbound.organisation_id.is_(None)] if only_unmatched else [], page, only_to_see)


def state() -> InboxState:
    """How the inbox stands. One statement."""
    undecided = func.count().filter(Inbound.decided_at.is_(None))
    waiting = func.count().filter(to_see(), Inbound.organisation_id.is_(None))
    return InboxState(*db.session.execute(select(func.max(Inbound.received_at), undecided, waiting).select_from(Inbound)).one())


def _page(whose: list[ColumnElement[bool]], page: int, only_to_see: bool) -> ReceivedPage:
    decided = [*whose, Inbound.decided_at.is_not(None)]
    total, waiting = db.session.execute(select(func.count(), func.count().filter(to_see())).where(*decided)).one()
    if only_to_see:
        decided, total = [*decided, to_see()], waiting
    pages = max(1, -(-total // A_PAGE))
    page = min(max(page, 1), pages)
    statement: Any = (
        select(Inbound, Booking.reference, Organisation.name.label("organisation"))
        .outerjoin(Booking, Booking.id == Inbound.booking_id)
        .outerjoin(Organisation, Organisation.id == Inbound.organisation_id)
        .where(*decided)
        .order_by(Inbound.received_at.desc(), Inbound.id.desc())
        .offset((page - 1) * A_PAGE)
        .limit(A_PAGE)
        .execution_options(populate_existing=True)
    )
    return ReceivedPage(list(db.session.execute(statement)), total, waiting, page, pages)


def of_booking(booking_id: int) -> list[Inbound]:
    """What came in about one booking and was decided about, in the order it came."""
    statement = select(Inbound).where(Inbound.booking_id == booking_id, Inbound.decided_at.is_not(None))
    return list(db.session.scalars(statement.order_by(Inbound.id), execution_options={"populate_existing": True}))
