"""The words of a pool: reading them from a form checks their shape here, once, for every door."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from booking.errors import Invalid, Problem
from booking.models.event import Audience
from booking.models.form_reader import say_moment
from booking.models.party import Reader
from booking.models.pool import Pool, PoolKind
from booking.models.slot_words import read_capacity, read_moment

LONGEST_NAME = 120
_KINDS = (PoolKind.SHARED.value, PoolKind.RESERVED.value)


@dataclass(frozen=True)
class PoolWords:
    """A pool of an event as a form describes it: for whom, how many, and which slots draw on it."""

    kind: PoolKind
    name: str
    capacity: int
    audiences: tuple[str, ...]
    opens_at: datetime | None
    """When a reserved pool opens to everybody, to the minute, in UTC."""
    slots: frozenset[int]


def read_pool(raw: Mapping[str, object], kind: PoolKind | None = None) -> PoolWords:
    """The pool a request describes. Raises `Invalid` for every field that is off.

    Keys are `kind` (shared or reserved, where it is not known already), `name`, `capacity`, `slots` (numbers of slots) and, for a
    reserved one, `audiences` (words of `Audience`) and `opens_at` (a moment on the wall clock in Paris, 2026-11-20T18:00).
    """
    reader = Reader(raw)
    known = kind.value if kind else reader.choice("kind", _KINDS)
    name = reader.text("name", LONGEST_NAME)
    capacity, opens_at, reserved = 0, None, known == PoolKind.RESERVED
    try:
        capacity = read_capacity(raw)
    except Invalid as invalid:
        reader.problems.update(invalid.fields)
    audiences = _audiences(reader) if reserved else ()
    try:
        opens_at = read_moment(raw, "opens_at") if reserved else None
    except Invalid as invalid:
        reader.problems.update(invalid.fields)
    slots = _slots(reader)
    if reader.problems:
        raise Invalid(reader.problems)
    return PoolWords(PoolKind(known), name, capacity, audiences, opens_at, slots)


def pool_said(pool: Pool, slot_ids: Iterable[int]) -> dict[str, object]:
    """A pool as a form shows it, for `read_pool` to read back, and the `seen` that tells whether it has changed since."""
    said: dict[str, object] = {
        "kind": pool.kind.value,
        "name": pool.name,
        "capacity": str(pool.capacity),
        "audiences": sorted(pool.audiences),
        "opens_at": say_moment(pool.opens_at) if pool.opens_at else "",
        "slots": [str(number) for number in sorted(slot_ids)],
    }
    return said | {"seen": hashlib.sha256(repr(said).encode()).hexdigest()[:24]}


def _audiences(reader: Reader) -> tuple[str, ...]:
    given = _several(reader, "audiences")
    if not given:
        reader.problems.setdefault("audiences", Problem("required"))
    words = tuple(word.value for word in Audience if word.value in given)
    if len(words) != len(given):
        reader.refuse("audiences", Problem("not_a_choice"))
    return words


def _slots(reader: Reader) -> frozenset[int]:
    given = _several(reader, "slots")
    numbers = {int(one) for one in given if one.isascii() and one.isdigit() and len(one) <= 10}
    if len(numbers) != len(given):
        reader.refuse("slots", Problem("not_a_choice"))
    return frozenset(numbers)


def _several(reader: Reader, name: str) -> set[str]:
    given = reader.raw.get(name) or []
    if isinstance(given, str):
        given = given.split()
    if not isinstance(given, list | tuple | set | frozenset):
        reader.refuse(name, Problem("not_a_choice"))
        return set()
    return {str(one) for one in given}
