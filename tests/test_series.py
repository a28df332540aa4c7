"""Series of slots, and times of day as people write them."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from booking.clock import at_paris, in_paris
from booking.errors import Invalid
from booking.series import MOST_SLOTS, read_series, read_times

TUESDAY, THURSDAY = 1, 3


def problems(**wrong: object) -> dict[str, str]:
    given = {"days": [1], "times": [(10, 0)], "minutes": 90, "first": date(2026, 11, 23), "last": date(2026, 11, 29)} | wrong
    with pytest.raises(Invalid) as refused:
        read_series(**given)  # type: ignore[arg-type]
    return {name: problem.code for name, problem in refused.value.fields.items()}


def test_tuesday_and_thursday_at_ten_and_two_for_ninety_minutes() -> None:
    found = read_series([THURSDAY, TUESDAY], [(14, 0), (10, 0), (10, 0)], 90, date(2026, 11, 24), date(2026, 11, 26))
    assert found == [
        (at_paris(date(2026, 11, day), hour), at_paris(date(2026, 11, day), hour + 1, 30))
        for day in (24, 26)
        for hour in (10, 14)
    ]
    assert all(start.tzinfo is UTC for start, _ in found)


def test_the_hour_on_the_wall_is_kept_when_clocks_change() -> None:
    found = read_series([TUESDAY], [(10, 0)], 60, date(2026, 10, 20), date(2026, 10, 27))
    assert [start for start, _ in found] == [datetime(2026, 10, 20, 8, tzinfo=UTC), datetime(2026, 10, 27, 9, tzinfo=UTC)]


def test_a_time_the_spring_night_skips_is_moved_on_and_never_doubled() -> None:
    found = read_series([6], [(2, 30), (3, 30)], 60, date(2026, 3, 29), date(2026, 3, 29))
    assert [in_paris(start).hour for start, _ in found] == [3]


def test_of_a_time_the_autumn_night_repeats_the_first_is_meant() -> None:
    ((start, end),) = read_series([6], [(2, 30)], 90, date(2026, 10, 25), date(2026, 10, 25))
    assert start == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert end - start == timedelta(minutes=90)


def test_two_hundred_slots_are_taken_and_one_more_is_refused() -> None:
    first = date(2026, 1, 1)
    assert len(read_series(range(7), [(10, 0)], 60, first, first + timedelta(days=MOST_SLOTS - 1))) == MOST_SLOTS
    assert problems(days=range(7), first=first, last=first + timedelta(days=MOST_SLOTS)) == {"last": "too_many_slots"}


def test_a_huge_series_is_refused_at_once() -> None:
    begun = time.perf_counter()
    times = [(hour, minute) for hour in range(24) for minute in range(60)]
    assert problems(days=range(7), times=times, first=date(2000, 1, 1), last=date(2100, 12, 31)) == {"last": "too_many_slots"}
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"days": []}, {"days": "required"}),
        ({"days": [7]}, {"days": "not_a_choice"}),
        ({"days": [5]}, {}),
        ({"days": [6], "last": date(2026, 11, 28)}, {"days": "series_empty"}),
        ({"times": []}, {"times": "required"}),
        ({"times": [(24, 0)]}, {"times": "not_a_time"}),
        ({"minutes": 0}, {"minutes": "too_low"}),
        ({"minutes": 1441}, {"minutes": "too_high"}),
        ({"last": date(2026, 11, 22)}, {"last": "last_before_first"}),
        ({"first": date(1, 1, 1)}, {"first": "not_a_day"}),
        ({"last": date(9999, 12, 31)}, {"last": "not_a_day"}),
        ({"days": [], "minutes": -1}, {"days": "required", "minutes": "too_low"}),
    ],
)
def test_every_field_that_is_off_is_named(wrong: dict[str, object], expected: dict[str, str]) -> None:
    if expected:
        assert problems(**wrong) == expected
    else:
        read_series([5], [(10, 0)], 90, date(2026, 11, 23), date(2026, 11, 29))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("10 h, 14h30, 9:00", [(9, 0), (10, 0), (14, 30)]),
        ("10h et 14 h", [(10, 0), (14, 0)]),
        ("10 h 30", [(10, 30)]),
        ("10h 14h30", [(10, 0), (14, 30)]),
        ("9:00 10:15", [(9, 0), (10, 15)]),
        ("10, 14", [(10, 0), (14, 0)]),
        ("10 heures\n14 heures 30\n", [(10, 0), (14, 30)]),
        ("10:00; 10h00 / 10", [(10, 0)]),
        ("10 H, 14 H 05", [(10, 0), (14, 5)]),
        ("2:30 pm and 9 am", [(9, 0), (14, 30)]),
        ("10 am, 12 p.m. & 12am", [(0, 0), (10, 0), (12, 0)]),
        ("10h, et 14h,", [(10, 0), (14, 0)]),
        ("0h, 23h59", [(0, 0), (23, 59)]),
        ("10\u00a0h\u00a030", [(10, 30)]),
    ],
)
def test_times_are_read_as_people_write_them(written: str, expected: list[tuple[int, int]]) -> None:
    assert read_times(written) == expected


@pytest.mark.parametrize(
    "written",
    ["dix heures", "25h", "24:00", "10h60", "10 14", "10:", "10-12", "10h-12h", ", 10h", "10,,14", "13 pm", "0 am", "1000", "10hx",
     "10:5", "10.30", "١٠h", "10h\x00", "10 h, " * 200],
)  # fmt: skip
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_times(written)
    assert refused.value.fields["times"].code == "not_a_time"


def test_no_time_at_all_is_required() -> None:
    with pytest.raises(Invalid) as refused:
        read_times("  \n")
    assert refused.value.fields["times"].code == "required"
