"""Doors for people: pages, by resource."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from flask import Blueprint, Flask
from flask_bootstrap import Bootstrap5

from booking.app_settings import settings_of
from booking.web import (
    account,
    approvals,
    authority,
    booking_feed,
    booking_form,
    bookings,
    catalogue,
    drawings,
    errors,
    events,
    feedback,
    feeds,
    health,
    home,
    information,
    language,
    mailbox,
    mailbox_answer,
    moving,
    moving_form,
    navigation,
    operation,
    security,
    templating,
    waiting,
    waiting_answer,
    waiting_form,
    workspace,
)

_BLUEPRINTS = (
    home.bp,
    catalogue.bp,
    events.bp,
    events.leaflet_bp,
    feeds.bp,
    booking_feed.bp,
    booking_form.bp,
    bookings.bp,
    waiting.bp,
    waiting_answer.bp,
    waiting_form.bp,
    approvals.bp,
    moving.bp,
    moving_form.bp,
    feedback.bp,
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
    navigation.init_app(app)
    errors.init_app(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    for blueprint in _blueprints_in(account, workspace, authority, operation):
        app.register_blueprint(blueprint)
    if settings_of(app).demo:
        app.register_blueprint(mailbox.bp)
        app.register_blueprint(mailbox_answer.bp)


def _blueprints_in(*packages: ModuleType) -> Iterator[Blueprint]:
    """The blueprint of every module of these packages that has one."""
    for package in packages:
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            blueprint = getattr(import_module(found.name), "bp", None)
            if isinstance(blueprint, Blueprint):
                yield blueprint
