"""What a host is told about the days of a slot."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from jours_feries_france import JoursFeries
from vacances_scolaires_france import SchoolHolidayDates

from booking.clock import at_paris
from booking.i18n import LOCALES
from booking.school_days import NAMES, WARNINGS, SlotWarning, Zone, warning_sentence, warnings_for, zone_of

METROPOLE = {f"{n:02}" for n in range(1, 96)} - {"20"}


def codes(day: date, start: int, end: int, zone: Zone | None = "C") -> list[str]:
    return [warning.code for warning in warnings_for(at_paris(day, start), at_paris(day, end), zone)]


def test_an_ordinary_tuesday_raises_no_warning() -> None:
    assert codes(date(2026, 11, 24), 7, 20) == []


@pytest.mark.parametrize(
    ("day", "start", "end", "expected"),
    [
        (date(2026, 10, 22), 10, 12, ["school_holidays"]),
        (date(2026, 11, 11), 10, 12, ["public_holiday"]),
        (date(2026, 11, 28), 10, 12, ["weekend"]),
        (date(2026, 11, 25), 10, 12, []),
        (date(2026, 11, 25), 11, 13, ["wednesday_afternoon"]),
        (date(2026, 11, 25), 20, 21, ["night"]),
        (date(2026, 11, 24), 6, 8, ["night"]),
        (date(2026, 11, 24), 19, 21, ["night"]),
        (date(2026, 3, 29), 10, 12, ["weekend", "clock_change"]),
        (date(2026, 10, 25), 10, 12, ["school_holidays", "weekend", "clock_change"]),
        (date(2027, 5, 6), 10, 12, ["school_holidays", "public_holiday"]),
        (date(2026, 11, 1), 10, 12, ["school_holidays", "public_holiday", "weekend"]),
    ],
)
def test_what_is_unusual_is_said(day: date, start: int, end: int, expected: list[str]) -> None:
    assert codes(day, start, end) == expected


def test_holidays_are_those_of_the_zone() -> None:
    monday = date(2027, 2, 8)
    assert codes(monday, 10, 12, "C") == ["school_holidays"]
    assert {zone: bool(codes(monday, 10, 12, zone)) for zone in ("A", "B", "C")} != {"A": True, "B": True, "C": True}


def test_a_slot_through_the_night_is_warned_of_each_thing_once() -> None:
    found = warnings_for(at_paris(date(2026, 11, 27), 10), at_paris(date(2026, 11, 30), 10))
    assert found == [SlotWarning("weekend", {"day": date(2026, 11, 28)}), SlotWarning("night")]
    midnight = warnings_for(at_paris(date(2026, 11, 27), 19), at_paris(date(2026, 11, 28), 0))
    assert [warning.code for warning in midnight] == ["night"], "Saturday is not touched"


@pytest.mark.parametrize("day", [date(2028, 9, 1), date(2099, 6, 2), date(1985, 6, 4)])
def test_a_day_beyond_the_calendar_is_unknown_rather_than_free(day: date) -> None:
    assert codes(day, 10, 12) == ["calendar_unknown"]


def test_a_place_without_a_zone_has_no_known_calendar() -> None:
    assert codes(date(2026, 10, 22), 10, 12, None) == ["calendar_unknown"]


def test_an_endless_slot_costs_no_endless_work() -> None:
    assert warnings_for(at_paris(date(2026, 11, 24), 10), datetime(9999, 12, 30, tzinfo=UTC))


def test_every_metropolitan_department_has_its_zone() -> None:
    assert {department for department in METROPOLE if zone_of(department) is None} == set()
    assert [zone_of(found) for found in ("92", "75", "69", "33", "59", "13", "31", "67")] == [
        "C",
        "C",
        "A",
        "A",
        "B",
        "B",
        "C",
        "B",
    ]
    assert [zone_of(found) for found in ("2A", "2B", "971", "", "99")] == [None] * 5


def test_every_holiday_the_libraries_know_has_its_name() -> None:
    calendar = SchoolHolidayDates()
    known = {row["nom_vacances"] for row in calendar.data.values()} | set(JoursFeries.for_year(2026))
    assert known == set(NAMES)


def test_every_warning_has_a_sentence_in_each_language() -> None:
    holiday = SlotWarning("public_holiday", {"day": date(2026, 11, 11), "name": "11 novembre"})
    assert warning_sentence(holiday, "fr") == "Le mercredi 11 novembre est férié (armistice de 1918)."
    assert warning_sentence(holiday, "en") == "Wednesday 11 November is a public holiday (Armistice Day)."
    for code in WARNINGS:
        for locale in LOCALES:
            assert "%" not in warning_sentence(SlotWarning(code, {"day": date(2026, 11, 11), "name": "Vacances d'hiver"}), locale)


def test_the_sentences_name_the_facts_they_are_given() -> None:
    start = at_paris(date(2026, 10, 25), 1)
    said = [warning_sentence(warning, "fr") for warning in warnings_for(start, start + timedelta(hours=4))]
    assert said[0].startswith("Le dimanche 25 octobre tombe pendant les vacances scolaires (vacances de la Toussaint)")
    assert len(said) == 4
