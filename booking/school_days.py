"""What a host should know about the days of a slot before classes are asked to come: warnings, never refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from vacances_scolaires_france import SchoolHolidayDates

from booking.clock import at_paris, paris_day
from booking.i18n import _, translate
from booking.i18n import day as say_day
from booking.workdays import is_public_holiday

Zone = Literal["A", "B", "C"]

NIGHT_FROM, NIGHT_UNTIL = 20, 7
"""The hours in Paris between which hardly anybody comes."""
_AFTERNOON = 12
_MOST_DAYS = 60
"""Days of one slot that are looked at; the warnings of a longer one would say nothing new."""

_ZONES: Mapping[Zone, str] = {
    # Académies of Besançon, Bordeaux, Clermont-Ferrand, Dijon, Grenoble, Limoges, Lyon, Poitiers
    "A": "25 39 70 90 24 33 40 47 64 03 15 43 63 21 58 71 89 07 26 38 73 74 19 23 87 01 42 69 16 17 79 86",
    # Aix-Marseille, Amiens, Lille, Nancy-Metz, Nantes, Nice, Normandie, Orléans-Tours, Reims, Rennes, Strasbourg
    "B": "04 05 13 84 02 60 80 59 62 54 55 57 88 44 49 53 72 85 06 83 14 27 50 61 76 "
    "18 28 36 37 41 45 08 10 51 52 22 29 35 56 67 68",
    # Créteil, Montpellier, Paris, Toulouse, Versailles
    "C": "77 93 94 11 30 34 48 66 75 09 12 31 32 46 65 81 82 78 91 92 95",
}
_ZONE_OF: Mapping[str, Zone] = {department: zone for zone, found in _ZONES.items() for department in found.split()}

WARNINGS: Mapping[str, str] = {
    "school_holidays": _("Le %(day)s tombe pendant les vacances scolaires (%(name)s) : les classes ne pourront pas venir."),
    "calendar_unknown": _("Nous ne connaissons pas les vacances scolaires du %(day)s : vérifiez qu’il y a classe."),
    "public_holiday": _("Le %(day)s est férié (%(name)s)."),
    "weekend": _("Le %(day)s tombe en fin de semaine : peu de classes viendront."),
    "wednesday_afternoon": _("Le %(day)s après-midi, la plupart des collèges n’ont pas cours."),
    "night": _("Une partie du créneau tombe entre 20 h et 7 h : vérifiez les heures."),
    "clock_change": _("On change d’heure le %(day)s : vérifiez les heures."),
}

NAMES: Mapping[str, str] = {
    "1er janvier": _("jour de l’An"),
    "Lundi de Pâques": _("lundi de Pâques"),
    "1er mai": _("fête du Travail"),
    "8 mai": _("victoire de 1945"),
    "Ascension": _("Ascension"),
    "Lundi de Pentecôte": _("lundi de Pentecôte"),
    "14 juillet": _("fête nationale"),
    "Assomption": _("Assomption"),
    "Toussaint": _("Toussaint"),
    "11 novembre": _("armistice de 1918"),
    "Jour de Noël": _("Noël"),
    "Vacances de la Toussaint": _("vacances de la Toussaint"),
    "Vacances de Noël": _("vacances de Noël"),
    "Vacances d'hiver": _("vacances d’hiver"),
    "Vacances de printemps": _("vacances de printemps"),
    "Vacances d'été": _("vacances d’été"),
    "Pont de l'Ascension": _("pont de l’Ascension"),
}
"""How sentences name the holidays that the libraries know."""


@dataclass(frozen=True)
class SlotWarning:
    """One thing worth a second look, as a stable code and the facts its sentence needs (`day` in Paris, `name`)."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


def zone_of(department: str) -> Zone | None:
    """The zone of school holidays of a metropolitan department ("92" is in C).

    None for Corsica and overseas, whose rectors set calendars of their own, and for what is no department.
    """
    return _ZONE_OF.get(department)


def warnings_for(starts_at: datetime, ends_at: datetime, zone: Zone | None = "C") -> list[SlotWarning]:
    """What is unusual about the days and hours of a slot, the most telling first; each thing is said once.

    Instants are aware. `zone` is that of the school holidays, None where no calendar is known.
    """
    days = _days(starts_at, ends_at)
    found = [warning for day in days for warning in _of_day(day, starts_at, ends_at, zone)]
    first: dict[tuple[str, object], SlotWarning] = {}
    for warning in found:
        first.setdefault((warning.code, warning.facts.get("name")), warning)
    if any(_overlaps(starts_at, ends_at, day, NIGHT_FROM, day + timedelta(days=1), NIGHT_UNTIL) for day in _and_before(days)):
        first["night", None] = SlotWarning("night")
    order = list(WARNINGS)
    return sorted(first.values(), key=lambda warning: order.index(warning.code))


def _days(starts_at: datetime, ends_at: datetime) -> list[date]:
    """The days in Paris a slot touches; one that ends at midnight does not touch the next."""
    first = paris_day(starts_at)
    last = max(first, paris_day(ends_at - timedelta(microseconds=1)))
    return [first + timedelta(days=n) for n in range(min((last - first).days + 1, _MOST_DAYS))]


def _and_before(days: list[date]) -> list[date]:
    return [days[0] - timedelta(days=1), *days]


def _of_day(day: date, starts_at: datetime, ends_at: datetime, zone: Zone | None) -> Iterator[SlotWarning]:
    calendar = _school_calendar()
    if zone is None or not calendar.knows(day):
        yield SlotWarning("calendar_unknown", {"day": day})
    elif name := calendar.holiday(day, zone):
        yield SlotWarning("school_holidays", {"day": day, "name": name})
    if name := is_public_holiday(day):
        yield SlotWarning("public_holiday", {"day": day, "name": name})
    if day.weekday() >= 5:
        yield SlotWarning("weekend", {"day": day})
    if day.weekday() == 2 and _overlaps(starts_at, ends_at, day, _AFTERNOON, day, NIGHT_FROM):
        yield SlotWarning("wednesday_afternoon", {"day": day})
    if at_paris(day + timedelta(days=1), 0) - at_paris(day, 0) != timedelta(days=1):
        yield SlotWarning("clock_change", {"day": day})


def _overlaps(starts_at: datetime, ends_at: datetime, from_day: date, from_hour: int, to_day: date, to_hour: int) -> bool:
    return starts_at < at_paris(to_day, to_hour) and ends_at > at_paris(from_day, from_hour)


class _SchoolCalendar:
    """The library's table, with its bounds by the day: its own bounds are whole years, of which it knows a part."""

    def __init__(self) -> None:
        self._rows: Mapping[date, Mapping[str, object]] = SchoolHolidayDates().data
        self._first, self._last = min(self._rows), max(self._rows)

    def knows(self, day: date) -> bool:
        return bool(self._first <= day <= self._last)

    def holiday(self, day: date, zone: Zone) -> str | None:
        row = self._rows.get(day)
        return str(row["nom_vacances"]) if row and row[f"vacances_zone_{zone.lower()}"] else None


@lru_cache(maxsize=1)
def _school_calendar() -> _SchoolCalendar:
    return _SchoolCalendar()


def warning_sentence(warning: SlotWarning, locale: str) -> str:
    """A warning said to its reader."""
    return translate(locale, WARNINGS[warning.code]) % {key: _said(value, locale) for key, value in warning.facts.items()}


def _said(value: object, locale: str) -> str:
    if isinstance(value, date):
        return say_day(value, locale)  # it stands beside its slot, which says the year where it is not this one
    return translate(locale, NAMES.get(str(value), str(value)))
