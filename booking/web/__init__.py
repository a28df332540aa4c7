"""Doors for people: pages, by resource."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5

from booking.app_settings import settings_of
from booking.web import (
    booking_form,
    bookings,
    catalogue,
    drawings,
    errors,
    events,
    health,
    home,
    information,
    language,
    mailbox,
    security,
    templating,
)

_BLUEPRINTS = (
    home.bp,
    catalogue.bp,
    events.bp,
    events.leaflet_bp,
    booking_form.bp,
    bookings.bp,
    information.bp,
    drawings.bp,
    health.bp,
)


def init_app(app: Flask) -> None:
    """Open the pages; the demo alone has a mailbox."""
    Bootstrap5(app)
    language.init_app(app)
    security.init_app(app)
    templating.init_app(app)
    errors.init_app(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings_of(app).demo:
        app.register_blueprint(mailbox.bp)
