"""The words of an edition: reading them from a form or a file checks their shape and their order here, once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from booking.errors import Invalid, Problem
from booking.markdown import LONGEST_MARKDOWN
from booking.models.form_reader import FormReader, read_day
from booking.numbers import read_uai

LONGEST_SCHOOLS = 40_000
MOST_OF_A_SCHOOL = 500
_MOST_SAID = 20
SWITCHES = ("reminds_week", "reminds_soon", "thanks", "digests")
"""The mails an edition sends by itself, each of which can be switched off."""
_FIRST_YEAR, _LAST_YEAR = 2011, 2100
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
    school_limit: int | None
    """How many bookings one school may have; None: as many as it likes."""
    priority_until: datetime | None
    """Until when classes of priority schools alone may book; None: no such window, but for events with a moment of their own."""
    priority_schools: dict[str, str]
    """Their UAI, and why they have priority."""
    reminds_week: bool
    reminds_soon: bool
    thanks: bool
    digests: bool
    """Which mails go out by themselves: a week and two days before a visit, after it, and to hosts the day before."""


def read_edition(raw: Mapping[str, object]) -> EditionWords:
    """The edition a form describes. Raises `Invalid` with a `Problem` for every field that is off.

    Days are ISO 8601 (2026-11-23), the opening of bookings and the end of the priority window are wall-clock times in Paris
    (2026-11-01T08:00). The labelling window must contain the week, and the last day to ask for the label must not come after the
    window. Priority schools are written one a line, `0920001B REP`; each wrong line is named, and a window needs some.
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
        bookings_open_at=reader.moment("bookings_open_at"),
        conditions=reader.lines("conditions", LONGEST_MARKDOWN),
        school_limit=reader.number_or_none("school_limit", 1, MOST_OF_A_SCHOOL),
        priority_until=reader.moment("priority_until"),
        priority_schools=reader.schools("priority_schools"),
        reminds_week=reader.flag("reminds_week"),
        reminds_soon=reader.flag("reminds_soon"),
        thanks=reader.flag("thanks"),
        digests=reader.flag("digests"),
    )
    reader.check_order(words)
    if reader.problems:
        raise Invalid(reader.problems)
    return words


def say_schools(schools: Mapping[str, str]) -> str:
    """Priority schools as the form shows them, for `read_edition` to read back."""
    return "\n".join(f"{uai} {why}" for uai, why in sorted(schools.items()))


class _EditionReader(FormReader):
    def day(self, name: str) -> date:
        given = self.text(name, 10)
        found = read_day(given)
        if given and found is None:
            self.refuse(name, Problem("not_a_day"))
        return found or date(_FIRST_YEAR, 1, 1)

    def department(self, name: str) -> str:
        given = self.text(name, 3).upper()
        if given and not re.fullmatch(r"(0[1-9]|[1-8]\d|9[0-5]|2[AB]|97\d)", given):
            self.refuse(name, Problem("not_a_department"))
        return given

    def schools(self, name: str) -> dict[str, str]:
        """One school a line: its UAI, and REP, REP+ or QPV. All that is wrong is said at once, line by line."""
        found: dict[str, tuple[str, int]] = {}
        wrong: list[Problem] = []
        for number, line in enumerate(self.lines(name, LONGEST_SCHOOLS).split("\n"), 1):
            match = re.fullmatch(r"(\S.*?)[\s;,]+(REP\+?|QPV)", line.strip(), re.IGNORECASE)
            uai = read_uai(match[1]) if match else None
            if not line.strip():
                continue
            if match is None:
                wrong.append(Problem("schools_line_wrong", {"line": number}))
            elif uai is None:
                wrong.append(Problem("schools_line_uai", {"line": number, "given": match[1][:20]}))
            elif uai in found:
                wrong.append(Problem("schools_line_twice", {"line": number, "given": uai, "first": found[uai][1]}))
            else:
                found[uai] = match[2].upper(), number
        if wrong:
            self.refuse(name, wrong[0] if len(wrong) == 1 else Problem("schools_lines", {"lines": tuple(wrong[:_MOST_SAID])}))
        return {uai: why for uai, (why, _) in found.items()}

    def check_order(self, words: EditionWords) -> None:
        """A window needs schools; the week lies in the year and in the window; the last day to ask comes before its end."""
        if words.priority_until and not words.priority_schools and "priority_schools" not in self.problems:
            self.refuse("priority_schools", Problem("schools_missing"))
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
