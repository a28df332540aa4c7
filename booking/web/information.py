"""Pages that inform: accessibility, privacy, legal notice, the rule of the waiting list, what robots may read."""

from __future__ import annotations

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from booking.actions.waiting_ends import LISTED_AT_LEAST_UNTIL
from booking.app_settings import settings
from booking.offer_times import DAY_BEGINS, DAY_ENDS, LEAST, OFFER_FOR

bp = Blueprint("information", __name__)


@bp.get("/accessibility")
def accessibility() -> str:
    """The accessibility statement."""
    return render_template("information/accessibility.html")


@bp.get("/privacy")
def privacy() -> str:
    """The privacy notice."""
    return render_template("information/privacy.html")


@bp.get("/legal")
def legal() -> str:
    """The legal notice, with the operator's settings."""
    return render_template("information/legal.html")


@bp.get("/companies")
def companies() -> str:
    """What hosting a visit asks of a company, and what it gives."""
    return render_template("information/companies.html")


@bp.get("/waiting-list")
def waiting() -> str:
    """The rule of the waiting list, with the numbers it runs by."""
    return render_template(
        "information/waiting.html",
        hours=int(OFFER_FOR.total_seconds() // 3600),
        least=int(LEAST.total_seconds() // 60),
        day_begins=DAY_BEGINS.hour,
        day_ends=DAY_ENDS.hour,
        listed_until=int(LISTED_AT_LEAST_UNTIL.total_seconds() // 3600),
        prove_minutes=settings().hold_minutes,
    )


@bp.get("/robots.txt")
def robots() -> Response:
    """Robots may read the programme and nobody's booking."""
    lines = [
        "User-agent: *",
        "Disallow: /bookings/",
        "Disallow: /feeds/",
        "Disallow: /slots/",
        "Disallow: /mailbox",
        f"# {settings().base_url}/events",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
