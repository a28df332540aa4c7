"""The whole story of a class of 31 at the port, in a real browser: in French with JavaScript, in English without.

What only JavaScript does is told in both languages, and the keyboard's story is told with and without (test_keyboard.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import A_BOOKING, House, Visit, Visitor

EVENT = "Visite des activités portuaires"


@dataclass(frozen=True)
class Words:
    """What the pages and the mails say in one language."""

    search: str
    places_for: str
    level: str
    results: str
    book_31: str
    free: str
    send: str
    to_mend: str
    held: str
    mail_asks: str
    confirm: str
    booked: str
    mail_confirms: str
    too_late: str
    elsewhere: str
    headcount: str
    mail_changes: str
    cancel: str
    really: str
    cancelled: str
    mail_cancels: str
    missing: str
    left: str
    over: str


WORDS = {
    "fr": Words(
        search="Chercher", places_for="Places pour combien ?", level="Niveau",
        results=r"événements? avec au moins 31 places", book_31="Réserver 31 places, mardi 24 novembre, 14 h 30",
        free="31 places libres sur 31", send="Réserver pour la classe", to_mend="2 réponses sont à revoir",
        held=r"Places tenues jusqu’à \d\d?\sh", mail_asks="Confirmez avant", confirm="Confirmer 31 places", booked="C’est réservé",
        mail_confirms="Confirmé", too_late="Ce créneau est complet", elsewhere="mercredi 25 novembre, 9 h 30",
        headcount="Changer l’effectif", mail_changes="Modifié", cancel="Annuler la réservation", really="Oui, annuler",
        cancelled="Réservation annulée", mail_cancels="Annulé", missing="Il manque 1 adulte : le site en demande 3.",
        left="places prises, il en restera 1", over="places prises, 1 de trop",
    ),
    "en": Words(
        search="Search", places_for="Places for how many?", level="Level",
        results=r"events? with at least 31 places", book_31="Book 31 places, Tuesday 24 November, 2:30 pm",
        free="31 of 31 places free", send="Book for the class", to_mend="2 answers need another look",
        held=r"Places held until \d\d?", mail_asks="Confirm by", confirm="Confirm 31 places", booked="You’re booked",
        mail_confirms="Confirmed", too_late="This slot is full", elsewhere="Wednesday 25 November, 9:30 am",
        headcount="Change the headcount", mail_changes="Changed", cancel="Cancel the booking", really="Yes, cancel",
        cancelled="Booking cancelled", mail_cancels="Cancelled", missing="1 adult is missing: the site asks for 3.",
        left="places taken, 1 will be left", over="places taken, 1 too many",
    ),
}  # fmt: skip


def spaced(text: str) -> re.Pattern[str]:
    """A link's name, whatever its spaces are: some of ours do not break, and the part for the ear stands a little apart."""
    return re.compile(re.escape(text).replace(r"\ ", r"\s").replace(",", r"\s?,"))


@pytest.mark.parametrize(("language", "script"), [("fr", True), ("en", False)], ids=["fr-script", "en-plain"])
def test_a_class_of_31_books_the_port_visit_inside_the_debate_and_the_calendar_follows(
    visit: Visit, house: House, language: str, script: bool
) -> None:
    words, email = WORDS[language], f"prof-{language}-{script}@college.example".lower()
    visitor = visit(language, java_script_enabled=script)
    page = visitor.page
    find_the_visit(page, words)
    fill_in_with_two_mistakes(page, words, script=script)
    mend_and_send(page, words, email)
    expect(page.locator(".band")).to_have_text(re.compile(words.held))
    confirm_from_the_mailbox(page, house, words, email)
    refuse_one_pupil_more(visit(language, java_script_enabled=script), house, words)
    come_with_30(page, house, words, email)
    cancel(page, house, words, email)
    page.goto(f"{house.pages['event, open']}?places=31")
    expect(page.locator(".slot").first).to_contain_text(words.free)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_totals_follow_as_one_types(visit: Visit, house: House, language: str) -> None:
    page, words = visit(language).page, WORDS[language]
    page.goto(f"{house.pages['form']}?places=31")
    total, missing = page.locator("#total"), page.locator("#missing")
    page.locator("#pupils").fill("30")
    expect(total).to_contain_text(f"30 {words.left}")
    page.locator("#pupils").fill("32")
    expect(total).to_contain_text(f"32 {words.over}")
    page.locator("#pupils").fill("31")
    expect(missing).to_be_hidden()
    page.locator("#adults").fill("2")
    expect(missing).to_have_text(words.missing)
    page.locator("#adults").fill("3")
    expect(missing).to_be_hidden()


def find_the_visit(page: Page, words: Words) -> None:
    """From the home page, through the catalogue with 31 places and a level, to the slot inside the debate."""
    page.goto("/")
    page.locator(".bar nav a").first.click()
    page.wait_for_url("**/events")
    page.wait_for_load_state()
    if not page.get_by_label(words.places_for).is_visible():
        page.locator("#filters summary").click()
    page.get_by_label(words.places_for).fill("31")
    page.get_by_label(words.level, exact=True).select_option("3e")
    page.locator("#filters").get_by_role("button", name=words.search).click()
    expect(page.locator("#count")).to_have_text(re.compile(words.results))
    page.get_by_role("link", name=EVENT).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(EVENT)
    expect(page.locator(".tree a")).to_contain_text("Canal Seine-Nord")
    expect(page.locator(".slot").first).to_contain_text(words.free)
    page.get_by_role("link", name=spaced(words.book_31)).click()
    expect(page.locator("#pupils")).to_have_value("31")


