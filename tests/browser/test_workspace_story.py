"""A company opens its doors by itself: from signing in to a class whose invitation follows the slot, without JavaScript."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import A_BOOKING, House, Visit
from tests.browser.test_story import expect_invitation, open_mail

COMPANY, AUTHORITY, TEACHER = "quai@quai-des-grues.example", "semaine-industrie@prefecture-92.example", "classe@college.example"
NAME, TITLE = "Quai des Grues", "Visite du port"
SIRET = "852 147 966 00018"


def test_a_company_writes_a_visit_the_authority_labels_it_a_class_books_and_the_invitation_follows(
    visit: Visit, house: House
) -> None:
    company, authority, teacher = (visit("fr", java_script_enabled=False).page for _ in range(3))
    sign_in(company, house, COMPANY)
    join(company)
    event = write_the_event(company)
    add_two_slots(company, event)
    submit(company)
    sign_in(authority, house, AUTHORITY)
    show_the_second_factor(authority)
    accept_the_company(authority)
    return_it(authority)
    correct_and_submit_again(company, house, event)
    label_it(authority)
    publish(company, house, event)
    booking = book(teacher, company)
    move_the_slot(company, house, teacher)
    refuse_to_lower_the_capacity(company, booking)


def sign_in(page: Page, house: House, email: str) -> None:
    """The address, then the code from the mail; the page behind comes next."""
    page.goto("/workspace")
    page.locator("#email").fill(email)
    page.get_by_role("button", name="Recevoir un code").click()
    house.work()
    message = page.request.get(f"/mailbox.json?to={email}").json()["messages"][0]
    code = re.match(r"\d{3} ?\d{3}", message["subject"])
    assert code, message["subject"]
    page.locator("#code").fill(code[0])
    page.get_by_role("button", name="Se connecter").click()


def join(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Pour qui travaillez-vous ?")
    page.locator("#kind").select_option("company")
    page.locator("#name").fill(NAME)
    page.locator("#siret").fill(SIRET)
    page.locator("#commune").fill("Gennevilliers")
    page.get_by_role("button", name="Demander l’accès").click()
    page.locator("a.button-main").click()


def write_the_event(page: Page) -> str:
    """What is known is there already: the commune and the contact. Returns the address of the event's page."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Écrire un événement")
    expect(page.locator("#commune")).to_have_value("Gennevilliers")
    expect(page.locator("#contact_email")).to_have_value(COMPANY)
    page.locator("#title").fill(TITLE)
    page.locator("#summary").fill("Les grues, les conteneurs et les péniches, vus du quai.")
    page.get_by_role("checkbox", name="Collégiens").check()
    page.locator("#place_name").fill("Quai des Grues")
    page.locator("#address").fill("1 quai du Môle")
    page.locator("#postcode").fill("92230")
    page.locator("#meeting_point").fill("Barrière du quai")
    page.locator("#description").fill("Le groupe marche **deux kilomètres**.\n\n- grues\n- conteneurs")
    page.get_by_role("button", name="Voir l’aperçu de la description").click()
    expect(page.locator("#preview strong")).to_have_text("deux kilomètres")
    expect(page.locator("#title")).to_have_value(TITLE)
    page.locator("#event-form .button-main").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    return page.url.split("?")[0]


def add_two_slots(page: Page, event: str) -> None:
    """Two of 31, on one morning and one afternoon."""
    page.get_by_role("link", name="Ajouter des créneaux").first.click()
    page.locator("#first").fill("2026-11-24")
    page.locator("#minutes").fill("90")
    page.locator("#times").fill("10 h, 14 h")
    page.locator("#capacity").fill("31")
    page.locator("#slots .button-main").click()
    expect(page.locator(".table-house tbody tr")).to_have_count(2)
    page.goto(event)


def submit(page: Page) -> None:
    page.get_by_role("button", name="Demander le label").click()
    expect(page.locator(".notice.good")).to_contain_text("La demande de label est partie")


def show_the_second_factor(page: Page) -> None:
    page.get_by_role("button", name="Commencer").click()
    page.locator("#code").fill(page.locator(".notice.signal b").inner_text())
    page.get_by_role("button", name="Relier cet appareil").click()
    page.goto("/workspace")
    page.get_by_role("link", name="Labels, éditions, programme").click()


