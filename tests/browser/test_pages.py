"""Every page, as axe, a narrow phone, a reader of large letters and the browser's own console see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import House, Visit, Visitor

WAYS: dict[str, dict[str, Any]] = {
    "light on a desk, in French": {"language": "fr", "color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark on a phone, in English": {"language": "en", "color_scheme": "dark", "viewport": {"width": 360, "height": 740}},
}
ONE_BY_ONE = 320
"""Pixels: a phone held close, or a desk at 400 %. WCAG 2.2, 1.4.10."""
EXPECTED_REFUSALS = {"not found": 404, "form, with mistakes": 422}
_WIDER_THAN_THE_WINDOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_CUT_OFF = """() => [...document.querySelectorAll('main *, header *, footer *')]
    .filter(e => e.clientWidth > 1 && getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1)
    .map(e => e.tagName + '.' + e.className)"""


_AXE = """options => axe.run(document, options).then(({violations}) => violations.map(
    rule => `${rule.id}: ${rule.help}, at ${rule.nodes[0].target}`))"""


@pytest.mark.parametrize("way", WAYS)
def test_axe_finds_nothing_nothing_scrolls_sideways_and_the_console_is_silent(visit: Visit, house: House, way: str) -> None:
    visitor = visit(**WAYS[way])
    page, wrong = visitor.page, []
    page.add_init_script(Axe().axe_script)  # each document begins with it: quicker than to send it to each
    for name in (
        *house.pages,
        "form, with mistakes",
        "catalogue, filters open",
        "mail",
        "mail, itself",
        "bookings in a calendar",
    ):
        show(visitor, house, name)
        wrong += [f"{name}: {violation}" for violation in violations(page)]
        wrong += [f"{name}: {excess} px too wide at {width}" for width, excess in too_wide(page).items()]
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def large_letters(chromium: Callable[..., Browser]) -> Iterator[Browser]:
    """The browser of somebody who asked it for letters twice as large."""
    with chromium("--blink-settings=defaultFontSize=32") as browser:
        yield browser


def test_with_letters_twice_as_large_everything_grows_and_nothing_is_cut_off(
    visit: Visit, house: House, large_letters: Browser
) -> None:
    """WCAG 2.2, 1.4.4: letters alone, in a window that stays as it is."""
    wrong = []
    for language, width in (("fr", 1280), ("en", 390)):
        visitor = visit(language, browser=large_letters, viewport={"width": width, "height": 900})
        for name in (
            "home",
            "catalogue, filtered",
            "event, for 31",
            "form, with mistakes",
            "booking, confirmed",
            "mailbox",
            "privacy",
        ):
            show(visitor, house, name)
            assert visitor.page.locator("main p").first.evaluate("p => parseFloat(getComputedStyle(p).fontSize)") > 27, name
            wrong += [f"{name}: {cut}" for cut in visitor.page.evaluate(_CUT_OFF)]
            if (excess := visitor.page.evaluate(_WIDER_THAN_THE_WINDOW)) > 0:
                wrong.append(f"{name} at {width}: {excess} px too wide")
    assert not wrong, "\n".join(wrong)


def show(visitor: Visitor, house: House, name: str) -> None:
    """Open a page by its name; some are reached by doing something."""
    page = visitor.page
    match name:
        case "form, with mistakes":
            page.goto(house.pages["form"])
            page.locator("#pupils").fill("31")
            page.locator("#adults").fill("1")
            with page.expect_response(lambda response: response.request.method == "POST") as answer:
                page.locator("#send").click()
            status = answer.value.status
            page.locator("#problems").wait_for()
        case "catalogue, filters open":
            status = opened(page, house.pages["catalogue"])
            if page.locator("#filters:not([open])").count():
                page.locator("#filters summary").click()
        case "bookings in a calendar":
            prove_the_address(page, house)
            status = opened(page, house.pages["booking, confirmed"].partition("?")[0] + "/feed")
            address = page.locator("main a[href^='webcal:']")
            if not address.count():
                page.locator("main form button").first.click()
            address.wait_for()
        case "mail" | "mail, itself":
            letter = page.request.get("/mailbox.json?to=prof@college.example").json()["messages"][0]["id"]
            status = opened(page, f"/mailbox/{letter}" + ("/html" if name == "mail, itself" else ""))
        case _:
            status = opened(page, house.pages[name])
    assert status == EXPECTED_REFUSALS.get(name, 200), name


def prove_the_address(page: Page, house: House) -> None:
    """Press once more the button of the mail that asks to confirm: this browser has then shown whose address it is."""
    page.goto(house.pages["booking, confirmed"])
    signed = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    address, _, token = house.pages["confirm, already"].partition("?token=")
    assert page.request.post(address, form={"csrf_token": signed, "token": token}).ok


def opened(page: Page, path: str) -> int:
    answer = page.goto(path)
    assert answer is not None
    return answer.status


def violations(page: Page) -> list[str]:
    """What axe finds, one line for each kind of thing, with the first place."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "preload": False}
    if page.url.endswith("/html"):  # a mail is no page: it has no landmarks and no heading of its own
        options["rules"] = {rule: {"enabled": False} for rule in ("landmark-one-main", "page-has-heading-one", "region")}
    found: list[str] = page.evaluate(_AXE, options)
    return found


def too_wide(page: Page) -> dict[int, int]:
    """How far the page scrolls sideways: in its own window, and in one of 320 pixels."""
    window = page.viewport_size
    assert window is not None
    found = {window["width"]: page.evaluate(_WIDER_THAN_THE_WINDOW)}
    page.set_viewport_size({"width": ONE_BY_ONE, "height": window["height"]})
    found[ONE_BY_ONE] = page.evaluate(_WIDER_THAN_THE_WINDOW)
    page.set_viewport_size(window)
    return {width: excess for width, excess in found.items() if excess > 0}
