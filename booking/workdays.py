"""Working days in Paris: what a deadline in working days means, and which days are public holidays.

A working day is a Monday to Friday that is no public holiday in metropolitan France (Code du travail, L3133-1),
and it ends at 18:00 on the wall clock.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from jours_feries_france import JoursFeries

from booking.clock import at_paris, paris_day

CLOSES_AT = 18
"""The hour in Paris at which a working day ends."""


def working_days_between(start: datetime, end: datetime) -> int:
    """How many working days after the day of `start` have ended by `end`; 0 where `end` comes first.

    The day something arrives is not counted, so that the count reaches n at `working_deadline(start, n)`.
    """
    day, last, count = paris_day(start), paris_day(end), 0
    while day < last:
        day += timedelta(days=1)
        count += is_working_day(day) and at_paris(day, CLOSES_AT) <= end
    return count


def working_deadline(start: datetime, days: int) -> datetime:
    """The end of the n-th working day after the day of `start`: 18:00 in Paris, as an instant in UTC.

    Raises `ValueError` for less than one day.
    """
    if days < 1:
        raise ValueError("a deadline is at least one working day away")
    day = paris_day(start)
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return at_paris(day, CLOSES_AT)


def is_working_day(day: date) -> bool:
    """Whether offices are open on a day."""
    return day.weekday() < 5 and is_public_holiday(day) is None


def is_public_holiday(day: date) -> str | None:
    """The name of the public holiday on a day in French, as the library `jours_feries_france` says it, or None."""
    return _holidays(day.year).get(day)


@lru_cache(maxsize=64)
def _holidays(year: int) -> dict[date, str]:
    # Two may fall on one day, as 1 May 2008 was Ascension too: the library names the fixed day first, and it wins.
    return {day: name for name, day in reversed(JoursFeries.for_year(year).items())}
