"""Events: the catalogue with its filters, and one event with everything a visitor may know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from booking.api.door import LARGEST_ID, bp, instant, link, public_answer
from booking.api.slots import slot_body
from booking.app_settings import settings
from booking.errors import Invalid, Problem
from booking.models import Audience, Edition, Event, EventType
from booking.models.admission import levels_admitted
from booking.models.party import LARGEST_CLASS, LEVELS, SCHOOL, read_number
from booking.queries import catalogue
from booking.queries.catalogue import Filters, Found

_PER_PAGE = 20
_LONGEST_COMMUNE = 80


@bp.get("/events")
def list_events() -> Response:
    """Published events of one edition that suit the filters, those that can be booked soonest first."""
    parameters = _Parameters()
    edition = parameters.edition()
    asked, per_page = (
        parameters.number("page", LARGEST_ID) or 1,
        parameters.number("per_page", catalogue.MOST_PER_PAGE) or _PER_PAGE,
    )
    filters = Filters(
        edition_id=edition.id if edition else 0,
        words=parameters.text("q", catalogue.LONGEST_WORDS),
        day=parameters.day("day"),
        commune=parameters.text("commune", _LONGEST_COMMUNE),
        type=parameters.choice("type", EventType),
        audience=parameters.choice("audience", (SCHOOL, *Audience)),
        level=parameters.choice("level", LEVELS),
        places=parameters.number("places", LARGEST_CLASS),
    )
    if parameters.problems:
        raise Invalid(parameters.problems)
    found = catalogue.search(filters, asked, per_page)
    items = [_item(one) for one in found.found] if asked == found.page else []
    links = {"next": _page_link(asked + 1, found.pages), "prev": _page_link(min(asked - 1, found.pages), found.pages)}
    return public_answer({"items": items, "total": found.total, "page": asked, "pages": found.pages, "links": links})


@bp.get(f"/events/<int(max={LARGEST_ID}):event_id>")
def show_event(event_id: int) -> Response:
    """One published event."""
    event = catalogue.event(event_id)
    return public_answer(
        _summary(event)
        | {
            "description": event.description,
            "min_age": event.min_age,
            "partners": event.partners.splitlines(),
            "conditions": {
                "closed_shoes": event.closed_shoes,
                "identity_needed": event.identity_needed,
                "outdoors": event.outdoors,
                "equipment": event.equipment.value,
                "other": event.conditions,
            },
            "rules": {
                "levels": list(levels_admitted(event)) if event.takes_classes else [],
                "one_per_class": event.one_per_class,
                "school_limit": event.edition.school_limit,
                "priority_until": instant(event.priority_ends),
                "host_answer_hours": event.host_answer_hours if event.host_approval else None,
                "head_answer_days": event.head_answer_days if event.head_approval else None,
            },
            "accessibility": {"kinds": list(event.accessible_for), "note": event.accessibility_note},
            "parent": {"id": event.parent.id, "title": event.parent.title} if event.parent else None,
            "children": [{"id": child.id, "title": child.title} for child in event.children],
            "slots": [slot_body(slot) for slot in event.slots],
        }
    )


class _Parameters:
    """The query's parameters, checked; the first of several of one name counts, an empty one does not."""

    def __init__(self) -> None:
        self.problems: dict[str, Problem] = {}

    def text(self, name: str, longest: int) -> str:
        given = request.args.get(name, "").strip()
        if len(given) > longest:
            self.problems[name] = Problem("too_long", {"longest": longest})
        return given

    def choice(self, name: str, allowed: Iterable[str]) -> str:
        given = request.args.get(name, "").strip()
        if given and given not in set(allowed):
            self.problems[name] = Problem("not_a_choice")
        return given

    def number(self, name: str, high: int) -> int | None:
        read = read_number(request.args.get(name) or None, 1, high)
        if isinstance(read, Problem):
            if read.code != "required":
                self.problems[name] = read
            return None
        return read

    def day(self, name: str) -> date | None:
        given = request.args.get(name, "").strip()
        if not given:
            return None
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
                return date.fromisoformat(given)
        except ValueError:
            pass
        self.problems[name] = Problem("not_a_day")
        return None

    def edition(self) -> Edition | None:
        """The edition of this key; without one, the current."""
        given = request.args.get("edition", "").strip()
        if not given:
            return catalogue.current_edition()
        found = next((edition for edition in catalogue.editions() if edition.key == given), None)
        if found is None:
            self.problems["edition"] = Problem("not_a_choice")
        return found


def _page_link(page: int, pages: int) -> str | None:
    """The same question for another page, or None where there is none."""
    if not 1 <= page <= pages:
        return None
    return link(settings().base_url, "/events", **(request.args.to_dict() | {"page": page}))


def _item(found: Found) -> dict[str, Any]:
    slots = [slot_body(slot) for slot in found.event.slots]
    next_slot = next((body for body in slots if found.next_slot and body["id"] == found.next_slot.id), None)
    return _summary(found.event) | {"next_slot": next_slot, "slots": slots}


def _summary(event: Event) -> dict[str, Any]:
    base = settings().base_url
    return {
        "id": event.id,
        "type": event.type.value,
        "title": event.title,
        "summary": event.summary,
        "audiences": list(event.audiences),
        "levels": list(event.levels),
        "edition": event.edition.key,
        "host": {"name": event.host.name, "commune": event.host.commune, "website": event.host.website},
        "place": {
            "name": event.place_name,
            "address": event.address,
            "postcode": event.postcode,
            "commune": event.commune,
            "latitude": event.latitude,
            "longitude": event.longitude,
            "meeting_point": event.meeting_point,
            "access": event.access_info,
        },
        "labelled": event.is_labelled,
        "cancelled": event.cancelled_at is not None,
        "invented": event.invented,
        "links": {"self": link(base, f"/events/{event.id}"), "page": f"{base}/events/{event.id}"},
    }
