"""Doors for programs: the JSON API under /api/v1, by resource."""

from __future__ import annotations

from flask import Flask

from booking.api import bookings, editions, events, moving, openapi, problems, slots, waiting  # noqa: F401 - adding to `bp`
from booking.api.door import bp

__all__ = ["bp", "init_app"]


def init_app(app: Flask) -> None:
    """Open the API."""
    problems.init_app(app)
    app.register_blueprint(bp)
