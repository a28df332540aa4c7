"""Thank bookers the day after their visit, and ask how it was. Each once, whatever the clock does, as with reminders."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from booking import clock
from booking.actions.once import first_time
from booking.actions.queue_message import queue_copy, times_told
from booking.actions.remind_bookers import Reminder
from booking.db import db
from booking.errors import NotFound
from booking.models import Booking, Feedback, Kind, Slot, Status
from booking.queries import fetch, visits

AT_HOUR = 10
"""The hour in Paris, on the day after the visit's last."""
THANKED_WITHIN = timedelta(days=6)
"""How long after the end: the links of a booking close a day later."""
THANKED = frozenset({Status.CONFIRMED, Status.ATTENDED})
"""Who may have come: not everybody ticks off a list."""


def moment_of_thanks(day: date) -> datetime:
    """When bookers are thanked for a visit that ended on this day in Paris."""
    return clock.at_paris(day + timedelta(days=1), AT_HOUR)


def due_thanks(limit: int = 100) -> list[Reminder]:
    """The bookers to be thanked now, about whom nothing was done yet, the earliest visits first."""
    now = clock.now()
    found: list[Reminder] = []
    for day, slots in visits.slots_by_day(Slot.ends_at, now - THANKED_WITHIN, now).items():
        if moment_of_thanks(day) <= now and len(found) < limit:
            numbers = visits.untold(Kind.VISIT_THANKS, slots, day, THANKED, limit - len(found))
            found += [Reminder(Kind.VISIT_THANKS, number, day) for number in numbers]
    return found


def thank_booker(due: Reminder) -> bool:
    """Thank one booker, or note that it is passed over; says whether either was still to do.

    Both halves of a class that came on one day are thanked for in one mail. Who has said already how it was is not asked again.
    """
    now = clock.now()
    try:
        booking = visits.locked(due.booking_id)
    except NotFound:
        return False
    together = sorted(fetch.together(booking), key=lambda half: (half.slot.starts_at, half.id))
    halves = [half for half in together if _came_on(half, due.day)]
    if booking not in halves or moment_of_thanks(due.day) > now:
        return False
    told = (
        visits.sends(booking.slot.event.edition_id, due.kind)
        and can_be_thanked(booking.slot, now)
        and not any(db.session.get(Feedback, half.id) for half in halves)
    )
    keys = [visits.occasion_key(due.kind, half.id, due.day) for half in halves]
    news = [first_time(key, now, told=told) for key in keys]
    if told and all(news):
        queue_copy(halves[0], due.kind, now, times_told(halves[0], due.kind), occasions=keys)
    return any(news)


def can_be_thanked(slot: Slot, now: datetime) -> bool:
    """Whether there is still time to answer before the links of its bookings close."""
    return now < slot.ends_at + THANKED_WITHIN


def _came_on(booking: Booking, day: date) -> bool:
    slot = booking.slot
    stands = booking.status in THANKED and not (slot.cancelled_at or slot.event.cancelled_at)
    return stands and clock.paris_day(slot.ends_at) == day
