"""The catalogue: search in words, filters, and an address that is the state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template, request, url_for

from booking.errors import NotFound
from booking.models import Edition
from booking.models.event import Audience, EventType
from booking.models.party import LEVELS
from booking.queries import catalogue
from booking.queries.catalogue import Filters
from booking.web.subscriptions import Subscription, filters_in, subscription

bp = Blueprint("catalogue", __name__)

PER_PAGE = 12


@bp.get("/events")
def show() -> str:
    """The events of this edition that suit what the visitor asks for."""
    edition = catalogue.current_edition()
    if edition is None:
        return render_template("home_empty.html")
    return _page(edition, subscription(url_for("feeds.programme"), filters_in(request.args)))


@bp.get("/editions/<key>")
def of_edition(key: str) -> str:
    """The events of any edition; past ones stay readable."""
    edition = next((found for found in catalogue.editions() if found.key == key), None)
    if edition is None:
        raise NotFound
    return _page(edition)


@dataclass(frozen=True)
class Asked:
    """What the address asks for; a value nobody could have chosen is left out, and said."""

    filters: Filters
    page: int
    ignored: tuple[str, ...]


def read_filters(edition: Edition) -> Asked:
    """The filters in this request's address."""
    ignored: list[str] = []

    def word(name: str, allowed: tuple[str, ...]) -> str:
        given = request.args.get(name, "").strip()
        if given and given not in allowed:
            ignored.append(name)
            return ""
        return given

    def number(name: str, most: int) -> int | None:
        given = request.args.get(name, "").strip()
        if not given:
            return None
        if given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= most:
            return int(given)
        ignored.append(name)
        return None

    filters = Filters(
        edition_id=edition.id,
        words=request.args.get("q", "").replace("\0", "").strip()[:80],
        day=_day(word("day", tuple(day.isoformat() for day in edition.days))),
        commune=word("commune", tuple(catalogue.communes(edition.id))),
        type=word("type", tuple(EventType)),
        audience=word("audience", ("school", *Audience)),
        level=word("level", LEVELS),
        places=number("places", 500),
    )
    return Asked(filters, number("page", 10_000) or 1, tuple(ignored))


def _day(given: str) -> date | None:
    return date.fromisoformat(given) if given else None


def _page(edition: Edition, feed: Subscription | None = None) -> str:
    asked = read_filters(edition)
    result = catalogue.search(asked.filters, asked.page, PER_PAGE)
    chosen = {
        name: value.strip()
        for name, value in request.args.items()
        if name not in {"lang", "page"} and value.strip() and name not in asked.ignored
    }
    return render_template(
        "catalogue.html",
        edition=edition,
        result=result,
        filters=asked.filters,
        chosen=chosen,
        ignored=asked.ignored,
        days=catalogue.event_days(edition),
        communes=catalogue.communes(edition.id),
        types=catalogue.types_in_use(edition.id),
        audiences=["school", *Audience],
        levels=LEVELS,
        editions=catalogue.editions(),
        feed=feed,
    )
