"""The words of a slot: reading them from a form or a file checks their shape and their order here, once, for every door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from booking import clock
from booking.errors import Invalid, Problem
from booking.models.form_reader import FormReader, read_day, say_moment
from booking.models.party import LARGEST_CLASS, read_number
from booking.models.slot import Slot
from booking.series import LONGEST_MINUTES, read_series, read_times

T = TypeVar("T")

MOST_PLACES = 10_000
MOST_HOURS = 24 * 90
EARLIEST_ARRIVAL = 240
PUPILS_ONE_ADULT_LEADS = 100
_DEFAULTS: Mapping[str, str] = {
    "arrive_minutes_before": "0",
    "min_party": "1",
    "closes_hours": "2",
    "headcount_hours": "48",
    "cancel_hours": "0",
}


@dataclass(frozen=True)
class SlotTerms:
    """On which terms a slot is booked, whenever it takes place. Moments that are None follow from the hours before its start."""

    arrive_minutes_before: int
    meeting_point: str
    counts_adults: bool
    min_party: int
    max_party: int | None
    pupils_per_adult: int | None
    adults_required: bool
    opens_at: datetime | None
    opens_hours: int | None
    closes_at: datetime | None
    closes_hours: int
    headcount_hours: int
    cancel_hours: int

    def columns(self, starts_at: datetime, ends_at: datetime) -> dict[str, object]:
        """The columns of `Slot` for one that takes place then. Raises `Invalid` where booking would open or close too late."""
        opens_at = self.opens_at or (None if self.opens_hours is None else starts_at - timedelta(hours=self.opens_hours))
        closes_at = self.closes_at or starts_at - timedelta(hours=self.closes_hours)
        if closes_at > starts_at:
            raise Invalid({"closes_at": Problem("closes_after_start")})
        if opens_at and opens_at >= closes_at:
            raise Invalid({"opens_at" if self.opens_at else "opens_hours": Problem("opens_after_closing")})
        return {
            "starts_at": starts_at,
            "ends_at": ends_at,
            "arrive_minutes_before": self.arrive_minutes_before,
            "meeting_point": self.meeting_point,
            "counts_adults": self.counts_adults,
            "min_party": self.min_party,
            "max_party": self.max_party,
            "pupils_per_adult": self.pupils_per_adult,
            "adults_required": self.adults_required,
            "opens_at": opens_at,
            "closes_at": closes_at,
            "headcount_until": starts_at - timedelta(hours=self.headcount_hours),
            "cancel_until": starts_at - timedelta(hours=self.cancel_hours),
        }


def read_slot(raw: Mapping[str, object]) -> dict[str, object]:
    """One slot a request describes: the columns of `Slot`, and `capacity` for its pool. Raises `Invalid` for what is off.

    Keys are `day` (2026-11-24), `time` (on the wall clock in Paris: « 14 h 30 », 14:30), `minutes`, `capacity` and those of
    `read_terms`. What is not named takes its default; day, time, minutes and capacity are needed.
    """
    problems: dict[str, Problem] = {}
    when = _kept(problems, lambda: read_time(raw))
    capacity = _kept(problems, lambda: read_capacity(raw))
    terms = _kept(problems, lambda: read_terms(raw))
    if when and terms and capacity is not None:
        columns = _kept(problems, lambda: terms.columns(*when) | {"capacity": capacity})
        if columns:
            return columns
    raise Invalid(problems)


def read_slots(raw: Mapping[str, object]) -> list[dict[str, object]]:
    """The slots a form describes: those of one day, or of a series. Raises `Invalid` for every field that is off.

    Keys are `first` (a day), `times` (« 10 h, 14 h 30 »), `minutes`, `days` (weekdays, 0 is Monday; none: the first day alone),
    `last` (a day, with `days`), `capacity` and those of `read_terms`. Each slot is answered as by `read_slot`.
    """
    problems: dict[str, Problem] = {}
    times = _kept(problems, lambda: _read_series(raw))
    capacity = _kept(problems, lambda: read_capacity(raw))
    terms = _kept(problems, lambda: read_terms(raw))
    if times and terms and capacity is not None:
        rows = _kept(problems, lambda: [terms.columns(*time) | {"capacity": capacity} for time in times])
        if rows:
            return rows
    raise Invalid(problems)


def read_terms(raw: Mapping[str, object]) -> SlotTerms:
    """The terms a request describes. Raises `Invalid` for every field that is off.

    Keys are `arrive_minutes_before`, `meeting_point`, `counts_adults`, `min_party`, `max_party`, `pupils_per_adult`,
    `adults_required` (which needs the number of pupils for an adult); `opens_at` and `closes_at` (moments on the wall clock in
    Paris, 2026-11-20T18:00) or, where they are empty, `opens_hours` and `closes_hours` before the start; `headcount_hours` and
    `cancel_hours` before the start.
    """
    reader = _SlotReader({**_DEFAULTS, **{name: value for name, value in raw.items() if value not in (None, "")}})
    terms = SlotTerms(
        arrive_minutes_before=reader.number("arrive_minutes_before", 0, EARLIEST_ARRIVAL),
        meeting_point=reader.text("meeting_point", 200, required=False),
        counts_adults=reader.flag("counts_adults"),
        min_party=reader.number("min_party", 1, LARGEST_CLASS),
        max_party=reader.number_or_none("max_party", 1, LARGEST_CLASS),
        pupils_per_adult=reader.number_or_none("pupils_per_adult", 1, PUPILS_ONE_ADULT_LEADS),
        adults_required=reader.flag("adults_required"),
        opens_at=reader.moment("opens_at"),
        opens_hours=reader.number_or_none("opens_hours", 1, MOST_HOURS * 4),
        closes_at=reader.moment("closes_at"),
        closes_hours=reader.number("closes_hours", 0, MOST_HOURS),
        headcount_hours=reader.number("headcount_hours", 0, MOST_HOURS),
        cancel_hours=reader.number("cancel_hours", 0, MOST_HOURS),
    )
    if terms.max_party is not None and terms.max_party < terms.min_party and not reader.problems:
        reader.refuse("max_party", Problem("largest_below_smallest"))
    if terms.adults_required and terms.pupils_per_adult is None and "pupils_per_adult" not in reader.problems:
        reader.refuse("pupils_per_adult", Problem("adults_for_how_many"))
    if reader.problems:
        raise Invalid(reader.problems)
    return terms


def read_time(raw: Mapping[str, object]) -> tuple[datetime, datetime]:
    """When one slot begins and ends, in UTC, from `day`, `time` and `minutes`. Raises `Invalid`.

    A time the spring night skips begins as much later as the clock jumps, and of one the autumn night repeats the first is meant.
    """
    reader = _SlotReader(raw)
    day = reader.day("day")
    minutes = reader.number("minutes", 1, LONGEST_MINUTES)
    time = reader.time("time")
    if reader.problems or day is None or time is None:
        raise Invalid(reader.problems)
    starts_at = clock.at_paris(day, *time)
    return starts_at, starts_at + timedelta(minutes=minutes)


def read_meeting(raw: Mapping[str, object]) -> dict[str, object]:
    """Where a slot meets, and how many minutes before: `meeting_point` and `arrive_minutes_before`. Raises `Invalid`."""
    reader = _SlotReader({**_DEFAULTS, **{name: value for name, value in raw.items() if value not in (None, "")}})
    meeting: dict[str, object] = {
        "meeting_point": reader.text("meeting_point", 200, required=False),
        "arrive_minutes_before": reader.number("arrive_minutes_before", 0, EARLIEST_ARRIVAL),
    }
    if reader.problems:
        raise Invalid(reader.problems)
    return meeting


def read_capacity(raw: Mapping[str, object]) -> int:
    """The number of places from `capacity`. Raises `Invalid`."""
    capacity = read_number(raw.get("capacity"), 1, MOST_PLACES)
    if isinstance(capacity, Problem):
        raise Invalid({"capacity": capacity})
    return capacity


def read_moment(raw: Mapping[str, object], name: str) -> datetime | None:
    """A moment on the wall clock in Paris (2026-11-20T18:00), in UTC; None where the field is empty. Raises `Invalid`."""
    reader = _SlotReader(raw)
    found = reader.moment(name)
    if reader.problems:
        raise Invalid(reader.problems)
    return found


def terms_of(slot: Slot) -> dict[str, str]:
    """A slot's terms as a form shows them, for `read_terms` to read back: whole hours before the start rather than moments."""
    closes = _whole_hours(slot.closes_at, slot.starts_at)
    return {
        "arrive_minutes_before": str(slot.arrive_minutes_before),
        "meeting_point": slot.meeting_point,
        "counts_adults": "1" if slot.counts_adults else "",
        "min_party": str(slot.min_party),
        "max_party": "" if slot.max_party is None else str(slot.max_party),
        "pupils_per_adult": "" if slot.pupils_per_adult is None else str(slot.pupils_per_adult),
        "adults_required": "1" if slot.adults_required else "",
        "opens_at": say_moment(slot.opens_at) if slot.opens_at else "",
        "opens_hours": "",
        "closes_at": "" if closes else say_moment(slot.closes_at),
        "closes_hours": closes,
        "headcount_hours": _nearly_hours(slot.headcount_until, slot.starts_at),
        "cancel_hours": _nearly_hours(slot.cancel_until, slot.starts_at),
    }


