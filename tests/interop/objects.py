"""Every kind of calendar object we write, over the hard cases, each with what a client must understand of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booking.actions.queue_message import slot_facts
from booking.mail.facts import read_facts
from booking.mail.feeds import booker_feed, organisation_feed, public_feed, slot_calendar
from booking.mail.host_invitation import HostSlot, host_calendar, host_invitation
from booking.mail.invitation import booking_calendar, invitation
from booking.models import Booking, Event, Kind, Organisation, Pool, Slot, Status
from booking.models.event import Equipment
from booking.queries.door import Expected
from booking.queries.feeds import PublicSlot
from tests.invitations.hard_cases import HARD_NAMES, HARD_TIMES, kept
from tests.mails import METHODS, QUEUED, SETTINGS, STARTS, facts

ORGANIZER = "mailto:reservations@coulisses.example"
ATTENDEE = "mailto:prof@college.example"
_ENDS = datetime.fromisoformat("2026-11-24T15:00:00+00:00")


@dataclass(frozen=True)
class Written:
    """An object's text, and what must be understood of it, as the readers answer."""

    text: str
    understood: dict[str, Any]


def every_object() -> dict[str, Written]:
    """By name: invitations and cancellations, the files, the feeds and the host's entries."""
    cases = [(f"name {n}", name, STARTS, _ENDS) for n, name in enumerate(HARD_NAMES)]
    cases += [(hours, "Visite", *when) for hours, when in HARD_TIMES.items()]
    found: dict[str, Written] = {}
    for what, name, starts, ends in cases:
        found |= {f"{kind.value}, {what}": _invitation(kind, name, starts, ends) for kind in METHODS}
        slot = _slot(name, starts, ends)
        found |= {f"{file}, {what}": written for file, written in _files(slot, name)}
        found |= {f"host's {method}, {what}": _host_mail(slot, method, name) for method in ("REQUEST", "CANCEL")}
    return found


def _understood(method: str, *events: dict[str, Any]) -> dict[str, Any]:
    return {"method": method, "problems": [], "events": list(events)}


def _event(uid: str, sequence: int, summary: str, starts: datetime, ends: datetime, **more: Any) -> dict[str, Any]:
    times = {"starts": int(starts.timestamp()), "ends": int(ends.timestamp())}
    rest = {"status": "CONFIRMED", "organizer": [ORGANIZER], "attendees": []}
    return {"uid": uid, "sequence": sequence, "summary": summary} | times | rest | more


def _invitation(kind: Kind, name: str, starts: datetime, ends: datetime) -> Written:
    method, sequence = METHODS[kind], list(METHODS).index(kind)
    raw = facts(kind, starts=starts, ends=ends, event={"title": name, "place_name": name}, booking={"name": name})
    raw["calendar"] |= {"sequence": sequence}
    text = invitation(read_facts(raw), "prof@college.example", "fr", SETTINGS).decode()
    status = "CANCELLED" if method == "CANCEL" else "CONFIRMED"
    event = _event("6f1c", sequence, kept(name), starts, ends, status=status, attendees=[ATTENDEE])
    return Written(text, _understood(method, event))


def _slot(name: str, starts: datetime, ends: datetime) -> Slot:
    host = Organisation(id=3, name=name, email="accueil@port.example")
    event = Event(
        id=4, version=2, host=host, title=name, summary=name, place_name=name, address="Route de la Seine", postcode="92230",
        commune="Gennevilliers", meeting_point=name, latitude=48.94, longitude=2.29, updated_at=QUEUED, equipment=Equipment.NONE,
        access_info=name, conditions=name, accessibility_note=name, contact_email="", more_contacts=[], closed_shoes=False,
        identity_needed=False, outdoors=False, contact_phone="",
    )  # fmt: skip
    pool = Pool(capacity=40, taken=20)
    return Slot(
        id=7, version=3, event=event, starts_at=starts, ends_at=ends, meeting_point="", arrive_minutes_before=0, pools=[pool],
        closes_at=starts, headcount_until=starts, cancel_until=starts,
    )  # fmt: skip


def _host_mail(slot: Slot, method: str, name: str) -> Written:
    numbers = {"bookings": 1, "pupils": 17, "adults": 3, "persons": 0}
    identity = {"method": method, "uid": "9ab2", "sequence": 4, "dtstamp": QUEUED.isoformat()}
    raw = {"booking": {}, "calendar": None, "entry": identity | numbers} | slot_facts(slot)
    text = host_invitation(read_facts(raw), "accueil@port.example", "fr", SETTINGS).decode()
    status = "CANCELLED" if method == "CANCEL" else "CONFIRMED"
    summary = f"17 élèves et 3 adultes\u00a0: {kept(name)}"
    more: dict[str, Any] = {"status": status, "attendees": ["mailto:accueil@port.example"]}
    return Written(text, _understood(method, _event("9ab2", 4, summary, slot.starts_at, slot.ends_at, **more)))


def _booking(slot: Slot, name: str) -> Booking:
    return Booking(
        id=1, reference="7KQ4-M9TX", slot=slot, status=Status.CONFIRMED, audience="school", email="prof@college.example", name=name,
        phone="", school_name=name, commune="Gennevilliers", level="3e", class_label="3e B", pupils=17, adults=3, places=20, needs={},
        head_email="", wanted_slots=[], uid="6f1c", sequence=5, calendar_stamp=QUEUED, created_at=QUEUED, proven_at=QUEUED,
    )  # fmt: skip


def _files(slot: Slot, name: str) -> Iterator[tuple[str, Written]]:
    """What is downloaded or subscribed to, and the host's own calendar."""
    title, when = kept(name), (slot.starts_at, slot.ends_at)
    booking = _booking(slot, name)
    told = [HostSlot(Expected(slot, bookings=1, pupils=17, adults=3, held=1), changed_at=QUEUED)]
    expected = f"17 élèves et 3 adultes\u00a0: {title}"
    texts = {
        "slot file": slot_calendar(slot, SETTINGS, "fr"),
        "public feed": public_feed([PublicSlot.of(slot)], name, "http://127.0.0.1:8000/events.ics", SETTINGS, "fr"),
        "booker's feed": booker_feed([booking], SETTINGS, "fr"),
        "organisation's feed": organisation_feed(told, name, SETTINGS, "fr"),
        "booking file": booking_calendar(booking, SETTINGS, "fr"),
        "host's file": host_calendar(told, SETTINGS, "fr"),
    }
    public = _event("slot-7@127.0.0.1", 3, title, *when)
    events = {
        "slot file": public,
        "public feed": public,
        "booker's feed": _event("booking-7KQ4-M9TX@127.0.0.1", 5, title, *when),
        "organisation's feed": _event("host-feed-7@127.0.0.1", 0, expected, *when),
        "booking file": _event("6f1c", 5, title, *when, attendees=[ATTENDEE]),
        "host's file": _event("host-slot-7@127.0.0.1", 0, expected, *when, organizer=[]),
    }
    without_method = {"booking file", "host's file"}
    for file, text in texts.items():
        yield file, Written(text.decode(), _understood("" if file in without_method else "PUBLISH", events[file]))
