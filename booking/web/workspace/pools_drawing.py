"""The drawing of which slots draw on which pools: slots on the left, pools on the right, a line for each that draws.

Lengths across are in percent and those down in pixels, so that the drawing fills a phone and a desk and its letters stay legible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase

from flask import g

from booking import clock, i18n
from booking.models import Pool, PoolKind, Slot
from booking.queries.pools import Picture, PoolPicture

ROW = 64
"""Pixels from one box to the next."""
_WIDTH = 42.0
_MIDDLE = 30


@dataclass(frozen=True)
class Box:
    """A slot or a pool: where it stands, what it says, and how far it is filled, in percent of the drawing's width."""

    x: float
    y: int
    name: str
    said: str
    confirmed: float
    kept: float
    dashed: bool = False
    width: float = _WIDTH


@dataclass(frozen=True)
class Line:
    """From a slot to a pool it draws on; dashed where the pool is for some only."""

    y1: int
    y2: int
    dashed: bool


@dataclass(frozen=True)
class Drawing:
    """Everything to draw, and how high it is."""

    height: int
    boxes: list[Box]
    lines: list[Line]
    left: float = _WIDTH
    right: float = 100 - _WIDTH


def letters(picture: Picture) -> Mapping[int, str]:
    """What each named pool is called beside the drawing: A, B, C and on to Z, then A2, B2."""
    return {one.pool.id: ascii_uppercase[n % 26] + (str(n // 26 + 1) if n >= 26 else "") for n, one in enumerate(picture.named)}


def drawing(picture: Picture) -> Drawing | None:
    """The drawing of an event's places; None where no slot draws on anything but its own."""
    named = [one for one in picture.named if one.slots]
    slots = [slot for slot in picture.slots if any(slot in one.slots for one in named)]
    if not named:
        return None
    rows = max(len(slots), len(named))
    names = letters(picture)
    down = {slot.id: _y(n, len(slots), rows) for n, slot in enumerate(slots)}
    across = {one.pool.id: _y(n, len(named), rows) for n, one in enumerate(named)}
    boxes = [_slot_box(slot, picture, down[slot.id]) for slot in slots]
    boxes += [_pool_box(one, names[one.pool.id], across[one.pool.id]) for one in named]
    lines = [
        Line(down[slot.id] + _MIDDLE, across[one.pool.id] + _MIDDLE, one.pool.kind is PoolKind.RESERVED)
        for one in named
        for slot in one.slots
    ]
    return Drawing(rows * ROW, boxes, lines)


def _slot_box(slot: Slot, picture: Picture, y: int) -> Box:
    own = next((picture.pools[pool.id] for pool in slot.pools if pool.kind is PoolKind.OWN and pool.id in picture.pools), None)
    name = f"{i18n.short_day(clock.paris_day(slot.starts_at), g.locale)}, {i18n.hour(slot.starts_at, g.locale)}"
    return Box(0, y, name, _said(own.pool) if own else "", *(_filled(own) if own else (0.0, 0.0)))


def _pool_box(one: PoolPicture, letter: str, y: int) -> Box:
    return Box(100 - _WIDTH, y, letter, _said(one.pool), *_filled(one), dashed=one.pool.kind is PoolKind.RESERVED)


def _filled(one: PoolPicture) -> tuple[float, float]:
    ways, capacity = one.by_way, max(1, one.pool.capacity)
    kept = ways["held"] + ways["offered"]
    return round(_WIDTH * ways["confirmed"] / capacity, 2), round(_WIDTH * kept / capacity, 2)


def _said(pool: Pool) -> str:
    return f"{pool.taken}/{pool.capacity}"


def _y(n: int, count: int, rows: int) -> int:
    """Boxes of the shorter side stand in the middle of the longer one."""
    return round((n + (rows - count) / 2) * ROW)