def accept_the_company(page: Page) -> None:
    page.get_by_role("link", name=NAME).last.click()
    page.get_by_role("button", name=f"Accepter {COMPANY}").click()
    expect(page.locator(".notice.good")).to_contain_text("La demande est acceptée")


def return_it(page: Page) -> None:
    open_the_request(page)
    expect(page.locator(".checks li")).to_have_count(5)
    answer(page, "return", "Précisez la station la plus proche.")


def open_the_request(page: Page) -> None:
    page.locator(".places").get_by_role("link", name="Labels").click()
    page.get_by_role("link", name=TITLE, exact=True).click()


def answer(page: Page, verdict: str, remarks: str) -> None:
    page.locator(f"input[name=verdict][value={verdict}]").check()
    page.locator("#remarks").fill(remarks)
    page.get_by_role("button", name="Envoyer la réponse").click()
    expect(page.locator(".notice.good").first).to_be_visible()


def correct_and_submit_again(page: Page, house: House, event: str) -> None:
    house.work()
    open_mail(page, COMPANY, "À compléter")
    page.goto(event)
    expect(page.get_by_role("region", name="Ce que dit l’autorité")).to_contain_text("station la plus proche")
    page.get_by_role("link", name="Modifier").click()
    page.locator("summary", has_text="Accessibilité et venue").click()
    page.locator("#access_info").fill("RER C, gare de Gennevilliers.")
    page.locator("#event-form .button-main").click()
    page.get_by_role("button", name="Soumettre de nouveau").click()


def label_it(page: Page) -> None:
    open_the_request(page)
    answer(page, "grant", "")


def publish(page: Page, house: House, event: str) -> None:
    house.work()
    open_mail(page, COMPANY, "Labellisé")
    page.goto(event)
    page.get_by_role("button", name="Publier").click()
    expect(page.locator(".notice.good")).to_contain_text("au programme")


def book(teacher: Page, company: Page) -> str:
    """31 pupils of a collège, confirmed by the host on the telephone's word; returns the booking's address."""
    company.get_by_role("link", name="Voir la page publique").first.click()
    expect(company.locator(".seal").first).to_contain_text("Labellisé")
    teacher.goto(company.url)
    teacher.locator(".slot a.button").first.click()
    for field, value in {"pupils": "31", "adults": "3", "school_name": "Collège du Môle", "commune": "Gennevilliers",
                         "label": "3e A", "name": "Camille Martin", "email": TEACHER}.items():  # fmt: skip
        teacher.locator(f"#{field}").fill(value)
    teacher.locator("#level").select_option("3e")
    teacher.locator("#send").click()
    expect(teacher).to_have_url(A_BOOKING)
    return teacher.url.rsplit("/", 1)[1].split("?")[0]


def move_the_slot(company: Page, house: House, teacher: Page) -> None:
    """First the teacher confirms from the mail; then the slot moves by two days and the invitation follows."""
    house.work()
    open_mail(teacher, TEACHER, "Confirmez avant")
    teacher.locator("pre a[href*='/confirmation?token=']").click()
    teacher.get_by_role("button", name="Confirmer 31 places").click()
    house.work()
    open_mail(teacher, TEACHER, "Confirmé")
    expect_invitation(teacher, "REQUEST", 0)
    company.goto("/workspace")
    company.locator("td a[href*='/workspace/slots/']").first.click()
    company.get_by_role("link", name="Déplacer").click()
    company.locator("#day").fill("2026-11-26")
    company.locator("#why").fill("Le quai est en travaux le mardi.")
    company.get_by_role("button", name="Déplacer").click()
    expect(company.locator(".notice.good")).to_contain_text("1 personne est prévenue")
    house.work()
    open_mail(teacher, TEACHER, "Changement de l’organisateur")
    expect_invitation(teacher, "REQUEST", 1)
    expect(teacher.locator("pre").filter(has_text="BEGIN:VCALENDAR")).to_contain_text("DTSTART:20261126T090000Z")


def refuse_to_lower_the_capacity(page: Page, booking: str) -> None:
    page.get_by_role("link", name="Changer le nombre de places").click()
    page.locator("#capacity").fill("20")
    page.get_by_role("button", name="Changer le nombre de places").click()
    expect(page.locator("#problems")).to_contain_text(booking)
    expect(page.locator("#capacity")).to_have_value("20")
