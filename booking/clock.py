"""The one clock. Instants are aware datetimes in UTC; decisions about days are made in Europe/Paris."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _source()


@contextmanager
def clock_at(instant: datetime | Callable[[], datetime]) -> Iterator[None]:
    """Let the clock stand at `instant` (or follow a function) inside the block; for tests only."""
    global _source
    before = _source
    _source = instant if callable(instant) else lambda: instant.astimezone(UTC)
    try:
        yield
    finally:
        _source = before


def in_paris(instant: datetime) -> datetime:
    """The same instant as people in Paris read it off a wall clock."""
    return instant.astimezone(PARIS)


def paris_day(instant: datetime) -> date:
    """The calendar day of an instant in Paris."""
    return in_paris(instant).date()


def at_paris(day: date, hour: int, minute: int = 0) -> datetime:
    """The UTC instant of a wall-clock time in Paris (the first of two when a clock change repeats it)."""
    return datetime.combine(day, time(hour, minute), PARIS).astimezone(UTC)
