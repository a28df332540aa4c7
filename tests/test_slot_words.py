"""A slot's words: what a form or a file may say about when it takes place and on which terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking.clock import at_paris
from booking.errors import Invalid
from booking.models import Slot
from booking.models.reason import read_reason
from booking.models.slot_words import read_meeting, read_slot, read_slots, read_terms, terms_of

ONE = {"day": "2026-11-24", "time": "14 h 30", "minutes": "90", "capacity": "31"}
SERIES = {
    "first": "2026-11-24",
    "times": "10 h, 14 h 30",
    "minutes": "90",
    "capacity": "12",
    "days": ["1", "3"],
    "last": "2026-12-03",
}


def problems_of(read: Any, raw: dict[str, object]) -> dict[str, str]:
    with pytest.raises(Invalid) as invalid:
        read(raw)
    return {name: problem.code for name, problem in invalid.value.fields.items()}


def test_a_slot_is_read_with_what_nobody_says() -> None:
    start = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    assert read_slot(ONE) == {
        "starts_at": start, "ends_at": start + timedelta(minutes=90), "capacity": 31, "arrive_minutes_before": 0, "meeting_point": "",
        "counts_adults": False, "min_party": 1, "max_party": None, "pupils_per_adult": None, "adults_required": False, "opens_at": None,
        "closes_at": start - timedelta(hours=2), "headcount_until": start - timedelta(hours=48), "cancel_until": start,
    }  # fmt: skip


def test_a_slot_is_read_with_everything_somebody_says() -> None:
    said = {
        "arrive_minutes_before": 15, "meeting_point": " Quai  n° 3 ", "counts_adults": "oui", "min_party": "10", "max_party": "40",
        "pupils_per_adult": "15", "opens_at": "2026-11-01T08:00", "closes_hours": "24", "headcount_hours": "72", "cancel_hours": "1",
    }  # fmt: skip
    slot = read_slot(ONE | said)
    start: Any = slot["starts_at"]
    assert (slot["opens_at"], slot["closes_at"]) == (datetime(2026, 11, 1, 7, tzinfo=UTC), start - timedelta(hours=24))
    assert (slot["headcount_until"], slot["cancel_until"]) == (start - timedelta(hours=72), start - timedelta(hours=1))
    assert (slot["counts_adults"], slot["min_party"], slot["max_party"], slot["pupils_per_adult"]) == (True, 10, 40, 15)
    assert (slot["arrive_minutes_before"], slot["meeting_point"]) == (15, "Quai  n° 3")
    at_a_moment = read_slot(ONE | said | {"closes_at": "2026-11-20T18:00", "opens_at": "", "opens_hours": "240"})
    assert at_a_moment["closes_at"] == datetime(2026, 11, 20, 17, tzinfo=UTC), "a moment goes before hours"
    assert at_a_moment["opens_at"] == start - timedelta(hours=240)


@pytest.mark.parametrize(
    ("said", "problems"),
    [
        (
            {"day": "", "time": "", "minutes": "", "capacity": ""},
            dict.fromkeys(("day", "time", "minutes", "capacity"), "required"),
        ),
        ({"day": "2026-02-30"}, {"day": "not_a_day"}),
        ({"day": "24/11/2026"}, {"day": "not_a_day"}),
        ({"time": "10 h, 11 h"}, {"time": "not_a_time"}),
        ({"time": "25 h"}, {"time": "not_a_time"}),
        ({"minutes": "0"}, {"minutes": "too_low"}),
        ({"capacity": "0"}, {"capacity": "too_low"}),
        ({"capacity": "10001"}, {"capacity": "too_high"}),
        ({"min_party": "30", "max_party": "20"}, {"max_party": "largest_below_smallest"}),
        ({"counts_adults": "peut-être"}, {"counts_adults": "not_yes_or_no"}),
        ({"closes_at": "2026-11-24T15:00"}, {"closes_at": "closes_after_start"}),
        ({"opens_at": "2026-11-24T12:31"}, {"opens_at": "opens_after_closing"}),
        ({"opens_hours": "2"}, {"opens_hours": "opens_after_closing"}),
        ({"opens_at": "demain"}, {"opens_at": "not_a_moment"}),
        ({"meeting_point": "a\u202eb"}, {"meeting_point": "forbidden_character"}),
        ({"pupils_per_adult": "x", "cancel_hours": "-1"}, {"pupils_per_adult": "not_a_number", "cancel_hours": "too_low"}),
    ],
)
def test_what_is_off_is_said_for_each_field(said: dict[str, object], problems: dict[str, str]) -> None:
    assert problems_of(read_slot, ONE | said) == problems


def test_tuesdays_and_thursdays_at_two_times_become_slots_of_their_own() -> None:
    slots = read_slots(SERIES)
    assert [slot["starts_at"] for slot in slots] == [
        at_paris(day, *time) for day in (datetime(2026, 11, d).date() for d in (24, 26)) for time in ((10, 0), (14, 30))
    ] + [at_paris(datetime(2026, 12, d).date(), *time) for d in (1, 3) for time in ((10, 0), (14, 30))]
    assert {slot["capacity"] for slot in slots} == {12}
    assert [slot["starts_at"] - slot["closes_at"] for slot in slots] == [timedelta(hours=2)] * 8  # type: ignore[operator]


def test_without_weekdays_there_is_one_day_with_all_its_times() -> None:
    slots = read_slots(SERIES | {"days": [], "last": ""})
    assert [slot["starts_at"] for slot in slots] == [
        datetime(2026, 11, 24, 9, tzinfo=UTC),
        datetime(2026, 11, 24, 13, 30, tzinfo=UTC),
    ]
    assert problems_of(read_slots, SERIES | {"days": []}) == {"days": "required"}
    assert problems_of(read_slots, SERIES | {"last": ""}) == {"last": "required"}
    assert problems_of(read_slots, SERIES | {"days": ["7"]}) == {"days": "not_a_choice"}
    assert problems_of(read_slots, SERIES | {"times": "tôt"}) == {"times": "not_a_time"}
    assert problems_of(read_slots, SERIES | {"last": "2027-12-31", "times": "10 h, 14 h"}) == {"last": "too_many_slots"}


def test_the_terms_of_a_slot_are_shown_as_they_are_read_back() -> None:
    said = {"closes_hours": "24", "min_party": "5", "max_party": "40", "counts_adults": "1", "headcount_hours": "72"}
    columns = read_slot(ONE | said)
    slot = Slot(**{name: value for name, value in columns.items() if name != "capacity"})
    again = read_terms(terms_of(slot)).columns(slot.starts_at, slot.ends_at)
    assert again == {name: value for name, value in columns.items() if name != "capacity"}
    slot.closes_at += timedelta(minutes=20)
    assert terms_of(slot)["closes_at"] == "2026-11-23T14:50"
    assert read_terms(terms_of(slot)).columns(slot.starts_at, slot.ends_at)["closes_at"] == slot.closes_at


def test_a_reason_is_one_line() -> None:
    assert read_reason({"why": " crue\r\nde la Seine "}, required=True) == "crue de la Seine"
    assert read_reason({"why": None}, required=False) == ""
    assert problems_of(lambda raw: read_reason(raw, required=True), {"why": " "}) == {"why": "required"}
    assert problems_of(lambda raw: read_reason(raw, required=False), {"why": "x" * 401}) == {"why": "too_long"}
    assert problems_of(read_meeting, {"arrive_minutes_before": "241"}) == {"arrive_minutes_before": "too_high"}
