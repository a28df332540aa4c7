"""Doors for operators: `flask --app wsgi …`. Each module here has one command or group and an `init_app`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from flask import Flask


def init_app(app: Flask) -> None:
    """Add every command of this package."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        import_module(module.name).init_app(app)
