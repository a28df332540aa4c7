"""A browser and a server for the whole of this folder, and visitors who note every complaint of their browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from booking.config import ROOT

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PATIENCE = 15_000
"""Milliseconds. Much more than anything takes here, so that a busy machine fails nothing."""

expect.set_options(timeout=_PATIENCE)

A_BOOKING = re.compile(r"/bookings/\w{4}-\w{4}")
"""The address of a booking's own page."""

Visit = Callable[..., "Visitor"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


class House:
    """The server under test: where it is, what it shows, and its worker."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        told = self._read()
        self.base: str = told["base"]
        self.pages: dict[str, str] = told["pages"]
        self.workspaces: dict[str, tuple[str, str]] = told["workspaces"]
        """Pages behind a sign-in: by its name, whose seat it is seen from, and its address."""
        self.seats: dict[str, str] = told["seats"]
        """The cookie of everybody who is signed in."""

    def enter(self, page: Page, name: str) -> str:
        """Take the seat a page of the workspaces is seen from; returns its address."""
        seat, path = self.workspaces[name]
        page.context.clear_cookies(name="account")
        if seat:
            page.context.add_cookies([{"name": "account", "value": self.seats[seat], "url": self.base}])
        return path

    def work(self) -> None:
        """One round of the worker: what is queued is delivered."""
        assert self._process.stdin
        self._process.stdin.write("work\n")
        self._process.stdin.flush()
        assert self._read() == "done"

    def _read(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"the server under test has ended: {self._log.read_text()[-3000:]}"
        return json.loads(line)


class Visitor:
    """One person's browser: a page, and what the browser complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(_PATIENCE)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        expected = message.text.startswith("Failed to load resource") and "status of 4" in message.text
        if message.type in {"error", "warning"} and not expected:
            self.complaints.append(f"{message.text} ({self.page.url})")


@pytest.fixture(scope="package")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("browser")
    path, log = folder / "demo.sqlite3", folder / "log"
    shutil.copy(sqlite_template, path)
    command = [sys.executable, "-m", "tests.browser.server", f"sqlite:///{path}"]
    with (
        log.open("w") as words,
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, text=True) as process,
    ):
        try:
            yield House(process, log)
        finally:
            process.terminate()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Callable[..., Browser]]:
    """Starts the system's Chromium, with more flags where wanted.

    It ends with this folder: Playwright's event loop would be in the way of other tests.
    """
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        reason = f"no browser: none of {', '.join(_NAMES)} is installed"
        if os.environ.get("BROWSER_REQUIRED") == "1" or os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *flags])


@pytest.fixture(scope="package")
def browser(chromium: Callable[..., Browser]) -> Iterator[Browser]:
    """The browser that almost everybody uses."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Visit]:
    """Opens a browser of its own for each visitor; at the end none of them may have complained."""
    with ExitStack() as opened:
        visitors: list[Visitor] = []

        def open_browser(language: str = "fr", browser: Browser = browser, **options: Any) -> Visitor:
            locale = {"fr": "fr-FR", "en": "en-GB"}[language]
            context = opened.enter_context(browser.new_context(base_url=house.base, locale=locale, **options))
            visitors.append(Visitor(context.new_page()))
            return visitors[-1]

        yield open_browser
        assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
