"""Feeds: calendars that programs come back for, public ones and secret ones. A page of nobody: no cookie is read or set."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping

from flask import Blueprint, request
from werkzeug.wrappers import Response

from booking import clock
from booking.app_settings import settings
from booking.errors import NotFound
from booking.i18n import DEFAULT_LOCALE, LOCALES, _, translate
from booking.mail.feeds import booker_feed, organisation_feed, public_feed
from booking.mail.host_invitation import HostSlot
from booking.models import Feed
from booking.queries import catalogue, door, feeds
from booking.queries.feeds import PublicSlot
from booking.web.catalogue import read_filters
from booking.web.subscriptions import filters_in, is_secret_of, subscription

bp = Blueprint("feeds", __name__)

_FOR_ANYBODY = "public, max-age=900"
_FOR_ITS_OWNER = "private, no-cache"


@bp.get("/events/calendar.ics")
def programme() -> Response:
    """The programme at hand, with the filters of the catalogue's address."""
    edition = catalogue.current_edition()
    if edition is None:
        raise NotFound
    chosen = filters_in(request.args)
    name = translate(_locale(), _("%(edition)s (sélection)")) % {"edition": edition.name} if chosen else edition.name
    return _public(feeds.programme(read_filters(edition).filters, clock.now()), name, "programme", chosen)


@bp.get("/organisations/<int:organisation_id>/calendar.ics")
def organisation(organisation_id: int) -> Response:
    """What one organisation shows to everybody."""
    found, slots = feeds.organisation(organisation_id, clock.now())
    return _public(slots, found.name, found.key)


@bp.get("/editions/<key>/calendar.ics")
def edition(key: str) -> Response:
    """The labelled events of one edition."""
    found, slots = feeds.edition(key, clock.now())
    name = translate(_locale(), _("%(edition)s : événements labellisés")) % {"edition": found.name}
    return _public(slots, name, found.key)


@bp.get("/feeds/<int:feed_id>-<token>.ics")
def secret(feed_id: int, token: str) -> Response:
    """A secret feed, for who has its whole address. Any other address, and one that was taken back, is a 404."""
    feed = feeds.feed(feed_id)
    if not is_secret_of(feed, token):
        raise NotFound
    answer = _answer(_secret_body(feed), "calendrier", _FOR_ITS_OWNER)
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _secret_body(feed: Feed) -> bytes:
    now = clock.now()
    if feed.email is not None:
        return booker_feed(feeds.bookings(feed.email, now), settings(), _locale())
    owner = feeds.owner_of(feed)
    expected = door.calendar(owner.id, now)
    slots = [HostSlot(one, changed) for one, changed in expected]
    name = translate(_locale(), _("%(host)s : qui vient")) % {"host": owner.name}
    return organisation_feed(slots, name, settings(), _locale())


def _public(slots: list[PublicSlot], name: str, file_name: str, filters: Mapping[str, str] | None = None) -> Response:
    source = subscription(request.path, filters, _locale()).address
    return _answer(public_feed(slots, name, source, settings(), _locale()), file_name, _FOR_ANYBODY)


def _answer(body: bytes, file_name: str, kept: str) -> Response:
    """A calendar for a program that may have it already, and may want it small.

    The ETag is weak: it names what is said, however it is packed (RFC 9110, 8.8.1 and 8.8.3.3).
    """
    answer = Response(body, mimetype="text/calendar")
    answer.set_etag(hashlib.sha256(body).hexdigest()[:32], weak=True)
    if request.accept_encodings["gzip"] > 0:
        answer.set_data(gzip.compress(body, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-.") else "-" for sign in file_name)
    answer.headers["Content-Disposition"] = f'inline; filename="{safe}.ics"'
    answer.headers["Cache-Control"] = kept
    answer.headers["Vary"] = "Accept-Encoding"
    return answer.make_conditional(request.environ)


def _locale() -> str:
    """The language in the address; French where it names none. What a browser prefers is not asked: programs come here."""
    asked = request.args.get("lang", "")
    return asked if asked in LOCALES else DEFAULT_LOCALE
