"""The columns of a programme's file: their names in French, what they mean, and how a line becomes what forms send.

What the words of an event and of a slot must look like is decided where forms are read, and nowhere else
(`booking.models.event_words`, `booking.models.slot_words`); here people's spellings are turned into the spelling of forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from booking import clock, vocabulary
from booking.errors import Invalid, Problem
from booking.i18n import LOCALES, translate
from booking.models.event import Equipment, plain

REFERENCE, HOST, SIRET, PUBLISHED, BEGINS, ENDS = "reference", "organisateur", "siret", "publie", "debut", "fin"
EVENT_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "titre": "title",
        "type": "type",
        "resume": "summary",
        "description": "description",
        "publics": "audiences",
        "niveaux": "levels",
        "age_minimum": "min_age",
        "lieu": "place_name",
        "adresse": "address",
        "code_postal": "postcode",
        "commune": "commune",
        "latitude": "latitude",
        "longitude": "longitude",
        "point_de_rendez_vous": "meeting_point",
        "acces": "access_info",
        "contact": "contact_email",
        "autres_contacts": "more_contacts",
        "telephone": "contact_phone",
        "gratuit": "free",
        "prix": "price",
        "partenaires": "partners",
        "chaussures_fermees": "closed_shoes",
        "piece_identite": "identity_needed",
        "equipement": "equipment",
        "conditions": "conditions",
        "une_par_classe": "one_per_class",
        "accord_organisateur": "host_approval",
        "accord_chef_etablissement": "head_approval",
        "accessible": "accessible_for",
        "accessibilite": "accessibility_note",
    }
)
SLOT_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "places": "capacity",
        "adultes_comptes": "counts_adults",
        "arrivee_minutes": "arrive_minutes_before",
        "groupe_min": "min_party",
        "groupe_max": "max_party",
        "eleves_par_adulte": "pupils_per_adult",
        "adultes_exiges": "adults_required",
        "ouverture": "opens_at",
        "cloture": "closes_at",
        "effectif_heures": "headcount_hours",
        "annulation_heures": "cancel_hours",
        "rendez_vous_creneau": "meeting_point",
    }
)
COLUMNS = (REFERENCE, HOST, SIRET, *EVENT_COLUMNS, PUBLISHED, BEGINS, ENDS, *SLOT_COLUMNS)
"""Every column of the file, in the order of the template."""
NEEDED = (REFERENCE, "titre", HOST)
NUMBER = "#"
"""Under this name each stored line keeps its number in the file; no column can be called so."""
_COLUMN_OF_EVENT = {field: column for column, field in EVENT_COLUMNS.items()}
_COLUMN_OF_SLOT = {field: column for column, field in SLOT_COLUMNS.items()} | {"day": BEGINS, "time": BEGINS, "minutes": ENDS}
_EQUIPMENT = {"aucun": Equipment.NONE, "prete": Equipment.LENT, "a apporter": Equipment.BRING}
_WHEN = re.compile(r"(?:(\d{4})-(\d\d?)-(\d\d?)|(\d\d?)/(\d\d?)/(\d{4}))[ t]+(?:a )?(\d\d?)\s*(?:[:h]\s*(\d\d)?)?(?::\d\d)?")
_HOUR = re.compile(r"(\d\d?)\s*[:h]\s*(\d\d)?(?::\d\d)?")


@dataclass(frozen=True)
class SlotText:
    """One slot of a line, in the spelling of forms; `given` names the fields that the file has and does not leave empty."""

    starts_at: datetime
    raw: Mapping[str, object]
    given: frozenset[str]


def file_lines(lines: Sequence[tuple[int, Mapping[str, str]]]) -> list[dict[str, str]]:
    """The lines of a file by our names of columns, ready to be stored. Raises `Invalid` for a header that cannot be one."""
    names = {given: _column(given) for given in lines[0][1]}
    for given, column in names.items():
        if column not in COLUMNS:
            raise Invalid({"file": Problem("import_unknown_column", {"name": given[:60]})})
    if missing := [column for column in NEEDED if column not in names.values()]:
        raise Invalid({"file": Problem("import_missing_columns", {"names": ", ".join(missing)})})
    if len(set(names.values())) < len(names):
        twice = next(column for column in names.values() if list(names.values()).count(column) > 1)
        raise Invalid({"file": Problem("csv_header_twice", {"name": twice})})
    return [{NUMBER: str(number)} | {names[given]: cell for given, cell in row.items()} for number, row in lines]


def event_text(line: Mapping[str, str]) -> dict[str, object]:
    """What a line says of its event, in the spelling of forms. Empty cells say nothing, and take nothing away."""
    return {field: _spelled(field, line[column]) for column, field in EVENT_COLUMNS.items() if line.get(column)}


def slot_text(line: Mapping[str, str]) -> SlotText | None:
    """The slot of a line, or None where it has none. Raises `Invalid` (its fields are columns) for a time nobody can read."""
    raw: dict[str, object] = {field: line[column] for column, field in SLOT_COLUMNS.items() if line.get(column)}
    begins, ends = line.get(BEGINS, ""), line.get(ENDS, "")
    if not (raw or begins or ends):
        return None
    problems: dict[str, Problem] = {}
    starts_at = _instant(begins, None)
    ends_at = _instant(ends, starts_at)
    if starts_at is None:
        problems[BEGINS] = Problem("import_not_a_time") if begins else Problem("required")
    if ends_at is None or (starts_at and ends_at <= starts_at):
        problems[ENDS] = Problem("import_end_not_after_start") if ends else Problem("required")
    for field in raw.keys() & {"opens_at", "closes_at"}:
        moment = _instant(str(raw[field]), starts_at)
        if moment is None:
            problems[_COLUMN_OF_SLOT[field]] = Problem("import_not_a_time")
        else:
            raw[field] = clock.in_paris(moment).strftime("%Y-%m-%dT%H:%M")
    if problems or starts_at is None or ends_at is None:
        raise Invalid(problems)
    local = clock.in_paris(starts_at)
    when = {
        "day": local.date().isoformat(),
        "time": f"{local:%H:%M}",
        "minutes": str(int((ends_at - starts_at).total_seconds() // 60)),
    }
    return SlotText(starts_at, raw | when, frozenset(raw) | {"minutes"})


def column_of(field: str, *, of_slot: bool = False) -> str:
    """The column a field comes from."""
    return (_COLUMN_OF_SLOT if of_slot else _COLUMN_OF_EVENT).get(field, field)


def by_columns(problems: Mapping[str, Problem], *, of_slot: bool = False) -> dict[str, Problem]:
    """Problems of fields as problems of the columns they came from."""
    return {column_of(field, of_slot=of_slot): problem for field, problem in problems.items()}


def _column(name: str) -> str:
    return re.sub(r"[\s-]+", "_", plain(name).strip())


def _spelled(field: str, text: str) -> str:
    """One cell in the spelling of forms: words of a vocabulary by their names in either language, several addresses by lines."""
    if field in {"partners", "more_contacts"}:
        return "\n".join(part.strip() for part in re.split(r"[|;\n]", text) if part.strip())
    names = _names(field)
    if not names:
        return text
    parts = [part.strip() for part in re.split(r"[,;|/]", text)] if field != "type" else [text.strip()]
    return ",".join(names.get(" ".join(plain(part).split()), part) for part in parts if part)


@lru_cache(maxsize=8)
def _names(field: str) -> Mapping[str, str]:
    """What people may call the words of a field, as `plain()` letters."""
    if field == "equipment":
        return {name: word.value for name, word in _EQUIPMENT.items()}
    words: Mapping[str, str] = {
        "type": vocabulary.TYPES,
        "audiences": vocabulary.AUDIENCES,
        "levels": vocabulary.LEVELS,
        "accessible_for": vocabulary.ACCESS,
    }.get(field, {})
    return {name: str(word) for word, said in words.items() if word != "school" for name in _said(said)}


def _said(message: str) -> Iterable[str]:
    return (" ".join(plain(translate(locale, message)).split()) for locale in LOCALES)


def _instant(text: str, begins: datetime | None) -> datetime | None:
    """A moment on the wall clock in Paris as spreadsheets write it; an hour alone is one of the day the slot begins."""
    said = " ".join(plain(text).split())
    try:
        if match := _WHEN.fullmatch(said):
            iso, french = match.group(1, 2, 3), match.group(6, 5, 4)
            year, month, day = (int(part) for part in (iso if iso[0] else french))
            hour, minute = int(match[7]), int(match[8] or 0)
            wanted = datetime(year, month, day, hour, minute, tzinfo=clock.PARIS)
        elif begins is not None and (match := _HOUR.fullmatch(said)):
            local = clock.in_paris(begins)
            wanted = datetime(local.year, local.month, local.day, int(match[1]), int(match[2] or 0), tzinfo=clock.PARIS)
        else:
            return None
    except ValueError:
        return None
    return clock.at_paris(wanted.date(), wanted.hour, wanted.minute) if 2000 <= wanted.year <= 2100 else None
