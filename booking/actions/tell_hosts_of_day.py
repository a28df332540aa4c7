"""The day before: one letter to each contact of a host about everybody who comes tomorrow. Once, whatever the clock does."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from booking import clock
from booking.actions.once import first_time
from booking.actions.queue_message import HOST_LOCALE, queue_letter
from booking.models import Kind, Slot
from booking.queries.host_slots import expected_on, hosts_of_day, numbers_of, passed, slots_of_day

TOLD_AT = 16
"""The hour in Paris, on the day before."""


class HostDay(NamedTuple):
    """One host's day with visitors, in Paris."""

    organisation_id: int
    day: date

    @property
    def key(self) -> str:
        """Under this name it is kept that its hosts were told."""
        return f"host_day:{self.organisation_id}:{self.day.isoformat()}"

    @property
    def told_at(self) -> datetime:
        """When its letter is due."""
        return clock.at_paris(self.day - timedelta(days=1), TOLD_AT)


def due_host_days() -> list[HostDay]:
    """The days hosts are to hear of now: tomorrow from 16:00, and today where nobody came to it in time.

    A letter comes late rather than not at all, and never once the first visit has begun. Who was booked after the letter's hour
    is told of by the slot's own mail, and makes no letter due.
    """
    now = clock.now()
    today = clock.paris_day(now)
    due = []
    for day in (today, today + timedelta(days=1)):
        if now >= HostDay(0, day).told_at:
            due += [HostDay(row.host_id, day) for row in hosts_of_day(day) if _is_owed(row.begins, row.booked, day, now)]
    done = passed([one.key for one in due])
    return [one for one in due if one.key not in done]


def tell_hosts_of_day(told: HostDay) -> bool:
    """Queue the letters of one host's day, one to each address with the slots it reads about; says whether there were any.

    That they were queued is kept with them (`first_time`).
    """
    now = clock.now()
    slots = slots_of_day(told.organisation_id, told.day)
    if not slots or slots[0].starts_at <= now or not first_time(told.key, now):
        return False
    said = {slot.id: _said(slot) for slot in slots}
    addresses = dict.fromkeys(address for slot in slots for address in slot.event.notice_addresses)
    for address in addresses:
        theirs = [said[slot.id] for slot in slots if address in slot.event.notice_addresses]
        organisation = slots[0].event.host.name
        queue_letter(address, HOST_LOCALE, Kind.HOST_DAY, now, organisation=organisation, day=told.day.isoformat(), slots=theirs)
    return bool(addresses)


def _is_owed(begins: datetime, booked: datetime | None, day: date, now: datetime) -> bool:
    return now < begins and booked is not None and booked <= HostDay(0, day).told_at


def _said(slot: Slot) -> dict[str, Any]:
    """One slot of the letter: when, where, how many, and what they need, by kind and number."""
    expected = expected_on(slot.id)
    needs: Counter[str] = Counter()
    for row in expected:
        needs.update(row.needs)
    return {
        "id": slot.id,
        "title": slot.event.title,
        "starts_at": slot.starts_at.isoformat(),
        "ends_at": slot.ends_at.isoformat(),
        "arrive_at": slot.arrive_at.isoformat(),
        "meeting_point": slot.meets_at,
        "place": slot.event.place_name,
        "bookings": len(expected),
        "needs": dict(needs),
        **numbers_of(expected),
    }
