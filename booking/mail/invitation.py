"""Calendar objects: the invitation a mail carries and the file on a booking's page, and what other entries are made of, too.

RFC 5545 says how they are written, RFC 5546 what REQUEST, CANCEL and PUBLISH ask of them, RFC 6047 how they travel.
Times are UTC, so no time zone has to be described and no client can read one wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from icalendar import Calendar, Event, vCalAddress, vText

from booking.actions.queue_message import facts_of
from booking.config import Settings
from booking.errors import NotFound
from booking.i18n import _
from booking.mail import words
from booking.mail.calendar_text import Text
from booking.mail.facts import Facts, one_line, read_facts
from booking.models import Booking, Kind, Status

PRODID = "-//Coulisses//Reservations//FR"
SERVICE = "Coulisses"


def invitation(facts: Facts, recipient: str, locale: str, settings: Settings) -> bytes:
    """The object of one booking for one mail, with the METHOD its facts name: REQUEST or CANCEL.

    The same facts give the same bytes. Raises `ValueError` where the facts invite nobody.
    """
    if not facts.calendar or not facts.calendar["dtstamp"]:
        raise ValueError("these facts carry no invitation")
    calendar = new_calendar()
    calendar.add("method", facts.calendar["method"])
    cancelled = facts.calendar["method"] == "CANCEL"
    entry = _entry(facts, facts.calendar, locale, settings, cancelled=cancelled)
    entry.add("attendee", _attendee(recipient, facts.booker_name), encode=False)
    # Gmail and Outlook offer "propose another time" otherwise, and nobody reads that answer.
    entry.add("x-microsoft-disallow-counter", "TRUE")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def booking_calendar(booking: Booking, settings: Settings, locale: str) -> bytes:
    """The booking as it is now, for the download on its page. Raises `NotFound` while nobody was invited.

    It is the very object the mails carry (same UID, SEQUENCE, DTSTAMP, ORGANIZER and ATTENDEE) but without a METHOD:
    opening the file then adds or refreshes the one entry, where REQUEST would ask for an answer and PUBLISH would
    make a second copy (RFC 5545, 3.7.2). Who fetches it means to come, hence ACCEPTED.
    """
    facts = read_facts(facts_of(booking, Kind.BOOKING_CONFIRMED))
    if not facts.calendar or not facts.calendar["dtstamp"]:
        raise NotFound
    cancelled = booking.status in {Status.CANCELLED, Status.REFUSED, Status.EXPIRED}
    calendar = new_calendar()
    entry = _entry(facts, facts.calendar, locale, settings, cancelled=cancelled)
    attendee = _attendee(booking.email, facts.booker_name)
    attendee.params["PARTSTAT"] = vText("DECLINED" if cancelled else "ACCEPTED")
    attendee.params["RSVP"] = vText("FALSE")
    entry.add("attendee", attendee, encode=False)
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def new_calendar() -> Calendar:
    """A calendar of ours without a METHOD and without entries."""
    calendar = Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    return calendar


def _entry(facts: Facts, identity: Mapping[str, Any], locale: str, settings: Settings, *, cancelled: bool) -> Event:
    entry = Event()
    entry.add("uid", identity["uid"])
    entry.add("sequence", identity["sequence"])
    entry.add("dtstamp", datetime.fromisoformat(identity["dtstamp"]))
    add_times(entry, facts.starts_at, facts.ends_at)
    entry.add("organizer", organizer(settings), encode=False)
    entry.add("summary", Text(facts.title))
    add_place(entry, words.place_lines(facts), facts.event["latitude"], facts.event["longitude"])
    entry.add("description", Text(description(facts, locale)))
    entry.add("url", f"{settings.base_url}/events/{facts.event['id']}")
    entry.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    entry.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    return entry


def add_times(entry: Event, starts_at: datetime, ends_at: datetime) -> None:
    """When it is, in UTC."""
    entry.add("dtstart", starts_at)
    entry.add("dtend", ends_at)


def add_place(entry: Event, lines: list[str], latitude: float | None, longitude: float | None) -> None:
    """Where it is: one line, and a point on the map where it is known."""
    if lines:
        entry.add("location", Text(", ".join(lines)))
    if latitude is not None and longitude is not None:
        entry.add("geo", (latitude, longitude))


def description(facts: Facts, locale: str) -> str:
    """What one needs on the way. Calendars are shared, so there is no link that acts and nobody's name."""
    conditions = words.conditions(facts, locale)
    access = words.access(facts)
    lines = [
        words.meeting(facts, locale),
        words.people(facts, locale),
        words.say(locale, _("Pour venir : %(access)s"), access=access) if access else "",
        *conditions,
        words.say(locale, _("Organisé par %(host)s."), host=facts.event["host"]),
        words.say(locale, _("Réservation %(reference)s."), reference=facts.reference),
        words.say(locale, _("Pour changer ou annuler, ouvrez le lien de notre message de confirmation.")),
    ]
    return "\n".join(line for line in lines if line)


def organizer(settings: Settings) -> vCalAddress:
    """Who invites and publishes: the service itself, at the address its mails come from."""
    service = vCalAddress(f"mailto:{settings.sender_address}")
    service.params["CN"] = vText(_common_name(parseaddr(settings.mail_default_sender)[0]) or SERVICE)
    return service


def _attendee(address: str, name: str) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{address}")
    if common_name := _common_name(name):
        attendee.params["CN"] = vText(common_name)
    attendee.params["CUTYPE"] = vText("INDIVIDUAL")
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
    attendee.params["RSVP"] = vText("TRUE")
    return attendee


def _common_name(name: str) -> str:
    """A parameter cannot hold quotation marks, and few clients read the circumflex notation of RFC 6868.

    A backslash means nothing in a parameter (RFC 5545, 3.2), but libical takes one before the closing mark for an escape and
    then reads the address as a part of the name.
    """
    return one_line(name).replace('"', "’").replace("^", "").replace("\\", "/")
