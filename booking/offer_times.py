"""Until when places offered to somebody on a waiting list may be accepted.

Instants are UTC. Windows are lengths of real time; whether it is day is read off the wall clock in Paris.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from booking.clock import at_paris, paris_day

OFFER_FOR = timedelta(hours=24)
"""How long an offer stands while the visit is far away."""

LEAST = timedelta(hours=1)
"""What an offer holds at the very least, and how much of it has to be daytime."""

DAY_BEGINS = time(8)
"""From when on the wall clock in Paris people may be expected to read what they get."""

DAY_ENDS = time(20)
"""Until when they may."""

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def offer_deadline(now: datetime, last_moment: datetime) -> datetime | None:
    """Until when (UTC) places offered at `now` may be accepted; None where no fair offer can be made any more.

    An offer stands for `OFFER_FOR`, or for half of the time to `last_moment` where that is shorter (the caller says when
    an answer comes too late to be of use), but never under `LEAST`. It lasts until it has held `LEAST` of daytime, in one
    piece or two: offered at 22:00, not before 09:00. It ends on a full minute (rounded up), or at `last_moment`.
    """
    earliest = _daytime_held(now)
    if earliest > last_moment:
        return None
    fair = now + min(OFFER_FOR, (last_moment - now) // 2)
    # An hour of daytime takes an hour at least, so that `earliest` also keeps the shortest window.
    return min(_full_minute(max(fair, earliest)), last_moment)


def last_call(last_moment: datetime) -> datetime:
    """The latest `now` (UTC) at which `offer_deadline(now, last_moment)` is not None: none can be made ever after.

    It is where `LEAST` of daytime is left until `last_moment`, counted backwards.
    """
    day, missing = paris_day(last_moment), LEAST
    while True:
        begins, ends = _daytime_of(day)
        ends = min(ends, last_moment)
        if ends - begins >= missing:
            return ends - missing
        missing -= max(ends - begins, timedelta(0))
        day -= _DAY


def _daytime_held(start: datetime) -> datetime:
    """The first instant at which `LEAST` of daytime has gone by since `start`."""
    day, missing = paris_day(start), LEAST
    while True:
        begins, ends = _daytime_of(day)
        begins = max(begins, start)
        if ends - begins >= missing:
            return begins + missing
        missing -= max(ends - begins, timedelta(0))
        day += _DAY


def _daytime_of(day: date) -> tuple[datetime, datetime]:
    return at_paris(day, DAY_BEGINS.hour, DAY_BEGINS.minute), at_paris(day, DAY_ENDS.hour, DAY_ENDS.minute)


def _full_minute(instant: datetime) -> datetime:
    # Offsets of time zones are whole minutes, so that a full minute in UTC is one in Paris too.
    whole = instant.replace(second=0, microsecond=0)
    return whole if whole == instant else whole + _MINUTE
