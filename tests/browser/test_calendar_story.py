"""A No given in the calendar, and taken back: the whole round in a real browser without JavaScript."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import A_BOOKING, House, Visit
from tests.browser.test_story import expect_invitation, open_mail

EMAIL = "agenda@college.example"
CLASS = {
    "pupils": "1", "adults": "1", "school_name": "Collège Édouard-Vaillant", "commune": "Gennevilliers", "label": "4e K",
    "name": "Alex Durand", "email": EMAIL,
}  # fmt: skip


def test_a_no_in_the_calendar_gives_the_places_back_and_can_be_undone(visit: Visit, house: House) -> None:
    page = visit(java_script_enabled=False).page
    page.goto(house.pages["form, with adults counted"])
    slot, event = re.search(r"/slots/\d+", page.url), re.search(r'href="(/events/\d+)', page.content())
    assert slot
    assert event
    for field, value in CLASS.items():
        page.locator(f"#{field}").fill(value)
    page.locator("#level").select_option("4e")
    free = places(page.context.new_page(), event[1], slot[0])
    page.locator("#send").click()
    expect(page).to_have_url(A_BOOKING)
    house.work()
    open_mail(page, EMAIL, "Confirmez avant")
    page.locator("pre a[href*='/confirmation?token=']").click()
    page.get_by_role("button", name="Confirmer").click()
    house.work()
    assert places(page.context.new_page(), event[1], slot[0]) == free - 2, "aboard everybody counts"

    open_mail(page, EMAIL, "Confirmé")
    expect_invitation(page, "REQUEST", 0)
    page.get_by_role("button", name="Décliner").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("La réponse est en route")
    expect(page.locator("main")).to_contain_text("les places sont rendues")
    house.work()
    assert places(page.context.new_page(), event[1], slot[0]) == free

    page.get_by_role("link", name="Voir ses messages").click()
    page.locator(".mailbox tbody th a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Places rendues"))
    page.locator("pre a[href*='?token=']").first.click()
    page.get_by_role("button", name=re.compile("Rétablir")).click()
    expect(page.locator("main")).to_contain_text("La réservation est rétablie")
    house.work()
    assert places(page.context.new_page(), event[1], slot[0]) == free - 2
    open_mail(page, EMAIL, "Confirmé")
    expect_invitation(page, "REQUEST", 1)


def places(page: Page, event: str, slot: str) -> int:
    """How many places of a slot its event's page offers."""
    page.goto(event)
    said = page.locator(".slot", has=page.locator(f"a[href*='{slot}/']")).inner_text()
    page.close()
    found = re.search(r"(\d+)\s+places? libres?", said)
    assert found, said
    return int(found[1])
