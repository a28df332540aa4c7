"""A series of slots: « les mardis et jeudis à 10 h et 14 h, pendant 90 minutes », as dated instants."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from itertools import islice

from booking.clock import at_paris
from booking.errors import Invalid, Problem

MOST_SLOTS = 200
LONGEST_MINUTES = 24 * 60
_LONGEST_TEXT = 500
_YEARS = range(2000, 2101)

_TIME = re.compile(
    r"""(?P<hour>[0-9]{1,2}) (?![0-9])
        (?: \s* (?P<unit> h(?:eures?)? | : ) (?: \s* (?P<minute>[0-9]{2}) (?! [0-9] | \s*[h:] ) )? (?![^\W\d_]) )?
        (?: \s* (?P<half>[ap])\.?m\b\.? )?""",
    re.VERBOSE | re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*(?:[,;/&+\n]|\bet\b|\band\b)\s*(?:(?:et|and)\b\s*)?", re.IGNORECASE)


def read_times(text: str) -> list[tuple[int, int]]:
    """The times of day in a text, as (hour, minute), in order and each once: « 10 h, 14h30 et 9:00 », "2:30 pm".

    Times are parted by commas, semicolons, line breaks, « et » or "and"; by a space alone where the time before it
    has its unit. Raises `Invalid` for the field `times`: `required` without one, `not_a_time` for anything else.
    """
    given = text.strip()
    if not given:
        raise Invalid({"times": Problem("required")})
    if len(text) > _LONGEST_TEXT:
        raise Invalid({"times": Problem("not_a_time")})
    times: set[tuple[int, int]] = set()
    position = 0
    while position < len(given):
        found = _TIME.match(given, position)
        time = _time_of_day(found) if found else None
        if found is None or time is None:
            raise Invalid({"times": Problem("not_a_time")})
        times.add(time)
        position = _after_gap(given, found)
    return sorted(times)


def _time_of_day(found: re.Match[str]) -> tuple[int, int] | None:
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), (found["half"] or "").lower()
    if found["unit"] == ":" and found["minute"] is None:
        return None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None


def _after_gap(given: str, found: re.Match[str]) -> int:
    """Where the next time begins. « 10 14 » could be 10:14 as well as two times, so a bare number needs a real gap."""
    gap = _BETWEEN.match(given, found.end())
    if gap:
        return gap.end()
    rest = given[found.end() :].lstrip()
    if rest and not (given[found.end()].isspace() and (found["unit"] or found["half"])):
        raise Invalid({"times": Problem("not_a_time")})
    return len(given) - len(rest)


def read_series(
    days: Collection[int], times: Iterable[tuple[int, int]], minutes: int, first: date, last: date
) -> list[tuple[datetime, datetime]]:
    """Beginning and end of every slot of a series, in UTC and in order; each once.

    `days` are weekdays (0 is Monday), `times` are (hour, minute) on the wall clock in Paris, which is kept when
    clocks change; `minutes` is how long a slot really lasts; `first` and `last` are both part of the series.
    A time the spring night skips begins as much later as the clock jumps (02:30 becomes 03:30), and of a time the
    autumn night repeats the first is meant.

    Raises `Invalid` with a `Problem` for `days`, `times`, `minutes`, `first` or `last`: `required`, `not_a_choice`,
    `not_a_time`, `too_low`, `too_high`, `not_a_day` (outside 2000 to 2100), `last_before_first`, `series_empty`
    (no such weekday between the two days), `too_many_slots` (more than 200).
    """
    hours = sorted(set(times))
    problems = _problems(days, hours, minutes, first, last)
    if problems:
        raise Invalid(problems)
    dates = (first + timedelta(days=n) for n in range((last - first).days + 1))
    starts = (at_paris(day, *hour) for day in dates if day.weekday() in days for hour in hours)
    # One more than allowed tells that there are too many, however long the span is.
    begun = sorted(set(islice(starts, MOST_SLOTS + 1)))
    if len(begun) > MOST_SLOTS:
        raise Invalid({"last": Problem("too_many_slots", {"most": MOST_SLOTS})})
    if not begun:
        raise Invalid({"days": Problem("series_empty")})
    return [(start, start + timedelta(minutes=minutes)) for start in begun]


def _problems(days: Collection[int], hours: list[tuple[int, int]], minutes: int, first: date, last: date) -> dict[str, Problem]:
    found: dict[str, Problem] = {}
    if not days:
        found["days"] = Problem("required")
    elif not set(days) <= set(range(7)):
        found["days"] = Problem("not_a_choice")
    if not hours:
        found["times"] = Problem("required")
    elif not all(0 <= hour < 24 and 0 <= minute < 60 for hour, minute in hours):
        found["times"] = Problem("not_a_time")
    if minutes < 1:
        found["minutes"] = Problem("too_low", {"low": 1})
    elif minutes > LONGEST_MINUTES:
        found["minutes"] = Problem("too_high", {"high": LONGEST_MINUTES})
    found |= {name: Problem("not_a_day") for name, day in (("first", first), ("last", last)) if day.year not in _YEARS}
    if not found and last < first:
        found["last"] = Problem("last_before_first")
    return found
