"""An event's page, and its slots for a calendar."""

from __future__ import annotations

import json

from flask import Blueprint, g, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response
from xstatic.pkg import leaflet

from booking.app_settings import settings
from booking.mail.invitation import slot_calendar
from booking.queries import catalogue, event_page, fetch
from booking.web.kept import kept_pages
from booking.web.structured_data import event_data

bp = Blueprint("events", __name__)
leaflet_bp = Blueprint("leaflet", __name__, static_folder=leaflet.BASE_DIR, static_url_path="/leaflet")
"""The map's library, served from its package."""


@bp.get("/events/<int:event_id>")
def show(event_id: int) -> Response:
    """What, where, who may come and under which conditions, then the slots.

    The data's stamp is read each time, so the places are always true; the page itself is made again only when the
    stamp has changed, and a browser that has it already is told so.
    """
    stamp = event_page.stamp(event_id)
    places = _places()
    if request.args.keys() <= {"places"}:
        page = kept_pages().get(("event", event_id, g.locale, places), stamp, lambda: _render(event_id, places))
    else:
        page = _render(event_id, places)[0]
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


def _render(event_id: int, places: int | None) -> tuple[str, bool]:
    """The page, and whether it may be kept: what it says of other events is not in its stamp."""
    event = catalogue.event(event_id)
    full = not event.edition.is_past and bool(event.slots) and not any(slot.remaining for slot in event.slots)
    data = json.dumps(event_data(event, settings().base_url), ensure_ascii=False).replace("<", "\\u003c")
    page = render_template(
        "event.html",
        event=event,
        edition=event.edition,
        places=places,
        structured=Markup(data),  # noqa: S704 - JSON with every < escaped
        similar=catalogue.similar(event, places or 1) if full else [],
    )
    return page, not full


def _places() -> int | None:
    given = request.args.get("places", "")
    return int(given) if given.isascii() and given.isdigit() and 0 < int(given[:9]) <= 500 else None
