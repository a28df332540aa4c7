"""The settings of the application that answers this request."""

from __future__ import annotations

from flask import current_app

from booking.config import Settings


def settings() -> Settings:
    """What this installation is set to."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def secrets_of(found: Settings) -> tuple[str, ...]:
    """The keys that open secret links: today's, then those before it."""
    return (found.secret_key, *found.secret_key_fallbacks)
