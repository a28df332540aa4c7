"""Editions: one year's week each."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from booking.api.door import bp, instant, link, public_answer
from booking.app_settings import settings
from booking.models import Edition
from booking.queries import catalogue


@bp.get("/editions")
def list_editions() -> Response:
    """Every edition, the newest first; one of them is current."""
    current = catalogue.current_edition()
    return public_answer({"items": [_edition(edition, edition is current) for edition in catalogue.editions()]})


def _edition(edition: Edition, current: bool) -> dict[str, Any]:
    return {
        "key": edition.key,
        "number": edition.number,
        "year": edition.year,
        "name": edition.name,
        "theme": edition.theme,
        "summary": edition.summary,
        "starts_on": edition.starts_on.isoformat(),
        "ends_on": edition.ends_on.isoformat(),
        "department": edition.department,
        "territory": edition.territory,
        "bookings_open_at": instant(edition.bookings_open_at),
        "school_limit": edition.school_limit,
        "priority_until": instant(edition.priority_until) if edition.priority_schools else None,
        "past": edition.is_past,
        "current": current,
        "links": {"events": link(settings().base_url, "/events", edition=edition.key)},
    }
