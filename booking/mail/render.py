"""What a mail says: its subject, its text and its HTML, from frozen facts, in the reader's language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from booking import clock
from booking.config import ROOT
from booking.i18n import moment, translate, translate_plural
from booking.mail import words
from booking.mail.calendar_links import copies_of
from booking.mail.facts import Facts
from booking.mail.notices import notice_of, notice_words, other_half
from booking.mail.subjects import subject
from booking.models import Actor, Kind
from booking.queries.personal_data import KEPT_AFTER_VISIT

_EMPTY_LINES = re.compile(r"\n{3,}")
_RESERVATION_STATUS = {
    Kind.BOOKING_CONFIRMED: "ReservationConfirmed",
    Kind.BOOKING_CHANGED: "ReservationConfirmed",
    Kind.BOOKING_RESCHEDULED: "ReservationConfirmed",
    Kind.BOOKING_CANCELLED: "ReservationCancelled",
    Kind.BOOKING_DECLINED: "ReservationCancelled",
}

_COPIED = frozenset({Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED, Kind.BOOKING_RESCHEDULED})
"""Mails that show where a copy can be made, for calendars that do not read the invitation."""


@dataclass(frozen=True)
class Links:
    """The addresses a mail may show. The secret ones are empty where the mail must not carry them."""

    event: str
    rule: str = ""
    """The page that says how a waiting list advances."""
    workspace: str = ""
    """The booking in its host's workspace, for who can sign in there."""
    confirm: str = ""
    manage: str = ""
    head: str = ""
    feedback: str = ""


@dataclass(frozen=True)
class Rendered:
    """One mail's words."""

    subject: str
    text: str
    html: str


def render(kind: Kind, facts: Facts, links: Links, queued_at: datetime, locale: str) -> Rendered:
    """The words of one mail. Raises a Jinja error where a template asks for a fact that is not there."""
    context = _context(kind, facts, links, queued_at, locale)
    name = kind.value
    if notice := notice_of(kind, facts):
        name = "booking_notice"
        context |= notice_words(notice, facts, locale) | {"url": getattr(links, notice.link)}
    return write(name, context, locale)


def write(name: str, context: Mapping[str, Any], locale: str) -> Rendered:
    """Both parts of one mail from its templates, with what all of them name. The subject is in the context."""
    templates = environment(locale)
    filled = {"locale": locale, "colon": "\u00a0:" if locale == "fr" else ":", "json_ld": "", **context}
    text = templates.get_template(f"mail/{name}.txt").render(filled)
    html = templates.get_template(f"mail/{name}.html").render(filled)
    return Rendered(str(filled["subject"]), _EMPTY_LINES.sub("\n\n", text.strip()) + "\n", html.strip() + "\n")


