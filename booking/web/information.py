"""Pages that inform: accessibility, privacy, legal notice, what robots may read."""

from __future__ import annotations

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from booking.app_settings import settings

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


@bp.get("/robots.txt")
def robots() -> Response:
    """Robots may read the programme and nobody's booking."""
    lines = [
        "User-agent: *",
        "Disallow: /bookings/",
        "Disallow: /slots/",
        "Disallow: /mailbox",
        f"# {settings().base_url}/events",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
