"""Doors for people: pages, by resource."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Open the pages."""
