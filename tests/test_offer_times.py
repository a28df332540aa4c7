"""How long an offer to the waiting list stands, on the wall clock in Paris."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.clock import at_paris, in_paris
from booking.offer_times import last_call, offer_deadline

MONDAY = date(2026, 11, 16)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # 23 and 25 hours long
MINUTE, MICROSECOND = timedelta(minutes=1), timedelta(microseconds=1)


def on(days: int, hour: int, minute: int = 0) -> datetime:
    """A wall-clock time in Paris, some days after a Monday."""
    return at_paris(MONDAY + timedelta(days=days), hour, minute)


@pytest.mark.parametrize(
    ("now", "last_moment", "deadline"),
    [
        (on(0, 10), on(9, 10), on(1, 10)),
        (on(0, 23), on(9, 10), on(1, 23)),
        (on(0, 10), on(2, 10), on(1, 10)),
    ],
)
def test_an_offer_stands_for_a_day(now: datetime, last_moment: datetime, deadline: datetime) -> None:
    assert offer_deadline(now, last_moment) == deadline


def test_as_the_visit_nears_it_stands_for_half_of_the_time_left() -> None:
    assert offer_deadline(on(0, 10), on(1, 10)) == on(0, 22)
    assert offer_deadline(on(0, 10), on(0, 14)) == on(0, 12)


def test_it_stands_for_an_hour_at_least() -> None:
    assert offer_deadline(on(0, 10), on(0, 11, 30)) == on(0, 11)
    assert offer_deadline(on(0, 10), on(0, 11)) == on(0, 11)
    assert offer_deadline(on(0, 10), on(0, 10, 59)) is None


def test_an_offer_of_the_night_can_be_accepted_in_the_morning() -> None:
    assert offer_deadline(on(0, 22), on(1, 14)) == on(1, 9)
    assert offer_deadline(on(1, 3), on(1, 9)) == on(1, 9)
    assert offer_deadline(on(1, 3), on(1, 8, 59)) is None, "under an hour of daytime, though six hours are left"


def test_the_hour_of_daytime_may_come_in_two_pieces() -> None:
    assert offer_deadline(on(0, 19, 40), on(1, 9)) == on(1, 8, 40)


def test_an_offer_made_too_late_is_none() -> None:
    assert offer_deadline(on(0, 12), on(0, 12)) is None
    assert offer_deadline(on(3, 12), on(0, 12)) is None


def test_a_deadline_is_rounded_up_to_the_minute_but_never_past_the_last_moment() -> None:
    odd = timedelta(seconds=20, microseconds=1)
    assert offer_deadline(on(0, 10) + odd, on(9, 10)) == on(1, 10, 1)
    assert offer_deadline(on(0, 10) + odd, on(0, 11) + odd) == on(0, 11) + odd


def test_a_day_is_24_hours_on_the_nights_of_the_clock_change() -> None:
    for day, hour in ((SPRING, 11), (AUTUMN, 9)):
        before = at_paris(day - timedelta(days=1), 10)
        assert offer_deadline(before, before + timedelta(days=9)) == at_paris(day, hour)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_morning_comes_at_its_hour_on_the_nights_of_the_clock_change(day: date) -> None:
    night, noon = at_paris(day - timedelta(days=1), 22), at_paris(day, 12)
    assert offer_deadline(night, noon) == at_paris(day, 9)
    assert last_call(at_paris(day, 8, 30)) == at_paris(day - timedelta(days=1), 19, 30)


def test_a_deadline_and_a_last_call_are_in_utc() -> None:
    deadline = offer_deadline(on(0, 10), on(9, 10))
    assert deadline is not None
    assert deadline.tzinfo is UTC
    assert last_call(on(0, 9)).tzinfo is UTC


instants = st.builds(
    lambda day, passed: at_paris(day - timedelta(days=2), 12) + passed,
    st.sampled_from([MONDAY, SPRING, AUTUMN]),
    st.timedeltas(timedelta(0), timedelta(days=4)),
)
waits = st.timedeltas(timedelta(hours=-2), timedelta(days=3))


def daytime_minutes(start: datetime, end: datetime) -> int:
    """How many of the minutes from `start` to `end` begin between 08:00 and 20:00 in Paris, counted one by one."""
    count = 0
    while start < end:
        count += time(8) <= in_paris(start).time() < time(20)
        start += MINUTE
    return count


@settings(max_examples=300, deadline=None)
@given(last_moment=instants, wait=waits)
@example(last_moment=at_paris(SPRING, 8), wait=timedelta(hours=12))
@example(last_moment=at_paris(AUTUMN, 8), wait=timedelta(hours=14))
def test_there_is_no_offer_exactly_after_the_last_call(last_moment: datetime, wait: timedelta) -> None:
    now, latest = last_moment - wait, last_call(last_moment)
    assert (offer_deadline(now, last_moment) is None) == (now > latest)
    assert offer_deadline(latest, last_moment) is not None
    assert offer_deadline(latest + MICROSECOND, last_moment) is None


@settings(max_examples=100, deadline=None)
@given(start=instants, minutes=st.integers(-60, 72 * 60))
def test_an_offer_is_the_shortest_that_is_fair(start: datetime, minutes: int) -> None:
    now = start.replace(second=0, microsecond=0)
    last_moment = now + minutes * MINUTE
    deadline = offer_deadline(now, last_moment)
    if deadline is None:
        assert daytime_minutes(now, last_moment) < 60
        return
    wanted = min(timedelta(hours=24), (last_moment - now) / 2)
    assert now + max(wanted, timedelta(hours=1)) <= deadline <= last_moment
    assert daytime_minutes(now, deadline) >= 60
    longer_than_wanted = deadline - MINUTE >= now + wanted
    assert not longer_than_wanted or daytime_minutes(now, deadline) == 60 > daytime_minutes(now, deadline - MINUTE)
