"""Pools of places, and how a party's places are drawn from those of a slot.

A slot draws on two sorts of pools. *Sources* give the places: the slot's own pool, and pools reserved for some audiences, which
may open to everybody at a set time. A party takes each of its places from one source. *Limits* are shared with other slots
(« 60 places sur le bateau vendredi », or a parent event's places): every place taken on the slot is taken from each of them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.db import Base, UtcDateTime, Word, Words
from booking.models.event import Event

slot_pools = Table(
    "slot_pools",
    Base.metadata,
    Column("slot_id", ForeignKey("slots.id"), primary_key=True),
    Column("pool_id", ForeignKey("pools.id"), primary_key=True, index=True),
)


class PoolKind(StrEnum):
    """What a pool is to the slots that draw on it."""

    OWN = "own"
    """A slot's own places, for every audience."""
    SHARED = "shared"
    """A limit several slots have in common."""
    RESERVED = "reserved"
    """Places for some audiences, beside the own ones; they may open to everybody at a set time."""


_KINDS = ", ".join(f"'{kind}'" for kind in PoolKind)
_TO_OPEN = "opens_at IS NOT NULL AND opened_at IS NULL"


class Pool(Base):
    """A number of places. `taken` changes in `booking.actions.places` alone; the CHECK stands behind it."""

    __tablename__ = "pools"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken_not_negative"),
        CheckConstraint("taken <= capacity", name="taken_within_capacity"),
        CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
        CheckConstraint("kind = 'reserved' OR opens_at IS NULL", name="only_reserved_ones_open"),
        Index("ix_pools_to_open", "opens_at", sqlite_where=text(_TO_OPEN), postgresql_where=text(_TO_OPEN)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    kind: Mapped[PoolKind] = mapped_column(Word(PoolKind), default=PoolKind.OWN)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"), index=True)
    """The event a shared or reserved pool was made for; its slots, and those of the events inside it, may draw on it."""
    event: Mapped[Event | None] = relationship()
    name: Mapped[str] = mapped_column(String(120), default="")
    """Empty for a slot's own pool; others have a name people know: « 60 places sur le bateau vendredi »."""
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    audiences: Mapped[tuple[str, ...]] = mapped_column(Words, default=())
    """Whom a reserved pool is for until it opens; words of `Audience`."""
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """From when on a reserved pool is for everybody; None: never. It opens by time alone, nobody has to do anything."""
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When its opening was written into the history, and its places were offered to those who waited."""

    @property
    def remaining(self) -> int:
        return self.capacity - self.taken

    def is_for(self, audiences: frozenset[str], now: datetime) -> bool:
        """Whether somebody of these audiences may take places here: each must be admitted; without any, nobody in particular."""
        if self.kind is not PoolKind.RESERVED or (self.opens_at is not None and self.opens_at <= now):
            return True
        return bool(audiences) and audiences <= set(self.audiences)


class Places(NamedTuple):
    """How many places are left, and how many there are."""

    remaining: int
    capacity: int


class Reserved(NamedTuple):
    """Places that some audiences have beside those for everybody, and when they open to all of them (None: never)."""

    audiences: tuple[str, ...]
    remaining: int
    opens_at: datetime | None


def places_in(pools: Iterable[Pool], audiences: frozenset[str], now: datetime) -> Places:
    """The places these pools have for somebody of these audiences: what the sources add up to, within every limit."""
    pools = list(pools)
    return _within([pool for pool in pools if pool.is_for(audiences, now)], any(_is_source(pool) for pool in pools))


def all_places(pools: Iterable[Pool]) -> Places:
    """The places these pools have, whoever they are for."""
    pools = list(pools)
    return _within(pools, any(_is_source(pool) for pool in pools))


def reserved_in(pools: Iterable[Pool], now: datetime) -> list[Reserved]:
    """What these pools have left for some audiences beside the places for everybody, within every limit; never nothing."""
    pools = list(pools)
    everybody = places_in(pools, frozenset(), now).remaining
    by_whom: dict[tuple[tuple[str, ...], datetime | None], int] = {}
    for pool in pools:
        if not pool.is_for(frozenset(), now):
            whose = tuple(pool.audiences), pool.opens_at
            by_whom[whose] = by_whom.get(whose, 0) + pool.remaining
    most = _within(pools, any(_is_source(pool) for pool in pools)).remaining - everybody
    return [Reserved(whose[0], min(left, most), whose[1]) for whose, left in by_whom.items() if min(left, most) > 0]


def shares(pools: Iterable[Pool], audiences: frozenset[str], places: int, now: datetime) -> Mapping[int, int] | None:
    """How many places a party takes from each pool, by the pool's id; None where they do not fit.

    Of the sources, those reserved for the party come first, so that what is open to everybody stays so; then the slot's own, then
    what has opened.
    """
    pools = list(pools)
    if places > places_in(pools, audiences, now).remaining:
        return None
    taken = {pool.id: places for pool in pools if not _is_source(pool)}
    wanted = places
    for pool in sources_for(pools, audiences, now):
        part = min(wanted, pool.remaining)
        if part > 0:
            taken[pool.id] = part
            wanted -= part
    return dict(sorted(taken.items()))


def sources_for(pools: Iterable[Pool], audiences: frozenset[str], now: datetime) -> list[Pool]:
    """The sources a party may draw on, in the order it does. Places are given back in the opposite order."""

    def order(pool: Pool) -> tuple[int, int]:
        if pool.kind is PoolKind.OWN:
            return 1, pool.id
        return (0 if audiences and audiences <= set(pool.audiences) else 2), pool.id

    return sorted((pool for pool in pools if _is_source(pool) and pool.is_for(audiences, now)), key=order)


def _is_source(pool: Pool) -> bool:
    return pool.kind is not PoolKind.SHARED


def _within(usable: list[Pool], has_sources: bool) -> Places:
    limits = [pool for pool in usable if not _is_source(pool)]
    remaining, capacity = [pool.remaining for pool in limits], [pool.capacity for pool in limits]
    if has_sources:
        sources = [pool for pool in usable if _is_source(pool)]
        remaining.append(sum(pool.remaining for pool in sources))
        capacity.append(sum(pool.capacity for pool in sources))
    return Places(max(0, min(remaining, default=0)), min(capacity, default=0))
