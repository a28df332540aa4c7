"""`flask worker`: deliver mail and let holds expire."""

from __future__ import annotations

import click
from flask import Flask, current_app

from booking import transport
from booking.worker import Worker


def init_app(app: Flask) -> None:
    """Add the command, and configure the mail it sends."""
    transport.init_app(app)
    app.cli.add_command(worker)


@click.command("worker")
@click.option("--once", is_flag=True, help="Do what is due now, say what was done, and end.")
def worker(once: bool) -> None:
    """Deliver mail and let holds expire, until SIGTERM."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the worker outlives the proxy
    running = Worker(app, transport.transport_for(app))
    if once:
        running.empty()
        click.echo(running.summary)
        return
    running.run()
