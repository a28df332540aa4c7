"""The keyboard alone: everything can be reached, the place where one is can be seen, and Enter sends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import A_BOOKING, House, Visit

_FOCUSED = """() => {
    const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
    const card = e.closest('.event-card'), around = card ? getComputedStyle(card) : style;
    return {
        name: e.id || e.name || (e.textContent || '').trim().replace(/\\s+/g, ' '),
        place: [...document.querySelectorAll('*')].indexOf(e),
        page: e === document.body,
        seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
        ringed: [style, around].some(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 3),
    }
}"""
_REACHABLE = """() => [...document.querySelectorAll('a[href], button, summary, select, textarea, input:not([type=hidden])')]
    .filter(e => e.checkVisibility({visibilityProperty: true}) && e.tabIndex >= 0).length"""


_NOTE_EACH_STOP = f"""() => {{
    window.stops = [];
    addEventListener('keydown', event => event.key === 'Tab' && stops.push(({_FOCUSED})()), true);
}}"""
"""Whatever has the focus when Tab is pressed is where the Tab before it led."""
_STOPS = f"() => [...stops, ({_FOCUSED})()].slice(1)"

PAGES = ("home", "catalogue", "event, open", "form", "booking, confirmed", "mailbox")
WORKSPACES = ("new event", "slot", "labels")


def test_tab_reaches_everything_in_turn_and_shows_where_one_is(visit: Visit, house: House) -> None:
    desk = {"width": 1280, "height": 800}
    wrong: list[str] = []
    for name in (*PAGES, *WORKSPACES):  # a new window each: where the focus goes after the last thing is this page's affair
        page = visit(viewport=desk).page
        path = house.pages[name] if name in PAGES else house.enter(page, name)
        wrong += [f"{name}: {fault}" for fault in go_round(page, path)]
    assert not wrong, "\n".join(wrong)


def go_round(page: Page, path: str) -> Iterator[str]:
    """What is wrong on the way from the top of a page to its end with Tab alone."""
    page.goto(path)
    page.evaluate(_NOTE_EACH_STOP)
    for _ in range(page.evaluate(_REACHABLE) + 1):
        page.keyboard.press("Tab")
    *stops, end = page.evaluate(_STOPS)
    if stops[0]["name"] != "Aller au contenu":
        yield f"begins at {stops[0]['name']}"
    yield from (f"{stop['name']}: {stop}" for stop in stops if stop["page"] or not stop["seen"] or not stop["ringed"])
    if len({stop["place"] for stop in stops}) < len(stops):
        yield "goes in circles"
    if not end["page"]:
        yield f"one stop for each thing, and then the page is over: {end['name']}"


def test_the_skip_link_leads_past_the_navigation(visit: Visit, house: House) -> None:
    page = visit().page
    page.goto(house.pages["event, open"])
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('main') !== null && !document.activeElement.matches('main')")


@pytest.mark.parametrize("script", [False, True], ids=["plain", "script"])
def test_a_class_is_booked_and_cancelled_without_a_mouse(visit: Visit, house: House, script: bool) -> None:
    page = visit(java_script_enabled=script).page
    page.goto(house.pages["form, with adults counted"])
    tab_to(page, "pupils")
    for word in ("2", "1", f"Collège Édouard-Vaillant {script}", "Gennevilliers", "", "3e", "3e K", "", "Camille Martin"):
        page.keyboard.type(word)
        page.keyboard.press("Tab")
    page.keyboard.type(f"clavier-{script}@college.example".lower())
    page.keyboard.press("Enter")
    page.wait_for_url(A_BOOKING)
    tab_to(page, "Annuler la réservation")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cancellation")
    tab_to(page, "Oui, annuler")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Réservation annulée")


def test_the_filters_open_and_search_from_the_keyboard_on_a_phone(visit: Visit, house: House) -> None:
    page = visit(viewport={"width": 360, "height": 740}).page
    page.goto(house.pages["catalogue"])
    tab_to(page, "Chercher et filtrer")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("péniche")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=p*")
    expect(page.locator("#f-q")).to_have_value("péniche")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUSED)["name"] == name:
            return
    pytest.fail(f"Tab does not reach {name}")