def _whole_hours(until: datetime, starts_at: datetime) -> str:
    hours, rest = divmod(starts_at - until, timedelta(hours=1))
    return "" if rest or not 0 <= hours <= MOST_HOURS else str(hours)


def _nearly_hours(until: datetime, starts_at: datetime) -> str:
    return str(min(max(0, round((starts_at - until) / timedelta(hours=1))), MOST_HOURS))


def _read_series(raw: Mapping[str, object]) -> list[tuple[datetime, datetime]]:
    reader = _SlotReader(raw)
    first = reader.day("first")
    repeated = reader.weekdays("days")
    last = reader.day("last") if repeated or raw.get("last") else first
    minutes = reader.number("minutes", 1, LONGEST_MINUTES)
    times = _kept(reader.problems, lambda: read_times(str(raw.get("times") or "")))
    if raw.get("last") and not repeated and last != first and "days" not in reader.problems:
        reader.refuse("days", Problem("required"))
    if reader.problems or first is None or last is None or times is None:
        raise Invalid(reader.problems)
    return read_series(repeated or {first.weekday()}, times, minutes, first, last)


def _kept(problems: dict[str, Problem], read: Callable[[], T]) -> T | None:
    """What `read` answers; None where it refuses, and its problems are kept with the others."""
    try:
        return read()
    except Invalid as invalid:
        problems.update(invalid.fields)
        return None


class _SlotReader(FormReader):
    def day(self, name: str) -> date | None:
        given = self.text(name, 10)
        found = read_day(given)
        if given and found is None:
            self.refuse(name, Problem("not_a_day"))
        return found

    def time(self, name: str) -> tuple[int, int] | None:
        try:
            times = read_times(self.text(name, 20))
        except Invalid as invalid:
            self.problems.setdefault(name, invalid.fields["times"])
            return None
        if len(times) > 1:
            self.refuse(name, Problem("not_a_time"))
        return times[0]

    def weekdays(self, name: str) -> set[int]:
        given = self.raw.get(name) or []
        parts = given.replace(",", " ").split() if isinstance(given, str) else given
        if not isinstance(parts, list | tuple | set | frozenset) or not {str(part) for part in parts} <= set("0123456"):
            self.refuse(name, Problem("not_a_choice"))
            return set()
        return {int(part) for part in parts}
