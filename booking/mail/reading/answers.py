"""The answers in a mail's calendar objects (RFC 5545, RFC 5546).

A calendar object is read line by line, and only the six properties of an answer: one broken line of another spoils
nothing, no repetition is ever reckoned out, and no time zone of a stranger is taken into the process, as reading the whole
object would do. icalendar takes each of those lines apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from icalendar.parser import Contentline

from booking.mail.reading.addresses import is_address
from booking.mail.reading.found import CalendarAnswer
from booking.mail.reading.parts import Part
from booking.mail.reading.words import decoded, one_line, some_lines

METHODS = frozenset({"REPLY", "COUNTER", "REFRESH", "DECLINECOUNTER"})
"""What an attendee's calendar sends. REQUEST, PUBLISH, ADD and CANCEL come from organisers, and we take none."""
MOST_ANSWERS = 5
_MOST_BYTES = 256_000
_MOST_OBJECTS = 10
_MOST_COMPONENTS = 50
_MOST_DEPTH = 10
_MOST_LINES = 2000
_LONGEST_LINE = 4000
_LONGEST_UID = 255
_LONGEST_COMMENT = 2000
_LARGEST = 2**31 - 1
_KINDS = frozenset({"text/calendar", "text/x-vcalendar", "application/ics", "application/x-ics", "application/calendar"})
_WANTED = re.compile(r"(METHOD|UID|SEQUENCE|DTSTAMP|ATTENDEE|COMMENT)[ \t]*[;:]", re.IGNORECASE)
_BORDER = re.compile(r"(BEGIN|END)[ \t]*:[ \t]*([A-Z0-9-]{1,40})[ \t]*\Z", re.IGNORECASE)
_TIME = re.compile(r"(\d{8})T(\d{6})(Z|[+-]\d{4})?\Z", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}\Z", re.ASCII)
_MAILTO = re.compile(r"[\s\"'<]*mailto:", re.IGNORECASE)


def answers_in(parts: Iterable[Part]) -> tuple[CalendarAnswer, ...]:
    """The distinct answers in a mail, in their order, at most five.

    The METHOD is the one in the object: some write none in the Content-Type, and some write another. Clients that send
    one answer twice in one mail have given it once.
    """
    found: dict[tuple[object, ...], CalendarAnswer] = {}
    objects = [part for part in parts if part.kind in _KINDS or part.filename.strip().lower().endswith((".ics", ".vcs"))]
    for part in objects[:_MOST_OBJECTS]:
        for answer in _answers(_object_of(part)):
            found.setdefault((answer.method, answer.uid, answer.sequence, answer.stamp, answer.attendee, answer.partstat), answer)
            if len(found) >= MOST_ANSWERS:
                return tuple(found.values())
    return tuple(found.values())


def _object_of(part: Part) -> str:
    """The text of a calendar object, "" where it is larger than any answer is."""
    content = part.content(_MOST_BYTES + 1)
    return decoded(content, part.charset) if len(content) <= _MOST_BYTES else ""


def _answers(text: str) -> Iterator[CalendarAnswer]:
    for method, event in _events(text):
        if method in METHODS:
            yield from event.answers(method)


