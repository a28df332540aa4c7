"""Addresses that copy a visit into Google’s or Microsoft’s calendar: a page with a new entry, filled in, for its owner to keep.

Neither is a standard. Google's `render?action=TEMPLATE` takes UTC in the basic format of ISO 8601; Outlook's
`deeplink/compose` takes the extended format and HTML for its body. Whoever follows one tells that company what stands in it, so
there is nothing but what the event's public page shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from booking.mail import words
from booking.mail.facts import Facts, one_line

_GOOGLE = "https://calendar.google.com/calendar/render"
_OUTLOOK_COM = "https://outlook.live.com/calendar/0/deeplink/compose"
_OUTLOOK_WORK = "https://outlook.office.com/calendar/0/deeplink/compose"
MOST_OF_TITLE, MOST_OF_PLACE, MOST_OF_LINE = 600, 450, 300
"""Characters once escaped: an address longer than about 2,000 is cut by some on the way, and an emoji takes twelve."""


@dataclass(frozen=True)
class CalendarLinks:
    """Where a copy of one visit can be made."""

    google: str
    outlook_com: str
    """For private accounts."""
    outlook_work: str
    """For accounts of a company or a school (Microsoft 365)."""


def copies_of(facts: Facts, page: str, locale: str) -> CalendarLinks:
    """The links for the visit of a booking: title, hours, place, meeting point and its public page; nothing of the booking."""
    says = [words.meeting(facts, locale), page]
    return calendar_links(facts.title, facts.starts_at, facts.ends_at, words.place_lines(facts), says)


def calendar_links(title: str, starts_at: datetime, ends_at: datetime, place: list[str], says: list[str]) -> CalendarLinks:
    """The links for a visit at these instants. `place` are the parts of its address, `says` the lines of its description."""
    title, where = (
        _fitting(one_line(title), MOST_OF_TITLE),
        _fitting(", ".join(filter(None, map(one_line, place))), MOST_OF_PLACE),
    )
    lines = [_fitting(line, MOST_OF_LINE) for line in map(one_line, says) if line]
    begin, end = (instant.astimezone(UTC).replace(tzinfo=None, microsecond=0) for instant in (starts_at, ends_at))
    google = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{begin:%Y%m%dT%H%M%SZ}/{end:%Y%m%dT%H%M%SZ}",
        "location": where,
        "details": "\n".join(lines),
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": f"{begin.isoformat()}Z",
        "enddt": f"{end.isoformat()}Z",
        "location": where,
        "body": "<br>".join(escape(line, quote=False) for line in lines),
    }
    return CalendarLinks(_address(_GOOGLE, google), _address(_OUTLOOK_COM, outlook), _address(_OUTLOOK_WORK, outlook))


def _fitting(text: str, most: int) -> str:
    """As much of a text as takes no more than `most` characters in an address, with an ellipsis where something is missing."""
    if len(quote(text, safe="")) <= most:
        return text
    room = most - len(quote("…"))
    for length in range(len(text), 0, -1):
        if len(quote(text[:length], safe="")) <= room:
            return f"{text[:length].rstrip()}…"
    return ""


def _address(page: str, query: dict[str, str]) -> str:
    """Spaces as %20: Outlook shows a plus sign as it is."""
    written = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
    return f"{page}?{written}"
