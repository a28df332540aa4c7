"""Remind bookers of their visit: a week before it, and two days before. Each once, whatever the clock does.

A reminder is due at 9:00 in Paris, so many calendar days before the visit's own day. What was done about it is an `Occasion`,
written in the transaction that queues the mail: a clock that goes back finds it, and so does another worker. A worker that was
away for days catches up: with the later of the two reminders, and with neither where it comes too late to be of use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType

from booking import clock
from booking.actions.once import first_time
from booking.actions.queue_message import half_facts, queue_copy, times_told
from booking.db import db
from booking.errors import NotFound
from booking.models import Booking, Kind, Slot, Status
from booking.queries import fetch, visits

DAYS_BEFORE: Mapping[Kind, int] = MappingProxyType({Kind.VISIT_SOON: 2, Kind.VISIT_IN_A_WEEK: 7})
AT_HOUR = 9
"""The hour in Paris."""
USELESS_WITHIN = timedelta(hours=3)
"""So long before the time to arrive, people are under way, or have decided not to come."""
_SAY_EVERYTHING = (Kind.BOOKING_CONFIRMED, Kind.BOOKING_RESCHEDULED)
"""Who has got one of these since a reminder's moment has just read all that it says."""


@dataclass(frozen=True)
class Reminder:
    """One reminder that is due: of which kind, about which booking, for which day in Paris."""

    kind: Kind
    booking_id: int
    day: date


def moment_of(kind: Kind, day: date) -> datetime:
    """When bookers are reminded of a visit on this day in Paris."""
    return clock.at_paris(day - timedelta(days=DAYS_BEFORE[kind]), AT_HOUR)


def due_visits(limit: int = 100) -> list[Reminder]:
    """The reminders whose moment has come and about which nothing was done yet, the next visits first.

    The week's is left out once the two days' one is due.
    """
    now = clock.now()
    last = clock.at_paris(clock.paris_day(now) + timedelta(days=max(DAYS_BEFORE.values()) + 1), 0)
    found: list[Reminder] = []
    for day, slots in visits.slots_by_day(Slot.starts_at, now, last).items():
        kind = next((kind for kind in DAYS_BEFORE if moment_of(kind, day) <= now), None)
        if kind and len(found) < limit:
            booked_before = Booking.confirmed_at < moment_of(kind, day)
            numbers = visits.untold(kind, slots, day, {Status.CONFIRMED}, limit - len(found), booked_before)
            found += [Reminder(kind, number, day) for number in numbers]
    return found


def remind_booker(due: Reminder) -> bool:
    """Remind one booker, or note that it is passed over; says whether either was still to do.

    The two halves of a class that come on one day share one mail, which names both.
    """
    now = clock.now()
    try:
        booking = visits.locked(due.booking_id)
    except NotFound:
        return False
    together = sorted(fetch.together(booking), key=lambda half: (half.slot.starts_at, half.id))
    halves = [half for half in together if _comes_on(half, due.day)]
    if booking not in halves or moment_of(due.kind, due.day) > now:
        return False
    wanted = [half for half in halves if _wants(half, due, now)]
    news = [half for half in halves if _first_time(half, due, now, told=bool(wanted))]
    told = [half for half in wanted if half in news]
    if told:
        _queue(told[0], [half for half in halves if half is not told[0]], due, [_key(half, due) for half in told], now)
    return bool(news)


def comes_in_time(slot: Slot, now: datetime) -> bool:
    """Whether a reminder that is read now can still change anything."""
    return now < slot.arrive_at - USELESS_WITHIN


def _comes_on(booking: Booking, day: date) -> bool:
    slot = booking.slot
    stands = booking.status is Status.CONFIRMED and not (slot.cancelled_at or slot.event.cancelled_at)
    return stands and clock.paris_day(slot.starts_at) == day


def _wants(booking: Booking, due: Reminder, now: datetime) -> bool:
    """Whether a mail would tell its booker anything, in time, and the authority lets it go out."""
    moment = moment_of(due.kind, due.day)
    knows = booking.confirmed_at is None or booking.confirmed_at >= moment
    return (
        visits.sends(booking.slot.event.edition_id, due.kind)
        and comes_in_time(booking.slot, now)
        and not knows
        and not visits.told_since(booking.id, _SAY_EVERYTHING, moment)
    )


def _first_time(booking: Booking, due: Reminder, now: datetime, *, told: bool) -> bool:
    """Note what is done about a booking; an earlier reminder that was missed is passed over with it."""
    if due.kind is Kind.VISIT_SOON:
        first_time(visits.occasion_key(Kind.VISIT_IN_A_WEEK, booking.id, due.day), now, told=False)
    return first_time(_key(booking, due), now, told=told)


def _key(booking: Booking, due: Reminder) -> str:
    return visits.occasion_key(due.kind, booking.id, due.day)


def _queue(booking: Booking, others: Sequence[Booking], due: Reminder, keys: list[str], now: datetime) -> None:
    facts: dict[str, object] = {"queue": visits.how_many_wait([one.slot_id for one in (booking, *others)]), "occasions": keys}
    if others:
        facts["other_half"] = half_facts(others[0])
    queue_copy(booking, due.kind, now, times_told(booking, due.kind), **facts)
    db.session.flush()
