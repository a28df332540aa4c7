"""`flask --app wsgi serve`: everything one machine needs, started together and stopped together.

It brings the database up to date, loads the demo world where it is wanted, starts the web server and the worker as
children, and says what it is doing. It ends when it is told to, or when a child does.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from multiprocessing.context import ForkProcess as Process
from types import FrameType
from typing import Any

import click
from flask import Flask, current_app
from flask_migrate import upgrade
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn has no types
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from booking import transport
from booking.cli.demo import said
from booking.config import ROOT, Settings
from booking.db import db
from booking.demo import load_demo
from booking.i18n import LOCALES, catalogue
from booking.queries import schema
from booking.worker import Worker

HOST = "127.0.0.1"
THREADS = 8
_COMPILED = ROOT / "var" / "templates"
_STARTED_WITHIN = 60
_STOPPED_WITHIN = 35
"""Seconds. Gunicorn lets requests finish for 30."""


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(serve)


@click.command("serve")
def serve() -> None:
    """Bring the database up to date, then run the web server and the worker until stopped."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # gunicorn needs the object, not the proxy
    settings: Settings = app.config["SETTINGS"]
    _refuse_taken_port(settings.port)
    _prepare_database(settings)
    sys.exit(_Household(app, settings).run())


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: a port just left is free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            sys.exit(
                f"Port {port} cannot be used ({error.strerror}). Stop what is using it, or choose another: PORT=8001 make run"
            )


def _prepare_database(settings: Settings) -> None:
    """Migrations and the demo world, each said before it is done. Leaves no connection open: the children come next."""
    _say(f"Database: {database_said(settings.database_url)}.")
    _make_folder(settings.database_url)
    try:
        if not schema.is_current():
            db.session.rollback()
            _say("Applying migrations …")
            upgrade()
        if settings.demo:
            _say(said(load_demo()))
    except SQLAlchemyError as error:
        sys.exit(f"The database does not answer ({type(error).__name__}): check that it is running, and DATABASE_URL.")
    db.session.remove()
    db.engine.dispose()


def database_said(url: str) -> str:
    """Which database this is, without its password."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        return f"SQLite, {os.path.relpath(parts.database or '')}"
    return f"PostgreSQL, {parts.database} at {parts.host or 'this machine'}"


def _make_folder(url: str) -> None:
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database:
        os.makedirs(os.path.dirname(os.path.abspath(parts.database)), exist_ok=True)  # noqa: PTH103, PTH120, PTH100 - a path that may be empty


class _Household:
    """The web server and the worker, from their start to their end."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.stopping = False

    def run(self) -> int:
        """Start both, watch them, stop both. Returns the exit status: 0 when told to stop, 1 when a child died."""
        _warm_up(self.app)
        self.web = _child(_serve_pages, self.app, self.settings)
        self.web.start()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        self.worker: Process | None = None
        try:
            if self._wait_until_it_answers():
                self.worker = _child(_deliver, self.app, self.settings)
                self.worker.start()
                self._announce()
            return self._watch()
        finally:
            self._end()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _wait_until_it_answers(self) -> bool:
        deadline = time.monotonic() + _STARTED_WITHIN
        while time.monotonic() < deadline and not self.stopping and self.web.is_alive():
            if _answers(self.settings.port):
                return True
            time.sleep(0.03)
        return False

    def _announce(self) -> None:
        base = f"http://{HOST}:{self.settings.port}"
        _say(
            f"Coulisses is at {base}"
            + ("" if self.settings.base_url == base else f" and links to itself as {self.settings.base_url}")
        )
        if self.settings.mail_server:
            _say(f"Mail goes out through {self.settings.mail_server}:{self.settings.mail_port}.")
        else:
            _say(f"Mail is shown at {base}/mailbox")
        _say("Ctrl-C stops it.")

    def _watch(self) -> int:
        """Wait for a signal or for a death. Without a worker the web server never answered, which is a death too."""
        while not self.stopping and self.web.is_alive() and self.worker and self.worker.is_alive():
            time.sleep(0.2)
        if self.stopping:
            _say("Stopping …")
            return 0
        dead = "worker" if self.web.is_alive() and self.worker else "web server"
        status = self.worker.exitcode if dead == "worker" and self.worker else self.web.exitcode
        ended = "has ended" if status is not None else "does not answer"
        _say(f"The {dead} {ended}{'' if status is None else f' (status {status})'}; stopping the rest. Its last words are above.")
        return 1

    def _end(self) -> None:
        """Ask both to stop, wait for what they are doing, then insist."""
        children = [child for child in (self.web, self.worker) if child]
        deadline = time.monotonic() + _STOPPED_WITHIN
        for child in children:
            child.terminate()
        for child in children:
            child.join(max(1.0, deadline - time.monotonic()))
            if child.is_alive():
                child.kill()
        _say("Stopped.")


def _warm_up(app: Flask) -> None:
    """Load once what every child will need, and let the children share its memory.

    Frozen objects are left alone by the garbage collector, which would otherwise write to their pages and so copy them.
    """
    configure_mappers()
    _keep_compiled_templates(app)
    for name in app.jinja_env.list_templates(filter_func=_is_for_everybody):
        app.jinja_env.get_template(name)
    for locale in LOCALES:
        catalogue(locale)
    gc.collect()
    gc.freeze()


def _is_for_everybody(name: str) -> bool:
    """The public pages. Few sign in, and their pages are loaded when the first of them comes."""
    return name.endswith(".html") and not name.startswith(("mail/", "account/", "workspace/", "authority/", "mailbox/"))


def _keep_compiled_templates(app: Flask) -> None:
    """Compile each template once and not at every start: that is two seconds. Where nothing can be written, do without."""
    with suppress(OSError):
        _COMPILED.mkdir(parents=True, exist_ok=True)
        if os.access(_COMPILED, os.W_OK):
            app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(_COMPILED))


def _child(target: Callable[[Flask, Settings], None], app: Flask, settings: Settings) -> Process:
    """A fork of this process, which finds the application loaded: that saves a second and most of its memory."""
    return multiprocessing.get_context("fork").Process(target=target, args=(app, settings), name=target.__name__.strip("_"))


def _deliver(app: Flask, _settings: Settings) -> None:
    """The worker, in a session of its own: Ctrl-C in the terminal reaches us alone, and we stop it in order."""
    os.setsid()
    Worker(app, transport.transport_for(app)).run()


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _serve_pages(app: Flask, settings: Settings) -> None:
    """The web server, in a session of its own."""
    os.setsid()
    _Gunicorn(
        app,
        bind=f"{HOST}:{settings.port}",
        workers=settings.workers,
        worker_class="gthread",
        threads=THREADS,
        graceful_timeout=30,
        loglevel="warning",
        control_socket_disable=True,
    ).run()


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # its base has no types
    """Gunicorn around an application that is there already."""

    def __init__(self, app: Flask, **options: Any) -> None:
        self.application = app
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        """Take our options; nothing is read from a file."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self.application


def _say(sentence: str) -> None:
    click.echo(sentence)
    sys.stdout.flush()
