"""Reading the demo world's files, and the calendar it is hung on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from booking import clock

_FOLDER = Path(__file__).parent
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where the wheel has it: it is ten times as fast, and `make run` waits for it."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read(name: str) -> Any:
    """One of the files beside this module, as plain data."""
    return yaml.load((_FOLDER / name).read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - both loaders are the safe one


def read_programme() -> list[dict[str, Any]]:
    """The events of the week to come, in the order of the files."""
    return [event for path in sorted((_FOLDER / "programme").glob("*.yaml")) for event in read(str(path))]


def next_week(today: date) -> date:
    """The first Monday at least three days after today: near, and far enough for headcounts to be changed."""
    earliest = today + timedelta(days=3)
    return earliest + timedelta(days=-earliest.weekday() % 7)


def in_week(monday: date, day: str, at: str) -> datetime:
    """The instant of « tue » and "14:30" (Paris) in the week that begins on a Monday."""
    hour, minute = at.split(":")
    return clock.at_paris(monday + timedelta(days=DAYS.index(day)), int(hour), int(minute))
