"""Mails for tests: frozen facts of a class's booking, and what comes out of them, opened by the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from icalendar import Calendar, Event

from booking.mail.compose import compose
from booking.models import Kind, Message
from tests.databases import settings_for

SETTINGS = settings_for("sqlite:////nowhere")
NONCE = b"0123456789abcdef"
STARTS = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
QUEUED = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
STRANGERS = (Kind.BOOKING_TO_PROVE, Kind.BOOKING_EXPIRED, Kind.WAITING_TO_PROVE)
DEADLINES = {
    Kind.BOOKING_TO_PROVE: "email",
    Kind.WAITING_TO_PROVE: None,
    Kind.WAITING_JOINED: None,
    Kind.PLACES_OFFERED: "offer",
    Kind.BOOKING_PENDING: "head",
    Kind.HEAD_ASKED: "head",
    Kind.HEAD_REMINDED: "head",
    Kind.HOST_APPROVAL_ASKED: "host",
}
"""The mails that name a deadline, and what the places are held for."""
METHODS = {
    Kind.BOOKING_CONFIRMED: "REQUEST",
    Kind.BOOKING_CHANGED: "REQUEST",
    Kind.BOOKING_RESCHEDULED: "REQUEST",
    Kind.BOOKING_CANCELLED: "CANCEL",
}
MORE: dict[Kind, dict[str, Any]] = {
    Kind.BOOKING_CHANGED: {"before": {"pupils": 28, "adults": 2, "places": 28}},
    Kind.HOST_BOOKING_CHANGED: {"before": {"pupils": 28, "adults": 2, "places": 28}},
    Kind.BOOKING_CANCELLED: {"by": "host", "why": "Grève des remorqueurs."},
    Kind.BOOKING_RESCHEDULED: {
        "was": {"starts_at": "2026-11-23T13:30:00+00:00", "ends_at": "2026-11-23T15:00:00+00:00", "place": "Quai n° 2"},
        "why": "Travaux sur le quai.",
    },
    Kind.BOOKER_LETTER: {"letter": ["Prenez le bus 177.", "À mardi !"]},
    Kind.HOST_BOOKING_CANCELLED: {"by": "booker", "why": "Sortie reportée."},
    Kind.PLACES_OFFERED: {"slot_id": 7},
    Kind.BOOKING_PENDING: {"held_for": "head"},
    Kind.BOOKING_REFUSED: {"by": "host", "why": "Le quai est fermé ce jour-là."},
    Kind.CHANGE_REFUSED: {"asked": {"pupils": 33, "adults": 4}, "why": "Les gilets manquent."},
    Kind.HOST_CHANGE_ASKED: {"asked": {"pupils": 33, "adults": 4}, "before": {"pupils": 31, "adults": 3}},
}


def facts(kind: Kind, **more: Any) -> dict[str, Any]:
    """Facts as `facts_of` writes them; parts of `booking`, `slot`, `event` and `calendar` may be replaced."""
    booking: dict[str, Any] = {
        "reference": "7KQ4-M9TX", "audience": "school", "pupils": 31, "adults": 3, "places": 31,
        "expires_at": (QUEUED + timedelta(hours=2)).isoformat() if kind in DEADLINES else None,
        "held_for": DEADLINES.get(kind), "asked_pupils": None, "at_least": None, "other_slots": 0,
    }  # fmt: skip
    if kind not in STRANGERS:
        booking |= {
            "name": "Camille Martin", "email": "prof@college.example", "phone": "01 23 45 67 89", "school_name": "Collège du Port",
            "commune": "Gennevilliers", "level": "3e", "class_label": "3e B", "needs": {"motor": 1},
            "head_email": "ce.0920001a@academie.example",
        }  # fmt: skip
    starts = more.pop("starts", STARTS)
    ends = more.pop("ends", starts + timedelta(minutes=90))
    slot = {
        "id": 7, "starts_at": starts.isoformat(), "ends_at": ends.isoformat(), "capacity": 31,
        "arrive_at": (starts - timedelta(minutes=15)).isoformat(), "meeting_point": "Accueil, bâtiment A",
        "headcount_until": (starts - timedelta(hours=48)).isoformat(), "cancel_until": starts.isoformat(),
    }  # fmt: skip
    event = {
        "id": 4, "title": "Visite des activités portuaires", "host": "Port de Gennevilliers", "place_name": "Port de Gennevilliers",
        "address": "Route de la Seine", "postcode": "92230", "commune": "Gennevilliers", "latitude": 48.94, "longitude": 2.29,
        "access_info": "RER C, puis bus 238", "closed_shoes": True, "identity_needed": True, "outdoors": True,
        "equipment": "lent", "min_age": 12,
        "conditions": "Pas de sac volumineux.", "accessibility_note": "Accessible en fauteuil.", "contact_email": "accueil@port.example",
    }  # fmt: skip
    calendar = {"method": METHODS[kind], "uid": "6f1c", "sequence": 0, "dtstamp": QUEUED.isoformat()} if kind in METHODS else None
    parts: dict[str, Any] = {"booking": booking, "slot": slot, "event": event}
    for name, part in parts.items():
        part |= more.pop(name, {})
    return parts | {"calendar": calendar} | MORE.get(kind, {}) | more


def row(kind: Kind, locale: str = "fr", recipient: str = "prof@college.example", **more: Any) -> Message:
    return Message(
        id=1,
        booking_id=1,
        kind=kind,
        sequence=0,
        recipient=recipient,
        locale=locale,
        facts=facts(kind, **more),
        created_at=QUEUED,
    )


def written(kind: Kind, earlier: tuple[str, ...] = (), *, was_invited: bool = True, **more: Any) -> bytes:
    """The bytes of one mail."""
    return compose(row(kind, **more), NONCE, earlier, SETTINGS, was_invited=was_invited).content


def opened(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=SMTP)
    assert not mail.defects
    for part in mail.walk():
        assert not part.defects, part.defects
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def calendar_bytes(mail: EmailMessage) -> bytes:
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def entry(calendar: bytes) -> Event:
    [found] = Calendar.from_ical(calendar).walk("VEVENT")
    return found
