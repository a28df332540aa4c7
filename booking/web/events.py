"""An event's page."""

from __future__ import annotations

import json

from flask import Blueprint, g, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from booking.app_settings import settings
from booking.mail.invitation import slot_calendar
from booking.queries import catalogue, fetch
from booking.web.structured_data import event_data

bp = Blueprint("events", __name__)


@bp.get("/events/<int:event_id>")
def show(event_id: int) -> Response:
    """What, where, who may come and under which conditions, then the slots."""
    places = _places()
    event = catalogue.event(event_id)
    data = json.dumps(event_data(event, settings().base_url), ensure_ascii=False).replace("<", "\\u003c")
    page = render_template(
        "event.html",
        event=event,
        edition=event.edition,
        places=places,
        structured=Markup(data),  # noqa: S704 - JSON with every < escaped
        similar=[] if event.edition.is_past or any(slot.remaining for slot in event.slots) else catalogue.similar(event, places or 1),
    )
    answer = Response(page, mimetype="text/html")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Vary"] = "Cookie, Accept-Language"
    answer.add_etag()
    return answer.make_conditional(request.environ)


@bp.get("/slots/<int:slot_id>/calendar.ics")
def calendar(slot_id: int) -> Response:
    """The slot for a calendar: when and where, nobody's name, no booking."""
    slot = fetch.slot(slot_id)
    answer = Response(slot_calendar(slot, settings(), g.locale), mimetype="text/calendar")
    answer.headers["Content-Disposition"] = f'attachment; filename="visite-{slot.id}.ics"'
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer.make_conditional(request.environ)


def _places() -> int | None:
    given = request.args.get("places", "")
    return int(given) if given.isascii() and given.isdigit() and 0 < int(given[:9]) <= 500 else None