def fill_in_with_two_mistakes(page: Page, words: Words, *, script: bool) -> None:
    """The form comes back with a summary whose links lead to the fields, and with everything that was typed."""
    page.locator("#pupils").fill("31")
    page.locator("#adults").fill("3")
    page.locator("#school_name").fill("Collège Guy-Môquet")
    page.locator("#level").select_option("3e")
    page.locator("#label").fill("3e B")
    page.locator("#name").fill("Camille Martin")
    page.get_by_role("button", name=words.send).click()
    problems = page.locator("#problems")
    expect(problems).to_contain_text(words.to_mend)
    if script:
        expect(problems).to_be_focused()
    else:
        problems.focus()
        expect(problems).to_be_focused()
    for field, typed in {
        "pupils": "31",
        "adults": "3",
        "school_name": "Collège Guy-Môquet",
        "level": "3e",
        "label": "3e B",
    }.items():
        expect(page.locator(f"#{field}")).to_have_value(typed)
    for field in ("commune", "email"):
        problems.locator(f"a[href='#{field}']").click()
        expect(page.locator(f"#{field}")).to_be_focused()
        expect(page.locator(f"#{field}")).to_be_in_viewport()


def mend_and_send(page: Page, words: Words, email: str) -> None:
    """Two quick clicks on the button: the second one comes too late or does no harm."""
    page.locator("#commune").fill("Gennevilliers")
    page.locator("#email").fill(email)
    page.get_by_role("button", name=words.send).dblclick()
    # Asked again and again, not awaited as one navigation: the second click ends the navigation of the first.
    expect(page).to_have_url(A_BOOKING)
    page.wait_for_load_state()


def confirm_from_the_mailbox(page: Page, house: House, words: Words, email: str) -> None:
    """The mail's own link leads to a button, and the button books; the invitation follows."""
    house.work()
    open_mail(page, email, words.mail_asks)
    expect(page.locator(".mail-entry")).to_have_count(0)
    page.locator("pre a[href*='/confirmation?token=']").click()
    page.get_by_role("button", name=words.confirm).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words.booked)
    expect(page.locator("img.qr")).to_be_visible()
    assert page.locator("img.qr").evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    house.work()
    open_mail(page, email, words.mail_confirms)
    expect_invitation(page, "REQUEST", 0)
    assert how_many(page, email, words.mail_confirms) == 1, "two clicks, one booking"


def refuse_one_pupil_more(stranger: Visitor, house: House, words: Words) -> None:
    """Not the 32nd: another teacher, who opened the form in time, is told where there is room."""
    page = stranger.page
    page.goto(house.pages["form, with adults counted"])
    form = page.locator("#booking")
    slot = house.pages["form"].removesuffix("/new")
    form.evaluate("(form, address) => { form.action = address }", slot)
    for field, value in {"pupils": "1", "adults": "1", "school_name": "Collège Édouard-Vaillant", "commune": "Gennevilliers",
                         "label": "3e Z", "name": "Alex Durand", "email": "autre@college.example"}.items():  # fmt: skip
        page.locator(f"#{field}").fill(value)
    page.locator("#level").select_option("3e")
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.locator("#send").click()
    assert answer.value.status == 409
    expect(page.get_by_role("heading", level=1)).to_have_text(words.too_late)
    expect(page.locator("#problems")).to_contain_text(words.elsewhere)


def come_with_30(page: Page, house: House, words: Words, email: str) -> None:
    open_booking(page)
    page.locator("#pupils").fill("30")
    page.get_by_role("button", name=words.headcount).click()
    expect(page.locator(".pass .heads")).to_contain_text("30")
    house.work()
    open_mail(page, email, words.mail_changes)
    expect_invitation(page, "REQUEST", 1)


def cancel(page: Page, house: House, words: Words, email: str) -> None:
    open_booking(page)
    page.get_by_role("link", name=words.cancel).click()
    page.get_by_role("button", name=words.really).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words.cancelled)
    house.work()
    open_mail(page, email, words.mail_cancels)
    expect_invitation(page, "CANCEL", 2)


def open_mail(page: Page, email: str, subject: str) -> None:
    """The latest mail to an address; its subject begins as expected."""
    page.goto(f"/mailbox?to={email}")
    latest = page.locator(".mailbox tbody th a").first
    expect(latest).to_have_text(re.compile(f"^{re.escape(subject)}"))
    latest.click()
    expect(page.locator("iframe")).to_be_visible()


def how_many(page: Page, email: str, subject: str) -> int:
    page.goto(f"/mailbox?to={email}")
    return page.locator(".mailbox tbody th a").filter(has_text=re.compile(f"^{re.escape(subject)}")).count()


def open_booking(page: Page) -> None:
    """Through the link of the mail that is open, as a reader would come back days later."""
    if not page.locator("pre a").count():
        page.locator(".mailbox tbody th a").first.click()
    page.locator("pre a[href*='/bookings/']").first.click()
    expect(page.locator(".pass")).to_be_visible()


def expect_invitation(page: Page, method: str, sequence: int) -> None:
    """The calendar part of the mail that is open."""
    source = page.locator("pre").filter(has_text="BEGIN:VCALENDAR")
    expect(source).to_contain_text(f"METHOD:{method}")
    expect(source).to_contain_text(f"SEQUENCE:{sequence}")
