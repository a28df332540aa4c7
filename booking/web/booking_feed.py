"""All bookings of one address in their owner's calendar: the page that gives the feed's address, and takes it back.

A booking's secret link is not enough here: it may have been passed on, and opens that one booking. The page is for the browser
that has shown lately that the address is its own.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.actions.feeds import follow_bookings, unfollow_bookings
from booking.actions.queue_message import facts_of
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import NotFound
from booking.mail.calendar_links import CalendarLinks, copies_of
from booking.mail.facts import read_facts
from booking.models import Booking, Kind, Status
from booking.queries import feeds
from booking.web import access
from booking.web.subscriptions import secret_subscription

bp = Blueprint("booking_feed", __name__)


def on_page(booking: Booking) -> dict[str, object]:
    """What the booking's own page needs for its calendar part (`templates/booking_calendar.html`). No statement."""
    confirmed = booking.status is Status.CONFIRMED
    return {
        "copies": _copies(booking) if confirmed else None,
        "follows": confirmed and access.is_proven(booking.email),
    }


@bp.get("/bookings/<reference>/feed")
def show(reference: str) -> str:
    """The feed's address, or how to get one."""
    booking = _of_owner(reference)
    feed = feeds.feed_of_address(booking.email)
    note = request.args.get("note", "")
    return render_template(
        "booking_feed.html",
        booking=booking,
        feed=secret_subscription(feed) if feed else None,
        note=note if note == "closed" else "",
        token=access.given_token(),
    )


@bp.post("/bookings/<reference>/feed")
def open_one(reference: str) -> Response:
    """Give the address; whoever has one keeps it."""
    email = _of_owner(reference).email
    in_transaction(lambda: follow_bookings(email))
    return redirect(url_for("booking_feed.show", reference=reference), 303)


@bp.post("/bookings/<reference>/feed/end")
def close(reference: str) -> Response:
    """Take the address back: it opens nothing any more."""
    email = _of_owner(reference).email
    in_transaction(lambda: unfollow_bookings(email))
    return redirect(url_for("booking_feed.show", reference=reference, note="closed"), 303)


def _of_owner(reference: str) -> Booking:
    booking = access.booking_or_404(reference)
    if not (booking.email and access.is_proven(booking.email)):
        raise NotFound
    return booking


def _copies(booking: Booking) -> CalendarLinks:
    facts = read_facts(facts_of(booking, Kind.BOOKING_CONFIRMED))
    return copies_of(facts, f"{settings().base_url}/events/{booking.slot.event_id}", g.locale)
