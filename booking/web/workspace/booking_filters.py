"""The filters of the list of bookings as its address names them: the page and the export read them alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from flask import request

from booking import i18n, vocabulary
from booking.i18n import _
from booking.models import Audience, Organisation, Status
from booking.models.party import SCHOOL
from booking.queries.workspace_bookings import ALL_STATES, UNREACHED, Choices, Filters, choices
from booking.web.templating import gettext

LONGEST_WORDS = 80
NAMES = ("q", "event", "day", "state", "audience")
AUDIENCES = (SCHOOL, *(word.value for word in Audience))
STATES = (ALL_STATES, UNREACHED, *(word.value for word in Status))
_STATES = {ALL_STATES: _("Toutes, même annulées"), UNREACHED: _("Pas prévenues : adresse en panne")}


@dataclass(frozen=True)
class Asked:
    """What the address asks for; a value nobody could have chosen is left out, and said."""

    filters: Filters
    page: int
    chosen: dict[str, str]
    """The filters that are set, by their name in the address."""
    ignored: bool
    choices: Choices


class Chip(NamedTuple):
    """A chosen filter: its name in the address, what it says, and whether that is a host's own French."""

    name: str
    said: str
    french: bool


def read_filters(organisation: Organisation) -> Asked:
    """The filters in this request's address, for one organisation."""
    given = {name: request.args.get(name, "").replace("\0", "").strip() for name in NAMES}
    offered = choices(organisation.id)
    allowed = {
        "event": {str(event.id) for event in offered.events},
        "day": {day.isoformat() for day in offered.days},
        "state": set(STATES),
        "audience": set(AUDIENCES),
    }
    chosen = {name: value for name, value in given.items() if value and value in allowed.get(name, {value})}
    filters = Filters(
        organisation_id=organisation.id,
        words=chosen.get("q", "")[:LONGEST_WORDS],
        event_id=int(chosen["event"]) if "event" in chosen else None,
        day=date.fromisoformat(chosen["day"]) if "day" in chosen else None,
        state=chosen.get("state", ""),
        audience=chosen.get("audience", ""),
    )
    page = request.args.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    return Asked(filters, number, chosen, ignored=any(given[name] and name not in chosen for name in NAMES), choices=offered)


def chips(asked: Asked, locale: str) -> list[Chip]:
    """The chosen filters, as the page names them."""
    titles = {str(event.id): event.title for event in asked.choices.events}
    said: dict[str, Callable[[str], str]] = {
        "q": lambda value: gettext("« %(words)s »") % {"words": value},
        "event": lambda value: titles[value],
        "day": lambda value: i18n.day(date.fromisoformat(value), locale, year=True),
        "state": state_said,
        "audience": lambda value: gettext(vocabulary.AUDIENCES[value]),
    }
    return [Chip(name, said[name](value), name == "event") for name, value in asked.chosen.items()]


def state_said(value: str) -> str:
    """How a state to choose is called."""
    return gettext(_STATES.get(value) or vocabulary.STATES[value])
