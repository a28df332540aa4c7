"""Feeds: calendars somebody subscribes to, and a single slot as a file. RFC 5545 and 5546 (PUBLISH), RFC 7986 for their names.

Unchanged data give the same bytes: every stamp comes from the data, and entries stand in the order they were read in.

Their UIDs are their own, and never those of the invitations in our mails. An invited entry and a feed's entry of one UID are two
copies of one thing to a calendar: some then hide the one behind the other, and a client that finds the UID in a calendar it only
reads lets nobody answer there. The UID of an invitation is also a part of what makes an answer genuine, and a feed is shared
more easily than a mailbox. The price: who accepts an invitation and subscribes sees the visit in both calendars.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from icalendar import Calendar, Event

from booking.actions.queue_message import facts_of
from booking.config import Settings
from booking.i18n import _, translate
from booking.mail import words
from booking.mail.calendar_text import Text
from booking.mail.facts import one_line, read_facts
from booking.mail.host_invitation import HostSlot, host_entry
from booking.mail.invitation import add_place, add_times, description, new_calendar, organizer
from booking.models import Booking, Kind, Slot, Status
from booking.queries.feeds import PublicSlot

_EVERY_HOUR = timedelta(hours=1)
_END = b"END:VCALENDAR\r\n"
_LASTS = frozenset({Status.CONFIRMED, Status.ATTENDED, Status.NO_SHOW})


def slot_calendar(slot: Slot, settings: Settings, locale: str) -> bytes:
    """A slot for anybody's calendar, as a file: METHOD:PUBLISH, nobody's name, and the same bytes until the event changes."""
    calendar = new_calendar()
    calendar.add("method", "PUBLISH")
    return _with_entries(calendar, [_public_entry(PublicSlot.of(slot), settings, locale)])


def public_feed(slots: Iterable[PublicSlot], name: str, source: str, settings: Settings, locale: str) -> bytes:
    """Published slots for anybody: no places, no booking, nobody's name. `source` is the feed's own address."""
    calendar = _feed(name)
    calendar.add("source", source, parameters={"VALUE": "URI"})
    return _with_entries(calendar, [_public_entry(slot, settings, locale) for slot in slots])


def booker_feed(bookings: Iterable[Booking], settings: Settings, locale: str) -> bytes:
    """All bookings of one address. Its own address is a secret and stands nowhere in it: calendars are shared."""
    calendar = _feed(translate(locale, _("Mes visites")))
    for booking in bookings:
        calendar.add_component(_booking_entry(booking, settings, locale))
    return bytes(calendar.to_ical())


def organisation_feed(slots: Iterable[HostSlot], name: str, settings: Settings, locale: str) -> bytes:
    """The slots of one organisation for its own members: how many come, and nobody's name. Its address is a secret, too."""
    calendar = _feed(name)
    for one in slots:
        entry = host_entry(one, settings, locale)
        entry["uid"] = Text(f"host-feed-{one.slot.id}@{_domain(settings)}")
        if "organizer" not in entry:
            entry.add("organizer", organizer(settings), encode=False)
        calendar.add_component(entry)
    return bytes(calendar.to_ical())


def _feed(name: str) -> Calendar:
    """The frame of a feed. Clients that know one of two names for a thing ignore the other."""
    calendar, title = new_calendar(), Text(one_line(name))
    calendar.add("method", "PUBLISH")
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", _EVERY_HOUR, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    return calendar


def _with_entries(calendar: Calendar, entries: Iterable[bytes]) -> bytes:
    return bytes(calendar.to_ical()).removesuffix(_END) + b"".join(entries) + _END


@lru_cache(maxsize=4096)
def _public_entry(slot: PublicSlot, settings: Settings, locale: str) -> bytes:
    """One entry as it is written. What it is made of is its key: an entry nobody changed is written once."""
    entry = Event()
    entry.add("uid", f"slot-{slot.id}@{_domain(settings)}")
    entry.add("sequence", slot.version + slot.event_version - 2)
    _add_stamps(entry, slot.updated_at)
    add_times(entry, slot.starts_at, slot.ends_at)
    entry.add("organizer", organizer(settings), encode=False)
    entry.add("summary", Text(one_line(slot.title)))
    address = [slot.place_name, slot.address, f"{slot.postcode} {slot.commune}"]
    add_place(entry, [line for line in map(one_line, address) if line], slot.latitude, slot.longitude)
    page = f"{settings.base_url}/events/{slot.event_id}"
    point = one_line(slot.own_meeting_point or slot.meeting_point)
    said = [one_line(slot.summary), words.say(locale, _("Rendez-vous : %(point)s"), point=point) if point else "", page]
    entry.add("description", Text("\n".join(line for line in said if line)))
    entry.add("url", page)
    entry.add("status", "CANCELLED" if slot.cancelled_at or slot.event_cancelled_at else "CONFIRMED")
    entry.add("transp", "TRANSPARENT")  # a programme makes nobody busy
    return bytes(entry.to_ical())


def _booking_entry(booking: Booking, settings: Settings, locale: str) -> Event:
    facts = read_facts(facts_of(booking, Kind.BOOKING_CONFIRMED))
    lasts = booking.status in _LASTS
    entry = Event()
    entry.add("uid", f"booking-{booking.reference}@{_domain(settings)}")
    entry.add("sequence", booking.sequence)
    known = [booking.calendar_stamp, booking.ended_at, booking.created_at, booking.slot.event.updated_at]
    _add_stamps(entry, max(instant for instant in known if instant))
    add_times(entry, facts.starts_at, facts.ends_at)
    entry.add("organizer", organizer(settings), encode=False)
    held = words.say(locale, _("%(title)s (pas encore confirmée)"), title=facts.title)
    entry.add("summary", Text(held if booking.status is Status.HELD else facts.title))
    add_place(entry, words.place_lines(facts), facts.event["latitude"], facts.event["longitude"])
    entry.add("description", Text(description(facts, locale)))
    entry.add("url", f"{settings.base_url}/events/{facts.event['id']}")
    entry.add("status", "CONFIRMED" if lasts else "TENTATIVE" if booking.status is Status.HELD else "CANCELLED")
    entry.add("transp", "OPAQUE" if lasts else "TRANSPARENT")
    return entry


def _add_stamps(entry: Event, changed_at: datetime) -> None:
    stamp = changed_at.replace(microsecond=0)
    entry.add("dtstamp", stamp)
    entry.add("last-modified", stamp)


def _domain(settings: Settings) -> str:
    return urlsplit(settings.base_url).hostname or ""
