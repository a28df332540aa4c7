"""Reading what stands behind the question mark of an address. Nonsense there is nobody's fault and asks for nothing."""

from __future__ import annotations

from datetime import date

from flask import g, request

from booking.models.event import plain
from booking.queries import journal
from booking.web.history_words import actions_like

_FIRST_YEAR, _LAST_YEAR = 2000, 2999


def asked_page(name: str = "page") -> int:
    """The page of a list that was asked for; the first where the address says nothing sensible."""
    return max(asked_number(name) or 1, 1)


def asked_number(name: str) -> int | None:
    """A whole number of at most nine digits."""
    given = request.args.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


def asked_day(name: str) -> date | None:
    """A day as a browser sends it: 2026-11-24."""
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def asked_history(organisation_id: int | None = None) -> journal.JournalFilters:
    """What a reader of the history looks for: words (also those of the actions, in their language), subject, actor, days."""
    words = request.args.get("q", "").strip()[: journal.LONGEST_WORDS]
    return journal.JournalFilters(
        words=words,
        actions=tuple(actions_like(plain(words).split(), g.locale)),
        subject=request.args.get("subject", ""),
        actor=request.args.get("actor", ""),
        organisation_id=organisation_id,
        since=asked_day("from"),
        until=asked_day("to"),
    )
