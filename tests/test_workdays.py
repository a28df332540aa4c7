"""Working days, deadlines and public holidays, decided on the wall clock in Paris."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from booking.clock import at_paris
from booking.workdays import is_public_holiday, is_working_day, working_days_between, working_deadline

MONDAY = date(2026, 11, 16)


def test_a_request_of_monday_is_due_on_friday_at_six_in_paris() -> None:
    deadline = working_deadline(at_paris(MONDAY, 9), 4)
    assert deadline == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    assert deadline.tzinfo is UTC


def test_weekends_and_public_holidays_do_not_count() -> None:
    assert working_deadline(at_paris(date(2026, 11, 6), 9), 4) == at_paris(date(2026, 11, 13), 18), "11 November is a Wednesday"
    assert working_deadline(at_paris(date(2026, 11, 7), 9), 1) == at_paris(date(2026, 11, 9), 18)
    assert working_deadline(at_paris(date(2026, 12, 24), 9), 1) == at_paris(date(2026, 12, 28), 18)


def test_the_day_is_that_of_paris() -> None:
    late = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)  # already Tuesday in Paris
    assert working_deadline(late, 1) == at_paris(date(2026, 11, 18), 18)


def test_a_deadline_keeps_its_hour_when_clocks_change() -> None:
    assert working_deadline(at_paris(date(2026, 10, 23), 9), 1) == datetime(2026, 10, 26, 17, 0, tzinfo=UTC)
    assert working_deadline(at_paris(date(2026, 10, 22), 9), 1) == datetime(2026, 10, 23, 16, 0, tzinfo=UTC)


def test_a_deadline_is_at_least_a_day_away() -> None:
    with pytest.raises(ValueError, match="at least one"):
        working_deadline(at_paris(MONDAY, 9), 0)


def test_days_are_counted_when_they_end() -> None:
    start = at_paris(MONDAY, 9)
    tuesday = at_paris(MONDAY + timedelta(days=1), 18)
    assert working_days_between(start, at_paris(MONDAY, 23)) == 0
    assert working_days_between(start, tuesday - timedelta(seconds=1)) == 0
    assert working_days_between(start, tuesday) == 1
    assert working_days_between(start, at_paris(MONDAY + timedelta(days=13), 23)) == 9
    assert working_days_between(tuesday, start) == 0


def test_the_count_reaches_n_at_the_nth_deadline() -> None:
    for hour in range(0, 24 * 400, 37):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        for days in (1, 4, 7):
            deadline = working_deadline(start, days)
            assert working_days_between(start, deadline) == days
            assert working_days_between(start, deadline - timedelta(seconds=1)) == days - 1


def test_public_holidays_have_their_names() -> None:
    assert is_public_holiday(date(2026, 11, 11)) == "11 novembre"
    assert is_public_holiday(date(2026, 4, 6)) == "Lundi de Pâques"
    assert is_public_holiday(date(2008, 5, 1)) == "1er mai", "and Ascension too, that year"
    assert is_public_holiday(date(2026, 4, 3)) is None, "Good Friday is one in Alsace-Moselle alone"
    assert is_public_holiday(date(1, 1, 1)) is None
    assert not is_working_day(date(2026, 11, 11))
    assert is_working_day(date(2026, 11, 12))