@dataclass
class _Event:
    """A VEVENT as it is being read: of what stands in it twice, the first counts."""

    uid: str = ""
    sequence: int | None = 0
    stamp: datetime | None = None
    comment: str = ""
    attendees: list[tuple[str, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def read(self, line: str) -> None:
        """One of the properties wanted. A line that cannot be read says nothing."""
        try:
            name, parameters, value = Contentline(line).parts()  # type: ignore[no-untyped-call]
        except (ValueError, AssertionError, IndexError, KeyError, TypeError):
            return
        name = name.upper()
        if name == "ATTENDEE":
            if len(self.attendees) < MOST_ANSWERS and (address := _address(value, str(_one(parameters.get("EMAIL", ""))))):
                self.attendees.append((address, one_line(str(_one(parameters.get("PARTSTAT", ""))), 40).upper()))
            return
        if name in self.seen:
            return
        self.seen.add(name)
        if name == "UID":
            self.uid = one_line(value, _LONGEST_UID + 1)
        elif name == "SEQUENCE":
            self.sequence = _number(value.strip())
        elif name == "DTSTAMP":
            self.stamp = _instant(value.strip(), str(_one(parameters.get("TZID", ""))))
        elif name == "COMMENT":
            self.comment = some_lines(value, _LONGEST_COMMENT)

    def answers(self, method: str) -> Iterator[CalendarAnswer]:
        """One for each attendee. None where it is not said which event or which version of it is meant."""
        if not self.uid or len(self.uid) > _LONGEST_UID or self.sequence is None:
            return
        for attendee, partstat in self.attendees:
            said = partstat or ("NEEDS-ACTION" if method == "REPLY" else "")
            yield CalendarAnswer(method, self.uid, self.sequence, self.stamp, attendee, said, self.comment)


def _events(text: str) -> Iterator[tuple[str, _Event]]:
    """The events of the calendars in a text, each with its calendar's METHOD, which may stand after them."""
    inside: list[str] = []
    method, events = "", list[_Event]()
    for line in islice(_lines(text), _MOST_LINES):
        border = _BORDER.match(line)
        if border is None:
            if inside == ["VCALENDAR"] and not method and line[:6].upper() == "METHOD":
                method = one_line(line.partition(":")[2], 40).upper()
            elif inside == ["VCALENDAR", "VEVENT"] and events:
                events[-1].read(line)
            continue
        name = border[2].upper()
        if border[1].upper() == "END":
            del inside[inside.index(name) if name in inside else len(inside) :]
            if not inside:
                yield from ((method, event) for event in events)
                method, events = "", []
            continue
        inside.append(name)
        if inside == ["VCALENDAR", "VEVENT"]:
            events.append(_Event())
        if len(inside) > _MOST_DEPTH or len(events) > _MOST_COMPONENTS:
            return
    yield from ((method, event) for event in events)  # cut off before its end


def _lines(text: str) -> Iterator[str]:
    """The lines wanted, unfolded (RFC 5545, 3.1). Longer ones than any of these is are cut."""
    pieces, size = list[str](), 0
    for line in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line[:1] in {" ", "\t"}:
            if size < _LONGEST_LINE:
                pieces.append(line[1:_LONGEST_LINE])
                size += len(pieces[-1])
            continue
        whole = "".join(pieces)[:_LONGEST_LINE]
        if _WANTED.match(whole) or _BORDER.match(whole):
            yield whole
        pieces, size = [line[:_LONGEST_LINE]], len(line)


def _one(value: object) -> object:
    """A parameter that was written more than once is a list."""
    return (value[0] if value else "") if isinstance(value, list) else value


def _address(value: str, email: str) -> str:
    """A bare address: of the `mailto:` URI, or of the EMAIL parameter where the URI is none (RFC 7986)."""
    for candidate in (unquote(_MAILTO.sub("", value, count=1)), _MAILTO.sub("", email, count=1)):
        bare = candidate.strip(" \t\r\n\"'<>").lower()
        if is_address(bare):
            return bare
    return ""


def _number(value: str) -> int | None:
    return int(value) if _NUMBER.match(value) and int(value) <= _LARGEST else None


def _instant(value: str, zone: str) -> datetime | None:
    """A DTSTAMP in UTC, as it must be; or as some write it, with an offset or a zone. A floating time is no instant."""
    found = _TIME.match(value)
    if not found:
        return None
    try:
        naive = datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S")  # noqa: DTZ007 (its zone follows)
        if found[3] == "Z":
            return naive.replace(tzinfo=UTC)
        if found[3]:
            return datetime.strptime(found[0], "%Y%m%dT%H%M%S%z").astimezone(UTC)
        return naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if zone else None
    except (ValueError, OverflowError, OSError, LookupError):
        return None
