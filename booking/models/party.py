"""A party: who comes. Reading one from a form or from JSON checks its shape here, once, for every door."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from email_validator import EmailNotValidError, validate_email

from booking.errors import Invalid, Problem
from booking.models.event import SCHOOL_AUDIENCES, AccessKind, Audience, plain
from booking.numbers import read_uai

SCHOOL = "school"
"""The audience of a class; a person names one of `Audience`."""

LEVELS = ("6e", "5e", "4e", "3e", "2de", "1re", "terminale", "CAP", "BTS", "autre")
AUDIENCE_OF_LEVEL: Mapping[str, Audience] = MappingProxyType(
    dict.fromkeys(LEVELS[:4], Audience.COLLEGE) | dict.fromkeys(LEVELS[4:7], Audience.LYCEE) | {"CAP": Audience.APPRENTICE}
)
USUAL_AGES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "6e": (10, 12), "5e": (11, 13), "4e": (12, 14), "3e": (13, 15), "2de": (14, 16), "1re": (15, 17), "terminale": (16, 18),
        "CAP": (14, 18), "BTS": (17, 21),
    }
)  # fmt: skip
"""How old pupils of a level usually are in the course of the school year: the youngest and the oldest."""
LARGEST_CLASS = 500
MOST_ADULTS = 100
_LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@dataclass(frozen=True)
class Party:
    """A class (school, level, pupils, adults; no pupil is named) or a person, and the adult to write to."""

    audience: str
    email: str
    name: str
    phone: str = ""
    school_name: str = ""
    school_uai: str = ""
    commune: str = ""
    level: str = ""
    label: str = ""
    pupils: int = 0
    adults: int = 0
    needs: Mapping[str, int] = field(default_factory=dict)
    """Accessibility: how many persons with each kind of need."""
    old_enough: bool = False
    """A person's word that they have reached the event's minimum age."""
    head_asked: bool = False
    """Whether the teacher wants the school's head to approve before the booking is confirmed."""

    @property
    def is_class(self) -> bool:
        return self.audience == SCHOOL

    @property
    def comes_as(self) -> frozenset[str]:
        """The audiences this party belongs to, for pools that are reserved for some."""
        return comes_as(self.audience, self.level)

    @property
    def same_party(self) -> str:
        """Equal for two requests of one party: an address with its class, or with its person's name."""
        parts = (self.school_name, self.label) if self.is_class else (self.name,)
        return "|".join([self.email.casefold(), *(" ".join(plain(part).split()) for part in parts)])

    @property
    def school_key(self) -> str:
        """Equal for two ways to write one school: name and commune without accents and signs; empty for a person."""
        return _letters(self.school_name, self.commune) if self.is_class else ""

    @property
    def class_key(self) -> str:
        """Equal for two colleagues who write the same class: its school, level and name; empty for a person."""
        if not self.is_class:
            return ""
        label = re.sub(r"(?<=[0-9])(eme|ere|nde|de|e|nd|re)(?![a-z]{2})", "", _letters(self.label).replace(" ", ""))
        return f"{self.school_key}|{self.level}|{label}"


def comes_as(audience: str, level: str) -> frozenset[str]:
    """The audiences somebody belongs to: a class that of its level, or every school audience where the level names none."""
    if audience != SCHOOL:
        return frozenset({audience})
    of_level = AUDIENCE_OF_LEVEL.get(level)
    return frozenset({of_level.value}) if of_level else frozenset(word.value for word in SCHOOL_AUDIENCES)


def _letters(*texts: str) -> str:
    return "|".join(" ".join(re.findall(r"[0-9a-z]+", plain(text))) for text in texts)


def read_party(raw: Mapping[str, object]) -> Party:
    """The party a request describes. Raises `Invalid` with a `Problem` for every field that is off.

    Keys are the names of `Party`; needs come as `needs_motor`, `needs_hearing` and so on. Values may be text
    or whole numbers. Text is trimmed; control characters and line breaks are refused, never dropped.
    """
    reader = _PartyReader(raw)
    audience = reader.choice("audience", (SCHOOL, *(a.value for a in Audience)), default=SCHOOL)
    is_class = audience == SCHOOL
    party = Party(
        audience=audience,
        email=reader.email("email"),
        name=reader.text("name", 120),
        phone=reader.phone("phone"),
        school_name=reader.text("school_name", 120) if is_class else "",
        school_uai=reader.uai("school_uai") if is_class else "",
        commune=reader.text("commune", 80) if is_class else "",
        level=reader.choice("level", LEVELS) if is_class else "",
        label=reader.text("label", 40) if is_class else "",
        pupils=reader.number("pupils", 1, LARGEST_CLASS) if is_class else 0,
        adults=reader.number("adults", 1, MOST_ADULTS) if is_class else 0,
        needs=reader.needs(),
        old_enough=not is_class and reader.ticked("old_enough"),
        head_asked=is_class and reader.ticked("head_asked"),
    )
    reader.check_needs(party)
    if reader.problems:
        raise Invalid(reader.problems)
    return party