@lru_cache(maxsize=4)
def environment(locale: str) -> Environment:
    """What mails are written with: French words translated, HTML escaped, no fact silently missing."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )

    def gettext(message: str, **values: object) -> str:
        said = translate(locale, message)
        return said % values if values else said

    def ngettext(singular: str, plural: str, num: int, **values: object) -> str:
        return translate_plural(locale, singular, plural, num) % {"num": num, **values}

    environment.globals.update({"_": gettext, "ngettext": ngettext})
    return environment


def _context(kind: Kind, facts: Facts, links: Links, queued_at: datetime, locale: str) -> dict[str, Any]:
    """Everything the templates name; they compute nothing."""
    deadline, deadline_has_day = words.deadline(facts.expires_at or facts.starts_at, queued_at, locale)
    frame = {
        "subject": subject(kind, facts, queued_at, locale),
        "links": links,
        "deadline": deadline,
        "deadline_has_day": deadline_has_day,
        "headcount_until": _still_open(facts.instant("headcount_until"), locale) if facts.is_class else "",
        "cancel_until": _still_open(facts.instant("cancel_until"), locale),
        "feedback_until": moment(facts.ends_at + KEPT_AFTER_VISIT, locale),
        "copies": copies_of(facts, links.event, locale) if kind in _COPIED and facts.was_invited else None,
        "json_ld": _json_ld(kind, facts),
    }
    return frame | visit_words(facts, locale) | _party_words(facts, locale) | _news(facts, locale)


def visit_words(facts: Facts, locale: str) -> dict[str, Any]:
    """When and where a visit is, and what it asks for, as every mail about it says it."""
    return {
        "title": facts.title,
        "host": facts.event["host"],
        "day": words.day_of(facts, locale),
        "when": words.when(facts, locale),
        "hours": words.span(facts, locale),
        "meeting": words.meeting(facts, locale),
        "place": words.place_lines(facts),
        "access": words.access(facts),
        "conditions": words.conditions(facts, locale),
    }


def _party_words(facts: Facts, locale: str) -> dict[str, Any]:
    """Who comes, and whom to reach."""
    return {
        "is_class": facts.is_class,
        "people": words.people(facts, locale),
        "pupils": facts.booking["pupils"],
        "adults": facts.booking["adults"],
        "places": facts.booking["places"],
        "places_of_class": facts.places_of_class,
        "reference": facts.reference,
        "name": facts.booker_name,
        "email": facts.booking.get("email", ""),
        "phone": facts.booking.get("phone", ""),
        "party": words.party(facts, locale),
        "needs": words.needs(facts, locale),
        "other_half": other_half(facts, locale),
        "expected": words.count_expected(facts.more["entry"], locale) if facts.more.get("entry") else "",
    }


def _news(facts: Facts, locale: str) -> dict[str, Any]:
    """What happened, and who did it: the verb has said so beside the facts."""
    before = facts.more.get("before")
    return {
        "then": facts.more.get("then", ""),
        "again": bool(facts.more.get("again")),
        "before": words.count_people(before["pupils"], before["adults"], locale) if before else "",
        "invited": facts.was_invited,
        "ended": words.ended(facts, locale),
        "declined": facts.more.get("by") == Actor.CALENDAR.value,
        "why": facts.more.get("why", ""),
        "was": words.before_move(facts, locale),
        "moved_by_booker": facts.moved_by_booker,
        "elsewhere": words.elsewhere(facts, locale),
        "letter": facts.more.get("letter", []),
    }


def _still_open(until: datetime, locale: str) -> str:
    """The last moment for something, or nothing once it has passed."""
    return moment(until, locale) if until > clock.now() else ""


def _json_ld(kind: Kind, facts: Facts) -> Markup:
    """The reservation for programs that read mail (schema.org `EventReservation`); empty where there is none."""
    # Who declined was invited, though the mail that says so carries no calendar.
    if kind not in _RESERVATION_STATUS or not (facts.was_invited or kind is Kind.BOOKING_DECLINED):
        return Markup("")
    event = facts.event
    address = {"streetAddress": event["address"], "postalCode": event["postcode"], "addressLocality": event["commune"]}
    reservation: Mapping[str, Any] = {
        "@context": "https://schema.org",
        "@type": "EventReservation",
        "reservationNumber": facts.reference,
        "reservationStatus": f"https://schema.org/{_RESERVATION_STATUS[kind]}",
        "underName": {"@type": "Person", "name": facts.booker_name},
        "numSeats": facts.booking["places"],
        "reservationFor": {
            "@type": "Event",
            "name": facts.title,
            "startDate": clock.in_paris(facts.starts_at).isoformat(),
            "endDate": clock.in_paris(facts.ends_at).isoformat(),
            "organizer": {"@type": "Organization", "name": event["host"]},
            "location": {
                "@type": "Place",
                "name": event["place_name"] or event["commune"],
                "address": {"@type": "PostalAddress", "addressCountry": "FR", **address},
            },
        },
    }
    # Inside a <script> nothing is unescaped, so what could end it is written as JSON escapes (ASCII throughout).
    written = json.dumps(reservation).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(written)  # noqa: S704 - made safe on the line above
