"""The home page: this edition, its week, and where one can still go."""

from __future__ import annotations

from flask import Blueprint, render_template

from booking.queries import catalogue

bp = Blueprint("home", __name__)


@bp.get("/")
def show() -> str:
    """This edition in one line, its week, three doors, the events that still have room."""
    edition = catalogue.current_edition()
    if edition is None:
        return render_template("home_empty.html")
    return render_template(
        "home.html",
        edition=edition,
        days=catalogue.event_days(edition),
        found=catalogue.with_room(edition.id, 6),
        archives=[other for other in catalogue.editions() if other.id != edition.id],
    )
