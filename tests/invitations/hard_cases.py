"""What breaks invitations: names with every sign that means something to a mail or a calendar, and odd hours."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from booking import clock

_PARIS = ZoneInfo("Europe/Paris")

HARD_NAMES = [
    'Visite "du port", quai n° 3; écluse \\ sas',
    "Deux\r\nBcc: victime@ailleurs.example\r\n\r\nlignes",
    "Saut\nBEGIN:VALARM\nsuite",
    "U+2028\u2028 et U+2029\u2029 et NEL\x85 et NUL\x00 et tab\t",
    "🚢⚓ L’île d’Été 👩🏽‍🏭 " * 6,
    "é" * 200,
    "ascii " * 33,
    "=?utf-8?q?Bcc=3A?= déguisé",
    "=?utf-8?q?Bcc=3A?=",
    "%s %(title)s {{ 7*7 }} {title} <script>alert(1)</script>",
    "\u202eretourné\u202c",
    "x" * 200,
    "finit par \\",
    "\\n n’est pas \\N ni \\, ni \\;",
    "CN=\":;,^n^'",
    "fin END:VEVENT",
]
LONG_NAMES = ["; ".join(HARD_NAMES[n::4]) for n in range(4)] + [HARD_NAMES[8]]
"""All of them in fewer mails, for where there is no calendar to look into."""
_UNESCAPED = {"\\n": "\n", "\\N": "\n", "\\,": ",", "\\;": ";", "\\\\": "\\"}


def kept(name: str) -> str:
    """What every reader must find of a name: one line, without controls, nothing that turns the direction of text round."""
    without_turns = re.sub("[\u202a-\u202e]", "", name)
    return re.sub(" {2,}", " ", re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", without_turns)).strip()


def property_text(calendar: bytes, name: str) -> str:
    """A property's TEXT as RFC 5545 reads it, character by character (the library takes a typed backslash and N for a line)."""
    unfolded = calendar.replace(b"\r\n ", b"").decode()
    [value] = re.findall(rf"(?m)^{name}:(.*)\r$", unfolded)
    return re.sub(r"\\[nN,;\\]", lambda escape: _UNESCAPED[escape[0]], value)


def _at(*given: int, fold: int = 0) -> datetime:
    return datetime(*given, tzinfo=_PARIS, fold=fold).astimezone(UTC)  # type: ignore[misc, arg-type]


HARD_TIMES: dict[str, tuple[datetime, datetime]] = {
    "winter": (_at(2026, 11, 24, 14, 30), _at(2026, 11, 24, 16, 0)),
    "summer": (_at(2026, 7, 9, 10, 0), _at(2026, 7, 9, 11, 30)),
    "over the spring change of 2026": (_at(2026, 3, 29, 1, 30), _at(2026, 3, 29, 3, 30)),
    "a time the spring night of 2027 skips": (clock.at_paris(date(2027, 3, 28), 2, 30), _at(2027, 3, 28, 4, 0)),
    "the morning after the spring change": (_at(2027, 3, 28, 9, 0), _at(2027, 3, 28, 10, 30)),
    "over the autumn change of 2026": (_at(2026, 10, 25, 2, 30), _at(2026, 10, 25, 2, 30, fold=1)),
    "in the repeated hour, the first time": (_at(2026, 10, 25, 2, 10), _at(2026, 10, 25, 2, 50)),
    "in the repeated hour, the second time": (_at(2026, 10, 25, 2, 10, fold=1), _at(2026, 10, 25, 2, 50, fold=1)),
    "over the autumn change of 2027": (_at(2027, 10, 31, 1, 0), _at(2027, 10, 31, 3, 0)),
    "from midnight": (_at(2026, 11, 28, 0, 0), _at(2026, 11, 28, 1, 0)),
    "until midnight": (_at(2026, 11, 27, 22, 0), _at(2026, 11, 28, 0, 0)),
    "over midnight": (_at(2026, 11, 27, 22, 0), _at(2026, 11, 28, 2, 0)),
    "over new year": (_at(2026, 12, 31, 23, 0), _at(2027, 1, 1, 1, 0)),
    "over midnight in UTC alone": (_at(2026, 11, 28, 0, 30), _at(2026, 11, 28, 1, 30)),
}
"""When a visit begins and ends, in UTC, by what is hard about it."""
