"""The words of an edition: reading them from a form or a file checks their shape and their order here, once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from booking import clock
from booking.errors import Invalid, Problem
from booking.markdown import LONGEST_MARKDOWN
from booking.models.party import Reader

_FIRST_YEAR, _LAST_YEAR = 2011, 2999
_LONGEST_WEEK = timedelta(days=31)
_LONGEST_WINDOW = timedelta(days=366)


@dataclass(frozen=True)
class EditionWords:
    """Everything an authority writes of an edition. Days are days in Paris."""

    number: int
    year: int
    name: str
    theme: str
    starts_on: date
    ends_on: date
    territory: str
    department: str
    label_from: date
    label_until: date
    label_deadline: date | None
    """None: a week before the week."""
    bookings_open_at: datetime | None
    """None: as soon as an event is published."""
    conditions: str
    """Markdown."""


def read_edition(raw: Mapping[str, object]) -> EditionWords:
    """The edition a form describes. Raises `Invalid` with a `Problem` for every field that is off.

    Days are ISO 8601 (2026-11-23), the opening of bookings is a wall-clock time in Paris (2026-11-01T08:00). The labelling
    window must contain the week, and the last day to ask for the label must not come after the window.
    """
    reader = _EditionReader(raw)
    words = EditionWords(
        number=reader.number("number", 1, 999),
        year=reader.number("year", _FIRST_YEAR, _LAST_YEAR),
        name=reader.text("name", 120),
        theme=reader.text("theme", 200, required=False),
        starts_on=reader.day("starts_on"),
        ends_on=reader.day("ends_on"),
        territory=reader.text("territory", 80),
        department=reader.department("department"),
        label_from=reader.day("label_from"),
        label_until=reader.day("label_until"),
        label_deadline=reader.day("label_deadline") if raw.get("label_deadline") else None,
        bookings_open_at=reader.instant("bookings_open_at"),
        conditions=reader.lines("conditions", LONGEST_MARKDOWN),
    )
    reader.check_order(words)
    if reader.problems:
        raise Invalid(reader.problems)
    return words


class _EditionReader(Reader):
    def day(self, name: str) -> date:
        given = self.text(name, 10)
        found = _day(given)
        if given and found is None:
            self.refuse(name, Problem("not_a_day"))
        return found or date(_FIRST_YEAR, 1, 1)

    def department(self, name: str) -> str:
        given = self.text(name, 3).upper()
        if given and not re.fullmatch(r"(0[1-9]|[1-8]\d|9[0-5]|2[AB]|97\d)", given):
            self.refuse(name, Problem("not_a_department"))
        return given

    def instant(self, name: str) -> datetime | None:
        given = self.text(name, 16, required=False)
        if not given:
            return None
        match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})", given)
        found = _day(match[1]) if match else None
        if match is None or found is None or int(match[2]) > 23 or int(match[3]) > 59:
            self.refuse(name, Problem("not_a_moment"))
            return None
        return clock.at_paris(found, int(match[2]), int(match[3]))

    def check_order(self, words: EditionWords) -> None:
        """The week lies in the year and in the window; the last day to ask comes before the window ends."""
        days = {"starts_on", "ends_on", "label_from", "label_until", "label_deadline"}
        if self.problems.keys() & days:
            return
        if words.ends_on < words.starts_on:
            self.refuse("ends_on", Problem("last_before_first"))
        elif words.ends_on - words.starts_on > _LONGEST_WEEK:
            self.refuse("ends_on", Problem("week_too_long", {"days": _LONGEST_WEEK.days}))
        if words.label_from > words.starts_on:
            self.refuse("label_from", Problem("window_misses_week"))
        if words.label_until < words.ends_on:
            self.refuse("label_until", Problem("window_misses_week"))
        elif words.label_until - words.label_from > _LONGEST_WINDOW:
            self.refuse("label_until", Problem("window_too_long"))
        if words.label_deadline and words.label_deadline > words.label_until:
            self.refuse("label_deadline", Problem("deadline_after_window"))
        if "year" not in self.problems and words.starts_on.year != words.year:
            self.refuse("year", Problem("not_its_year", {"year": words.starts_on.year}))


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None
    return found if found and _FIRST_YEAR <= found.year <= _LAST_YEAR else None
