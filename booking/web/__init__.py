"""Doors for people: pages, by resource."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5

from booking.web import (
    booking_form,
    bookings,
    catalogue,
    drawings,
    errors,
    events,
    home,
    information,
    language,
    security,
    templating,
)

_BLUEPRINTS = (home.bp, catalogue.bp, events.bp, booking_form.bp, bookings.bp, information.bp, drawings.bp)


def init_app(app: Flask) -> None:
    """Open the pages; the demo alone has a mailbox."""
    Bootstrap5(app)
    language.init_app(app)
    security.init_app(app)
    templating.init_app(app)
    errors.init_app(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    _register_if_present(app)


def _register_if_present(app: Flask) -> None:
    import importlib.util as u

    if u.find_spec("booking.web.health"):
        from booking.web import health

        app.register_blueprint(health.bp)
    if u.find_spec("booking.web.mailbox") and app.config["SETTINGS"].demo:
        from booking.web import mailbox

        app.register_blueprint(mailbox.bp)
    from booking import api

    if hasattr(api, "bp"):
        security.csrf.exempt(api.bp)
