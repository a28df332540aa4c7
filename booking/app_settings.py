"""The settings of the application that answers this request."""

from __future__ import annotations

from flask import Flask, current_app

from booking.config import Settings


def settings() -> Settings:
    """What this installation is set to."""
    return settings_of(current_app)


def settings_of(app: Flask) -> Settings:
    """What an application is set to."""
    found: Settings = app.config["SETTINGS"]
    return found


def secrets_of(found: Settings) -> tuple[str, ...]:
    """The keys that open secret links: today's, then those before it."""
    return (found.secret_key, *found.secret_key_fallbacks)
