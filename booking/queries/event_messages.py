"""Every mail about one event: those of its bookings and those of its slots, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, case, func, or_, select, union_all
from sqlalchemy.orm import contains_eager

from booking.db import db
from booking.models import Booking, Delivery, Kind, Message, Slot

A_PAGE = 50


class Fate(StrEnum):
    """What became of a mail, as far as is known."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was given up, or came back."""


_fate = case(
    (or_(Message.delivery == Delivery.DEAD, Message.bounced_at.is_not(None)), Fate.FAILED.value),
    (Message.delivery == Delivery.SENT, Fate.DELIVERED.value),
    else_=Fate.WAITING.value,
)
_slot_id = func.coalesce(Message.slot_id, Booking.slot_id)


@dataclass(frozen=True)
class Filters:
    """What a host asks for; None: no matter."""

    fate: Fate | None = None
    kind: Kind | None = None
    slot_id: int | None = None


@dataclass(frozen=True)
class MessagesPage:
    """One page of mails, newest first, each with its booking; pages count from 1, and one past the end is the last.

    `counts` is how many there are of each fate, whichever is asked for; `kinds` are those the event has.
    """

    found: list[Message]
    counts: Mapping[Fate, int]
    kinds: frozenset[Kind]
    of_bookings: Mapping[int, Sequence[Message]] = field(default_factory=dict)
    """Every mail of the bookings shown, in the order they were queued, by the booking's id."""
    page: int = 1
    pages: int = 1


def search(slots: Collection[Slot], filters: Filters, page: int = 1) -> MessagesPage:
    """The mails about these slots, all of one event, that suit, with their bookings. Three statements, whatever is found."""
    numbers = [slot.id for slot in slots]
    counts: Counter[Fate] = Counter()
    kinds = set()
    for row in db.session.execute(_counted(numbers)):
        kinds.add(row.kind)
        if filters.slot_id in {None, row.slot_id} and filters.kind in {None, row.kind}:
            counts[Fate(row.fate)] += row.number
    total = counts.total() if filters.fate is None else counts[filters.fate]
    pages = max(1, -(-total // A_PAGE))
    page = min(max(page, 1), pages)
    found = list(db.session.scalars(_shown(numbers, filters, page), execution_options={"populate_existing": True}))
    shown = {message.booking_id for message in found if message.booking_id is not None}
    return MessagesPage(found, counts, frozenset(kinds), _of_bookings(shown), page, pages)


def _counted(slot_ids: list[int]) -> Select[Any]:
    return (
        select(_slot_id.label("slot_id"), Message.kind, _fate.label("fate"), func.count().label("number"))
        .outerjoin(Booking, Booking.id == Message.booking_id)
        .where(Message.id.in_(_about(slot_ids)))
        .group_by(_slot_id, Message.kind, _fate)
    )


def _shown(slot_ids: list[int], filters: Filters, page: int) -> Select[Any]:
    statement = (
        select(Message)
        .outerjoin(Message.booking)
        .where(Message.id.in_(_about(slot_ids if filters.slot_id is None else [filters.slot_id])))
        .options(contains_eager(Message.booking))
    )
    if filters.fate is not None:
        statement = statement.where(_fate == filters.fate.value)
    if filters.kind is not None:
        statement = statement.where(Message.kind == filters.kind)
    return statement.order_by(Message.created_at.desc(), Message.id.desc()).offset((page - 1) * A_PAGE).limit(A_PAGE)


def _about(slot_ids: list[int]) -> Any:
    """The ids of the mails about these slots; two ways to belong to one, each by its index."""
    of_bookings = select(Message.id).join(Booking, Booking.id == Message.booking_id).where(Booking.slot_id.in_(slot_ids))
    return union_all(of_bookings, select(Message.id).where(Message.slot_id.in_(slot_ids)))


def _of_bookings(booking_ids: set[int]) -> dict[int, list[Message]]:
    found: dict[int, list[Message]] = {number: [] for number in booking_ids}
    for message in db.session.scalars(select(Message).where(Message.booking_id.in_(booking_ids)).order_by(Message.id)):
        found[message.booking_id or 0].append(message)
    return found
