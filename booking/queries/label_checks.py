"""What a machine can check before an event is labelled or published, and what the authority has seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from booking import clock
from booking.models import Audience, Event, EventType, Slot

FREE, IN_WINDOW, AUDIENCE, COMPLETE, ABOUT_INDUSTRY = "free", "in_window", "audience", "complete", "about_industry"
WELCOME = frozenset(
    {Audience.PUBLIC, Audience.COLLEGE, Audience.LYCEE, Audience.APPRENTICE, Audience.STUDENT, Audience.JOBSEEKER}
)
"""The public, young people or jobseekers: one of them must be welcome."""
_PLACE = ("place_name", "address", "postcode", "commune")


@dataclass(frozen=True)
class Check:
    """One condition of the label. `met` is None where a person has to judge."""

    code: str
    met: bool | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the condition's sentence may say: days outside the window, names of the fields that are missing."""


def checks(event: Event) -> list[Check]:
    """The four conditions of the label and completeness, for an event with its slots and edition."""
    edition = event.edition
    window = {"label_from": edition.label_from, "label_until": edition.label_until}
    days = _days(event)
    outside = [day for day in days if not edition.label_from <= day <= edition.label_until]
    lacking = missing_for_label(event)
    return [
        Check(FREE, event.free),
        Check(IN_WINDOW, bool(days) and not outside, window | {"outside": outside}),
        Check(AUDIENCE, bool(WELCOME.intersection(event.audiences))),
        Check(COMPLETE, not lacking, {"missing": lacking}),
        Check(ABOUT_INDUSTRY, None),
    ]


def missing_for_publication(event: Event) -> list[str]:
    """The names of what an event lacks to be on the programme; its label is another matter."""
    has: dict[str, object] = {
        "title": event.title,
        "summary": event.summary,
        "audiences": event.audiences,
        "place": _has_place(event),
        "price": event.free or event.price,
        "slots": _live(event),
    }
    return [name for name, there in has.items() if not there]


def missing_for_label(event: Event) -> list[str]:
    """The names of what an event lacks to be complete: what a visitor reads before coming."""
    brings = event.equipment == "bring"
    has: dict[str, object] = {
        "description": event.description,
        "contact_email": event.notice_address,
        "meeting_point": event.type in {EventType.ONLINE, EventType.SCHOOL_TALK} or all(slot.meets_at for slot in _live(event)),
        # Who has to bring protective equipment must be told which.
        "conditions": not brings or event.conditions,
    }
    lacking = {*missing_for_publication(event), *(name for name, there in has.items() if not there)}
    return [name for name in ORDER if name in lacking and name != "price"]


ORDER = (
    "title",
    "summary",
    "description",
    "audiences",
    "place",
    "meeting_point",
    "conditions",
    "contact_email",
    "price",
    "slots",
)
"""The order in which missing things are named: that of the form."""


def seen_of(event: Event) -> dict[str, object]:
    """Date, price, audience and place of an event, as JSON: what a label was given for. Days are days in Paris."""
    return {
        "days": [day.isoformat() for day in _days(event)],
        "free": event.free,
        "price": event.price,
        "audiences": sorted(event.audiences),
        **{name: getattr(event, name) for name in _PLACE},
    }


def _has_place(event: Event) -> bool:
    """Nobody comes to an online event, and a talk in class takes place wherever the class is."""
    if event.type in {EventType.ONLINE, EventType.SCHOOL_TALK}:
        return event.type is EventType.ONLINE or bool(event.commune)
    return bool(event.commune and (event.place_name or event.address))


def _days(event: Event) -> list[date]:
    return sorted({clock.paris_day(slot.starts_at) for slot in _live(event)})


def _live(event: Event) -> list[Slot]:
    return [slot for slot in event.slots if not slot.cancelled_at]
