"""`flask --app wsgi demo load`: the demo world."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from booking.demo import Loaded, load_demo

group = AppGroup("demo", help="The demo world: the editions of 2011 and 2023, and a week to come.")


def init_app(app: Flask) -> None:
    """Add the command group."""
    app.cli.add_command(group)


@group.command("load")
def load() -> None:
    """Load the demo world, or find it loaded; when its week is over, add the next one."""
    click.echo(said(load_demo()))


def said(loaded: Loaded) -> str:
    """What a loading did, in one line."""
    if not loaded.editions:
        return f"The demo world is there already; nothing was changed. Current: {loaded.current}."
    added = f"{loaded.editions} editions, {loaded.events} events, {loaded.slots} slots, {loaded.bookings} bookings"
    return f"Demo world loaded: {added}. Current: {loaded.current}."
