"""What the forms of workspaces and files have beside text and numbers: yes or no, days, moments on the wall clock in Paris."""

from __future__ import annotations

import re
from datetime import date, datetime

from booking import clock
from booking.errors import Problem
from booking.models.party import Reader

_YES, _NO = {"1", "on", "y", "yes", "oui", "true", "vrai", "x"}, {"", "0", "off", "n", "no", "non", "false", "faux"}
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


class FormReader(Reader):
    """Reads such fields one by one, and gathers in `problems` what is wrong with them. What is empty is None, or no."""

    def flag(self, name: str) -> bool:
        given = self.raw.get(name)
        said = "" if given is None or given is False else str(given).strip().casefold()
        if said not in _YES | _NO:
            self.refuse(name, Problem("not_yes_or_no"))
        return said in _YES

    def number_or_none(self, name: str, low: int, high: int) -> int | None:
        given = self.raw.get(name)
        return None if given is None or not str(given).strip() else self.number(name, low, high) or None

    def moment(self, name: str) -> datetime | None:
        """A moment as a browser writes it (2026-11-20T18:00), in UTC."""
        given = self.text(name, 16, required=False)
        if not given:
            return None
        match = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2})", given)
        day = read_day(match[1]) if match else None
        if match is None or day is None or int(match[2]) > 23 or int(match[3]) > 59:
            self.refuse(name, Problem("not_a_moment"))
            return None
        return clock.at_paris(day, int(match[2]), int(match[3]))


def read_day(text: str) -> date | None:
    """A day as a browser writes it (2026-11-24), or None where it is none, or of no year we know."""
    try:
        found = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None
    return found if found and _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def say_moment(instant: datetime) -> str:
    """A moment as a form shows it: 2026-11-20T18:00 on the wall clock in Paris."""
    return clock.in_paris(instant).strftime("%Y-%m-%dT%H:%M")
