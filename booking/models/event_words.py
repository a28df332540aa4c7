"""The words of an event: reading them from a form or a file checks their shape here, once, for every door."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from booking.errors import Invalid, Problem
from booking.markdown import LONGEST_MARKDOWN
from booking.models.event import AccessKind, Audience, Equipment, EventType, HostMails
from booking.models.form_reader import FormReader
from booking.models.party import LEVELS, Reader, read_number

LONGEST_TITLE, LONGEST_SUMMARY = 140, 300
OLDEST = 99
MOST_PARTNERS, MOST_CONTACTS = 30, 5
FLAGS = ("free", "closed_shoes", "identity_needed", "outdoors", "one_per_class", "host_approval", "head_approval")
_DEADLINES: Mapping[str, tuple[int, int]] = MappingProxyType({"host_answer_hours": (336, 72), "head_answer_days": (30, 7)})
"""How long somebody has to answer: the most there may be, and what holds where nothing is said."""
_SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "audiences": tuple(word.value for word in Audience),
        "levels": LEVELS,
        "accessible_for": tuple(word.value for word in AccessKind),
    }
)
_LINES: Mapping[str, int] = MappingProxyType(
    {"price": 120, "place_name": 120, "address": 200, "commune": 80, "meeting_point": 200}
)
_PARAGRAPHS: Mapping[str, int] = MappingProxyType(
    {"summary": LONGEST_SUMMARY, "access_info": 400, "conditions": 400, "accessibility_note": 300}
)


def read_event(raw: Mapping[str, object]) -> dict[str, object]:
    """The columns of `Event` that a request describes. Raises `Invalid` with a `Problem` for every field that is off.

    Keys are the names of the columns; what `raw` does not name is left out of the answer, and the title alone is needed.
    Values may be text, numbers, booleans or lists; a set of words may come as text with commas between them, partners and further
    addresses one a line, coordinates in degrees (WGS 84) with a point or a comma, moments on the wall clock
    in Paris (2026-11-20T18:00). An event that is free has no price.
    """
    reader = _EventReader(raw)
    readers: dict[str, Callable[[str], object]] = {
        "title": lambda name: reader.text(name, LONGEST_TITLE),
        "description": lambda name: reader.lines(name, LONGEST_MARKDOWN),
        "type": reader.type,
        "equipment": reader.equipment,
        "host_mails": reader.mails,
        "min_age": reader.age,
        "contact_email": reader.contact,
        "contact_phone": reader.phone,
        "more_contacts": reader.contacts,
        "partners": reader.partners,
        "postcode": reader.postcode,
        "latitude": lambda name: reader.degrees(name, 90),
        "longitude": lambda name: reader.degrees(name, 180),
        "priority_until": reader.moment,
        **dict.fromkeys(_DEADLINES, reader.deadline),
        **dict.fromkeys(_SETS, reader.words),
        **dict.fromkeys(FLAGS, reader.flag),
        **{name: _of_length(reader.line, longest) for name, longest in _LINES.items()},
        **{name: _of_length(reader.paragraph, longest) for name, longest in _PARAGRAPHS.items()},
    }
    values = {name: read(name) for name, read in readers.items() if name in raw or name == "title"}
    reader.check_pair(values)
    if reader.problems:
        raise Invalid(reader.problems)
    if values.get("free") is True:
        values["price"] = ""
    return values


def _of_length(read: Callable[[str, int], str], longest: int) -> Callable[[str], object]:
    return lambda name: read(name, longest)


class _EventReader(FormReader):
    def line(self, name: str, longest: int) -> str:
        return self.text(name, longest, required=False)

    def paragraph(self, name: str, longest: int) -> str:
        """One paragraph from a field with several lines: a line break typed there is a space."""
        given = self.raw.get(name)
        joined = " ".join(given.split()) if isinstance(given, str) else given
        return self._with(name, joined).text(name, longest, required=False)

    def type(self, name: str) -> EventType:
        """What kind of event; a company visit where nothing is said, as most are."""
        return (
            EventType(self.choice(name, tuple(EventType)) or EventType.COMPANY_VISIT)
            if self._given(name)
            else EventType.COMPANY_VISIT
        )

    def equipment(self, name: str) -> Equipment:
        return Equipment(self.choice(name, tuple(Equipment)) or Equipment.NONE) if self._given(name) else Equipment.NONE

    def mails(self, name: str) -> HostMails:
        """How the host's contacts hear of bookings; once a day where nothing is said."""
        return HostMails(self.choice(name, tuple(HostMails)) or HostMails.DIGEST) if self._given(name) else HostMails.DIGEST

    def age(self, name: str) -> int | None:
        if not self._given(name):
            return None
        found = read_number(self.raw[name], 0, OLDEST)
        if isinstance(found, Problem):
            self.refuse(name, found)
            return None
        return found or None

    def deadline(self, name: str) -> int:
        most, usual = _DEADLINES[name]
        return self.number(name, 1, most) if self._given(name) else usual

    def contact(self, name: str) -> str | None:
        return self.email(name) or None if self._given(name) else None

    def contacts(self, name: str) -> str:
        """Further addresses, one a line, each once."""
        found = [self._with(name, line).email(name) for line in self._lines_of(name, MOST_CONTACTS)]
        return "\n".join(dict.fromkeys(filter(None, found)))

    def partners(self, name: str) -> str:
        found = [self._with(name, line).text(name, 120) for line in self._lines_of(name, MOST_PARTNERS)]
        return "\n".join(dict.fromkeys(found))

    def postcode(self, name: str) -> str:
        given = self.line(name, 12).replace(" ", "")
        if given and not re.fullmatch(r"[0-9]{5}", given):
            self.refuse(name, Problem("not_a_postcode"))
        return given

    def degrees(self, name: str, most: int) -> float | None:
        if not self._given(name):
            return None
        given = unicodedata.normalize("NFKC", str(self.raw[name])).strip().replace(",", ".")
        found = float(given) if re.fullmatch(r"[-+]?\d{1,3}(\.\d{1,12})?", given) else math.nan
        if not abs(found) <= most:
            self.refuse(name, Problem("not_degrees", {"most": most}))
            return None
        return round(found, 6)

    def words(self, name: str) -> tuple[str, ...]:
        """Words of a closed vocabulary, in its order."""
        given = self.raw[name]
        parts = re.split(r"[,;|]", given) if isinstance(given, str) else given or ()
        if not isinstance(parts, Iterable):
            self.refuse(name, Problem("not_text"))
            return ()
        exact = {option.casefold(): option for option in _SETS[name]}
        found = {exact.get(str(part).strip().casefold()) for part in parts if str(part).strip()}
        if None in found:
            self.refuse(name, Problem("not_a_choice", {"choices": _SETS[name]}))
        return tuple(option for option in _SETS[name] if option in found)

    def check_pair(self, values: Mapping[str, object]) -> None:
        """Half a pair of coordinates is no place."""
        if {"latitude", "longitude"} <= values.keys() and not self.problems.keys() & {"latitude", "longitude"}:
            for name, other in (("latitude", "longitude"), ("longitude", "latitude")):
                if values[name] is None and values[other] is not None:
                    self.refuse(name, Problem("required"))

    def _with(self, name: str, value: object) -> Reader:
        reader = Reader({name: value})
        reader.problems = self.problems
        return reader

    def _given(self, name: str) -> bool:
        given = self.raw[name]
        return given is not None and str(given).strip() != ""

    def _lines_of(self, name: str, most: int) -> list[str]:
        given = self.raw[name]
        if given is not None and not isinstance(given, str):
            self.refuse(name, Problem("not_text"))
            return []
        found = [line.strip() for line in re.split(r"\r\n|\r|\n", given or "") if line.strip()]
        if len(found) > most:
            self.refuse(name, Problem("too_many_lines", {"most": most}))
        return found[:most]
