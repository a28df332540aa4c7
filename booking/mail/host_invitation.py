"""A slot in its host's calendar: one entry for as long as there is a slot, in mails, in the download and in the feed.

How many come stands in the SUMMARY, and nobody's name anywhere: calendars are shared. Who is told is asked nothing, so the
ATTENDEE has accepted and no answer is wanted (RFC 5545, 3.2.12 and 3.2.17).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from icalendar import Event, vCalAddress, vText

from booking.actions.queue_message import slot_facts
from booking.config import Settings
from booking.i18n import _, translate_plural
from booking.mail import words
from booking.mail.calendar_text import Text
from booking.mail.facts import Facts, read_facts
from booking.mail.invitation import add_place, add_times, new_calendar, organizer
from booking.models import Slot
from booking.queries.door import Expected


@dataclass(frozen=True)
class HostSlot:
    """A slot as its host's calendar shows it: who is expected, in numbers, and when any of that last changed (UTC)."""

    expected: Expected
    changed_at: datetime

    @property
    def slot(self) -> Slot:
        return self.expected.slot


def host_invitation(facts: Facts, recipient: str, locale: str, settings: Settings) -> bytes:
    """The object one mail to a host carries, with the METHOD its facts name: REQUEST, or CANCEL for a cancelled slot.

    The same facts give the same bytes. Raises `KeyError` where they carry no entry.
    """
    carried = facts.more["entry"]
    calendar = new_calendar()
    calendar.add("method", carried["method"])
    event = _event(facts, carried, carried, locale, settings, cancelled=carried["method"] == "CANCEL")
    event.add("organizer", organizer(settings), encode=False)
    event.add("attendee", _attendee(recipient), encode=False)
    event.add("x-microsoft-disallow-counter", "TRUE")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def host_calendar(slots: Iterable[HostSlot], settings: Settings, locale: str) -> bytes:
    """The slots of one organisation for its own calendar.

    There is no METHOD: imported again, each entry is refreshed by its UID, which is that of the mails where there were any, and
    never the public one (RFC 5545, 3.7.2). The same data give the same bytes; DTSTAMP is when they last changed.
    """
    calendar = new_calendar()
    for one in slots:
        calendar.add_component(host_entry(one, settings, locale))
    return bytes(calendar.to_ical())


def host_entry(one: HostSlot, settings: Settings, locale: str) -> Event:
    """One slot as its host sees it: the headcount in the SUMMARY, and the day's list one click away."""
    slot, mailed, changed_at = one.slot, one.expected.entry, one.changed_at.replace(microsecond=0)
    uid, sequence, stamp = f"host-slot-{slot.id}@{urlsplit(settings.base_url).hostname}", 0, changed_at
    if mailed and mailed.stamp:
        uid, sequence, stamp = mailed.uid, mailed.sequence, max(changed_at, mailed.stamp)
    identity = {"uid": uid, "sequence": sequence, "dtstamp": stamp.isoformat()}
    numbers = {name: getattr(one.expected, name) for name in ("bookings", "pupils", "adults", "persons")}
    facts = read_facts({"booking": {}, "calendar": None} | slot_facts(slot))
    cancelled = bool(slot.cancelled_at or slot.event.cancelled_at)
    event = _event(facts, identity, numbers, locale, settings, _taken_lines(one, locale), cancelled=cancelled)
    event.add("last-modified", stamp)
    return event


def _event(
    facts: Facts,
    identity: Mapping[str, Any],
    numbers: Mapping[str, int],
    locale: str,
    settings: Settings,
    more: Sequence[str] = (),
    *,
    cancelled: bool,
) -> Event:
    event = Event()
    event.add("uid", identity["uid"])
    event.add("sequence", identity["sequence"])
    event.add("dtstamp", datetime.fromisoformat(identity["dtstamp"]))
    add_times(event, facts.starts_at, facts.ends_at)
    people = words.count_expected(numbers, locale)
    event.add("summary", Text(words.say(locale, _("%(people)s : %(title)s"), people=people, title=facts.title)))
    add_place(event, words.place_lines(facts), facts.event["latitude"], facts.event["longitude"])
    sheet = day_sheet(facts.slot["id"], settings)
    lines = [booked(numbers["bookings"], locale), *more, words.meeting(facts, locale), sheet]
    event.add("description", Text("\n".join(line for line in lines if line)))
    event.add("url", sheet)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    return event


def day_sheet(slot_id: int, settings: Settings) -> str:
    """Where the list of one slot is read, by who may sign in for its host: nothing secret."""
    return f"{settings.base_url}/workspace/slots/{slot_id}/day-sheet"


def booked(bookings: int, locale: str) -> str:
    """« 2 réservations confirmées »."""
    said = translate_plural(locale, "%(num)s réservation confirmée", "%(num)s réservations confirmées", bookings)
    return said % {"num": bookings}


def _taken_lines(one: HostSlot, locale: str) -> list[str]:
    """What no mail says, since it would have to say it again with every request: who has not confirmed yet, and places."""
    waiting, slot = one.expected.held, one.slot
    held = translate_plural(locale, "%(num)s pas encore confirmée", "%(num)s pas encore confirmées", waiting)
    taken = translate_plural(locale, "%(num)s place prise sur %(all)s", "%(num)s places prises sur %(all)s", slot.taken)
    return [*([held % {"num": waiting}] if waiting else []), taken % {"num": slot.taken, "all": slot.capacity}]


def _attendee(address: str) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{address}")
    for name, value in (
        ("CUTYPE", "INDIVIDUAL"),
        ("ROLE", "REQ-PARTICIPANT"),
        ("PARTSTAT", "ACCEPTED"),
        ("RSVP", "FALSE"),
    ):
        attendee.params[name] = vText(value)
    return attendee