def read_number(raw: object, low: int, high: int) -> int | Problem:
    """A whole number between two bounds, or what is wrong with it. Digits of any script count; booleans do not."""
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        return Problem("required") if raw is None else Problem("not_a_number")
    given = str(raw).strip()
    if not given:
        return Problem("required")
    if not re.fullmatch(r"[-+]?\d{1,18}", given):
        return Problem("not_a_number")
    if int(given) < low:
        return Problem("too_low", {"low": low})
    return int(given) if int(given) <= high else Problem("too_high", {"high": high})


class Reader:
    """Reads fields one by one and gathers in `problems` what is wrong with them. Text is trimmed and in NFC."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self.raw = raw
        self.problems: dict[str, Problem] = {}

    def refuse(self, name: str, problem: Problem) -> str:
        """Say what is wrong with a field; the answer is the empty text that takes its place."""
        self.problems[name] = problem
        return ""

    def text(self, name: str, longest: int, *, required: bool = True) -> str:
        given = self.raw.get(name)
        if given is not None and not isinstance(given, str):
            return self.refuse(name, Problem("not_text"))
        cleaned = unicodedata.normalize("NFC", (given or "").strip())
        if not cleaned:
            return self.refuse(name, Problem("required")) if required else ""
        if len(cleaned) > longest:
            return self.refuse(name, Problem("too_long", {"longest": longest}))
        if any(_is_forbidden(sign) for sign in cleaned):
            return self.refuse(name, Problem("forbidden_character"))
        return cleaned

    def lines(self, name: str, longest: int) -> str:
        """Text of several lines, which end in a line feed each; it may be empty."""
        given = self.raw.get(name)
        if given is not None and not isinstance(given, str):
            return self.refuse(name, Problem("not_text"))
        cleaned = unicodedata.normalize("NFC", (given or "").replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip())
        if len(cleaned) > longest:
            return self.refuse(name, Problem("too_long", {"longest": longest}))
        if any(sign != "\n" and _is_forbidden(sign) for sign in cleaned):
            return self.refuse(name, Problem("forbidden_character"))
        return cleaned

    def number(self, name: str, low: int, high: int) -> int:
        result = read_number(self.raw.get(name), low, high)
        if isinstance(result, Problem):
            self.refuse(name, result)
            return 0
        return result

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        given = self.raw.get(name, default)
        if not given:
            return self.refuse(name, Problem("required"))
        exact = {option.casefold(): option for option in allowed}
        found = exact.get(given.strip().casefold()) if isinstance(given, str) else None
        return found or self.refuse(name, Problem("not_a_choice", {"choices": allowed}))

    def email(self, name: str) -> str:
        given = self.text(name, 254)
        if not given:
            return ""
        try:
            checked = validate_email(given, check_deliverability=False, allow_smtputf8=False, test_environment=True)
        except EmailNotValidError:
            return self.refuse(name, Problem("not_an_email"))
        if "." not in checked.domain:
            return self.refuse(name, Problem("not_an_email"))
        return checked.ascii_email or checked.normalized

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked; in JSON, whether the value is true."""
        return str(self.raw.get(name) or "").strip().casefold() in {"1", "on", "y", "yes", "true", "oui"}

    def phone(self, name: str) -> str:
        given = self.text(name, 30, required=False)
        if given and not re.fullmatch(r"\+?[0-9][0-9 .()/-]{5,28}", given):
            return self.refuse(name, Problem("not_a_phone"))
        return given


class _PartyReader(Reader):
    def uai(self, name: str) -> str:
        given = self.text(name, 20, required=False)
        if not given:
            return ""
        return read_uai(given) or self.refuse(name, Problem("not_a_uai"))

    def needs(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for kind in AccessKind:
            name = f"needs_{kind}"
            if self.raw.get(name) in (None, "", "0", 0):
                continue
            if number := self.number(name, 0, LARGEST_CLASS):
                found[kind.value] = number
        return found

    def check_needs(self, party: Party) -> None:
        """Nobody announces more needs of one kind than there are people."""
        people = party.pupils + party.adults if party.is_class else 1
        for kind, number in party.needs.items():
            if number > people and not self.problems.keys() & {"pupils", "adults"}:
                self.refuse(f"needs_{kind}", Problem("needs_too_many"))


def _is_forbidden(sign: str) -> bool:
    """Controls, line breaks and the signs that turn the direction of text round have no place in a name."""
    return (
        sign in _LINE_BREAKS
        or unicodedata.category(sign) in {"Cc", "Cs", "Co"}
        or "\u202a" <= sign <= "\u202e"
        or "\u2066" <= sign <= "\u2069"
    )
