"""Write a shared or a reserved pool of an event, and which slots draw on it: all of it at once, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from booking import clock
from booking.actions.draw_on_pool import check_fits, enter_pool, leave_pool
from booking.actions.offer_places import offer_places
from booking.actions.pool_places import drawing_on, event_with_pools, lock_all, pool_changed, set_places
from booking.actions.record_change import changes_between
from booking.db import db
from booking.errors import Invalid, PoolChanged, Problem
from booking.models import Audience, Event, Pool, PoolKind, Who
from booking.models.form_reader import say_moment
from booking.models.pool_words import PoolWords, pool_said, read_pool
from booking.queries.pools import admitted, can_draw, pool_of


def write_pool(event_id: int, raw: Mapping[str, object], key: str, who: Who) -> Pool:
    """Make a pool as a form wrote it (`booking.models.pool_words.read_pool`). The same `key` makes it once.

    Who has booked on slots that begin to draw on a shared pool draws on it at once; those that do not fit are named. Raises
    `NotFound`, `EventFixed`, `Invalid` or `CapacityTaken`.
    """
    words, event, now = read_pool(raw), event_with_pools(event_id), clock.now()
    named = hashlib.sha256(f"pool:{event_id}:{key}".encode("utf-8", "surrogatepass")).hexdigest()[:40]
    if made := db.session.scalars(select(Pool).where(Pool.key == named)).one_or_none():
        return made
    _check(words, event, frozenset(), (), now)
    entering = lock_all(words.slots, None)
    pool = Pool(
        key=named, kind=words.kind, event=event, name=words.name, capacity=words.capacity, taken=0, audiences=words.audiences
    )
    db.session.add(pool)
    _open_at(pool, words.opens_at, now)
    db.session.flush()
    check_fits(pool, words.capacity, words.slots, ())
    pool_changed(pool, [], who, "pool_written", now, changes_between({}, _columns(pool)), kind=pool.kind)
    enter_pool(pool, entering, who, now)
    offer_places([pool.id], now)
    return pool


def change_pool(event_id: int, pool_id: int, raw: Mapping[str, object], seen: str, who: Who) -> Pool:
    """Set a pool as a form wrote it; `seen` is what the form was made from. Nothing changed writes nothing.

    Slots that are over or cancelled stay as they are. Raises `NotFound`, `EventFixed`, `Invalid`, `PoolChanged` when the pool is
    not what the form was made from, `CapacityTaken` below what is or would be taken, or `PoolInUse` (see `leave_pool`).
    """
    event, now = event_with_pools(event_id), clock.now()
    pool = pool_of(event.id, pool_id)
    words, before = read_pool(raw, pool.kind), frozenset(drawing_on(pool.id))
    _check(words, event, before, pool.audiences, now)
    slots = {slot.id: slot for slot in lock_all(before | words.slots, pool.id)}
    if frozenset(drawing_on(pool.id)) != before:
        raise StaleDataError("the pool was changed while it was written")
    if pool_said(pool, before)["seen"] != seen:
        raise PoolChanged
    entering = [slot for number, slot in slots.items() if number not in before]
    leaving = [slot for number, slot in slots.items() if number not in words.slots and can_draw(slot, now)]
    check_fits(pool, words.capacity, [slot.id for slot in entering], [slot.id for slot in leaving])
    leave_pool(pool, leaving, who, now)
    changes = _set(pool, words, now)
    if changes:
        pool_changed(pool, slots.values(), who, "pool_changed", now, changes)
    enter_pool(pool, entering, who, now)
    offer_places({pool.id, *(other.id for slot in leaving for other in slot.pools)}, now)
    return pool


def _check(words: PoolWords, event: Event, drawing: frozenset[int], audiences: tuple[str, ...], now: datetime) -> None:
    """Only this event's slots, and those inside it, may draw on its pool; and only people it admits get places of their own."""
    problems: dict[str, Problem] = {}
    slots = {slot.id: slot for slot in admitted(event, now)}
    if not words.slots <= slots.keys() | drawing:
        problems["slots"] = Problem("not_a_choice")
    may_come = {word for slot in slots.values() for word in slot.event.audiences} | set(event.audiences) | set(audiences)
    if not set(words.audiences) <= may_come:
        problems["audiences"] = Problem(
            "audience_not_admitted", {"audiences": tuple(word for word in Audience if word in may_come)}
        )
    if problems:
        raise Invalid(problems)


def _set(pool: Pool, words: PoolWords, now: datetime) -> dict[str, tuple[object, object]]:
    """Write what a pool says of itself; answers with what changed."""
    before = _columns(pool)
    if pool.capacity != words.capacity:
        set_places(pool, words.capacity)
    pool.name, pool.audiences = words.name, words.audiences
    said = say_moment(pool.opens_at) if pool.opens_at else ""
    if said != (say_moment(words.opens_at) if words.opens_at else ""):  # a form knows no seconds
        _open_at(pool, words.opens_at, now)
    return changes_between(before, _columns(pool))


def _open_at(pool: Pool, opens_at: datetime | None, now: datetime) -> None:
    """Open a reserved pool to everybody then; what is past means now. Its places are offered by whoever writes it, or by time."""
    pool.opens_at = opens_at and max(opens_at, now)
    pool.opened_at = now if pool.opens_at and pool.opens_at <= now else None


def _columns(pool: Pool) -> dict[str, object]:
    said: dict[str, object] = {"name": pool.name, "capacity": pool.capacity}
    return said | ({"audiences": pool.audiences, "pool_opens_at": pool.opens_at} if pool.kind is PoolKind.RESERVED else {})
