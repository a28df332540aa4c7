"""An event's page, its picture, and its slots for a calendar."""

from __future__ import annotations

import json
from contextlib import suppress

from flask import Blueprint, g, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response
from xstatic.pkg import leaflet

from booking.app_settings import settings
from booking.errors import NotFound
from booking.i18n import typeset
from booking.mail.feeds import slot_calendar
from booking.markdown import render_markdown
from booking.permissions import Act
from booking.queries import catalogue, event_page, fetch, pictures, workspace
from booking.web import authorise
from booking.web.booking_form import list_is_open
from booking.web.kept import kept_pages
from booking.web.structured_data import event_data
from booking.web.subscriptions import subscription

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


@bp.get("/events/<int:event_id>/picture/<string(length=16):digest>.jpg")
def picture(event_id: int, digest: str) -> Response:
    """An event's picture. Its address names its bytes, so that a browser keeps it for ever; of a draft it keeps nothing."""
    found = pictures.of_event(event_id, digest)
    if not found.is_public and not _reads_drafts_of(event_id):
        raise NotFound
    answer = Response(found.content, mimetype="image/jpeg")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if found.is_public else "private, no-store"
    answer.headers["Content-Disposition"] = f'inline; filename="{digest}.jpg"'
    answer.set_etag(digest)
    return answer.make_conditional(request.environ)


def _reads_drafts_of(event_id: int) -> bool:
    """Whether this visitor works for its host, or for the authority that was asked for its label."""
    visitor = authorise.visitor()
    if visitor is not None:
        for act in (Act.READ_EVENTS, Act.READ_LABELS):
            with suppress(NotFound):
                workspace.event(visitor, act, event_id)
                return True
    return False


def _render(event_id: int, places: int | None) -> tuple[str, bool]:
    """The page, and whether it may be kept: what it says of other events is not in its stamp."""
    event = catalogue.event(event_id)
    full = (
        not event.edition.is_past and bool(event.slots) and not any(slot.remaining or slot.reserved_left for slot in event.slots)
    )
    data = json.dumps(event_data(event, settings().base_url), ensure_ascii=False).replace("<", "\\u003c")
    page = render_template(
        "event.html",
        event=event,
        edition=event.edition,
        places=places,
        list_is_open=list_is_open,
        description=Markup(typeset("fr", render_markdown(event.description))),  # noqa: S704 - rendered safely
        structured=Markup(data),  # noqa: S704 - JSON with every < escaped
        similar=catalogue.similar(event, places or 1) if full else [],
        feed=subscription(url_for("feeds.organisation", organisation_id=event.host_id)),
    )
    return page, not full


def _places() -> int | None:
    given = request.args.get("places", "")
    return int(given) if given.isascii() and given.isdigit() and 0 < int(given[:9]) <= 500 else None
