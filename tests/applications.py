"""Applications that many tests use one after another. Making one takes ten times as long as a test, undoing a test nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, g
from jinja2 import BytecodeCache

from booking.app import create_app
from booking.db import db
from tests.databases import settings_for


class SharedApplication:
    """An application on one database, lent to one test at a time: whatever a test changes about it is undone.

    A test may change its settings, configuration, extensions, attributes and templates' names, and listen to its
    engine. Routes cannot be added to it (Flask itself refuses): a test that wants some makes an application of its own.
    """

    def __init__(self, url: str, compiled_templates: BytecodeCache) -> None:
        self._app = app = create_app(settings_for(url))
        app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        app.jinja_env.bytecode_cache = compiled_templates
        app.teardown_request(_forget_the_request)
        app.test_client().get("/healthz")  # after its first request Flask takes no more routes
        with app.app_context():
            self._engine = db.engine
        self._pool = self._engine.pool
        self._when_new = [(one, one.copy()) for thing in (app, app.jinja_env) for one in _containers_in(vars(thing))]

    @contextmanager
    def lent(self) -> Iterator[Flask]:
        """The application as if it were new, inside its context, with an engine and connections of its own."""
        self._engine.pool = self._pool.recreate()
        with self._app.app_context():
            # An engine made from ours has listeners of its own, and knows the statements that were compiled before.
            db.engines[None] = self._engine.execution_options()  # type: ignore[index]
            try:
                yield self._app
            finally:
                db.session.remove()
                self._engine.dispose()
                self._undo()

    def _undo(self) -> None:
        for container, content in self._when_new:
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)


def _forget_the_request(_error: BaseException | None) -> None:
    """A request of a test runs inside the test's own context: what it kept in `g`, the visitor first, is not the next one's."""
    vars(g).clear()


def _containers_in(value: Any) -> Iterator[Any]:
    """A dictionary, list or set, and those inside it."""
    if isinstance(value, dict | list | set):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _containers_in(inner)
