"""What came in: passed on to a person, shown to its host or to the operator, and seen to once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from booking import clock, vocabulary
from booking.actions.handle_mail import handle_mail
from booking.actions.pass_on_mail import PER_DAY, PER_SENDER_AND_DAY, pass_on_mail
from booking.db import db, in_transaction
from booking.errors import NotFound
from booking.i18n import LOCALES, translate
from booking.mail.inbox import decide_all, take_in
from booking.mail.letters import render_letter
from booking.models import Account, Actor, Booking, HistoryEntry, Inbound, Kind, Message, Role, Subject
from booking.models.inbound import Arrived, Decision
from booking.queries.workspace_home import home
from booking.web.mail_words import received_said
from tests.test_booking import book
from tests.test_catalogue import statements
from tests.test_workspace_bookings import broken_rules
from tests.workspaces import Staff, manager_of, sign_in
from tests.world import World, a_class

OPERATOR = "exploitant@coulisses.example"
HOSTILE = "<script>alert(1)</script>\" onload='alert(1)' {{ 7*7 }} %(sender)s %s"
_numbers = iter(range(1, 10_000))


def a_mail(sender: str = "prof@college.example", booking: Booking | None = None, **more: object) -> Inbound:
    """A mail that came in and was passed on, with a row of its own."""
    now, number = clock.now(), next(_numbers)
    host = booking.slot.event.host_id if booking else None
    values: dict[str, object] = {
        "fingerprint": f"{number:064x}", "received_at": now, "size": 400, "sender": sender, "subject": f"Question {number}",
        "arrived": Arrived.HUMAN, "decision": Decision.PASSED_ON, "decided_at": now, "booking_id": booking.id if booking else None,
        "organisation_id": host, "details": {},
    }  # fmt: skip
    mail = Inbound(**(values | more))
    db.session.add(mail)
    db.session.flush()
    return mail


def _letters() -> list[Message]:
    return list(db.session.scalars(select(Message).where(Message.kind == Kind.MAIL_RECEIVED).order_by(Message.id)))


def test_what_a_person_wrote_is_quoted_to_the_host_s_contacts_or_to_the_operator_and_to_nobody_else(
    app: Flask, world: World
) -> None:
    booking, now = book(world.visit_slot, a_class(12)), clock.now()
    event = booking.slot.event
    event.more_contacts = "accueil2@port.example\nreservations@coulisses.example"
    mail = a_mail(booking=booking, organisation_id=None, subject=HOSTILE)
    pass_on_mail(
        mail, booking, f"Pouvons-nous venir à 15 h ?\n\x00{HOSTILE}", OPERATOR, now, own_address="reservations@coulisses.example"
    )
    letters = _letters()
    assert [letter.recipient for letter in letters] == [event.notice_address, "accueil2@port.example"]
    assert mail.organisation_id == event.host_id
    said = render_letter(Kind.MAIL_RECEIVED, letters[0].facts, "fr", app.config["SETTINGS"])
    assert "prof@college.example a écrit" in said.subject
    assert booking.slot.event.title in said.subject
    assert "> Pouvons-nous venir à 15 h ?" in said.text
    assert f"/workspace/bookings/{booking.reference}" in said.text
    assert "<script>" not in said.html
    assert "\x00" not in said.text + said.html
    unknown = a_mail("maire@commune.example")
    pass_on_mail(unknown, None, "Bonjour", OPERATOR, now)
    assert unknown.organisation_id is None
    assert _letters()[-1].recipient == OPERATOR
    said = render_letter(Kind.MAIL_RECEIVED, _letters()[-1].facts, "en", app.config["SETTINGS"])
    assert "maire@commune.example has written to the bookings address" in said.subject
    assert "/operation/mail" in said.text
    before = len(_letters())
    mine = a_mail(OPERATOR.upper())
    pass_on_mail(mine, None, "Moi-même", OPERATOR, now)
    assert len(_letters()) == before, "nobody reads a letter about what they wrote themselves"
    assert received_said(mine, "en").done.endswith("it reached nobody else.")


def test_a_flood_of_mail_is_passed_on_a_few_times_a_day_and_stands_on_the_page_beyond(app: Flask, world: World) -> None:
    now = clock.now()

    def write(sender: str, at: datetime) -> None:
        with clock.clock_at(at):
            pass_on_mail(a_mail(sender), None, "Encore moi", OPERATOR, at)

    for _ in range(PER_SENDER_AND_DAY + 3):
        write("prof@college.example", now)
    for number in range(PER_DAY):
        write(f"prof{number}@college.example", now)
    passed = Counter(letter.facts["sender"] for letter in _letters())
    assert passed["prof@college.example"] == PER_SENDER_AND_DAY
    assert passed.total() == PER_DAY
    held_back = [mail for mail in db.session.scalars(select(Inbound)) if mail.details.get("held_back")]
    assert len(held_back) == 3 + PER_SENDER_AND_DAY
    booking = book(world.visit_slot, a_class(12))
    of_a_visit = a_mail(booking.email[1:], booking=booking)
    pass_on_mail(of_a_visit, booking, "À quelle heure ?", OPERATOR, now)
    assert len(_letters()) == PER_DAY + 1, "who floods the operator silences no host"
    write("prof@college.example", now + timedelta(days=1))
    assert len(_letters()) == PER_DAY + 2, "a new day begins anew"


def from_a_person(sender: str, recipient: str, text: str, subject: str = "Une question") -> bytes:
    """A mail as somebody writes it."""
    lines = (
        f"From: <{sender}>",
        f"To: {recipient}",
        f"Subject: {subject}",
        f"Message-ID: <{next(_numbers)}@college.example>",
        "",
        text,
    )
    return "\r\n".join(lines).encode()


def an_answer(booking: Booking, comment: str) -> bytes:
    """A calendar's Perhaps, with a few words."""
    said = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y", "METHOD:REPLY", "BEGIN:VEVENT", f"UID:{booking.uid}", "SEQUENCE:0",
        "DTSTAMP:20261116T093000Z", f"ATTENDEE;PARTSTAT=TENTATIVE:mailto:{booking.email}", f"COMMENT:{comment}", "END:VEVENT",
        "END:VCALENDAR", "",
    )  # fmt: skip
    head = (f"From: {booking.email}", "Subject: Tentative", 'Content-Type: text/calendar; method=REPLY; charset="utf-8"', "")
    return "\r\n".join((*head, *said)).encode()


def receive(app: Flask, *raws: bytes) -> list[Inbound]:
    """Take mails in and decide about them, as the inbox does; their rows, fresh."""
    numbers = [in_transaction(lambda raw=raw: take_in(raw, clock.now())) for raw in raws]  # type: ignore[misc]
    decide_all(app.config["SETTINGS"])
    return [db.session.get_one(Inbound, number, populate_existing=True) for number in numbers]


@pytest.fixture
def host(app: Flask, world: World) -> Staff:
    return manager_of(app, world.port)


@pytest.fixture
def operator(app: Flask) -> Staff:
    answer = app.test_cli_runner().invoke(args=["members", "operator", OPERATOR.title()])
    assert answer.exit_code == 0
    return sign_in(app, OPERATOR)


def test_a_host_reads_what_came_in_and_says_once_to_have_seen_it(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.visit_slot, a_class(12), key="k", proven=True)
    tagged = f"reservations+{booking.reference}@coulisses.example"
    [asked, perhaps] = receive(
        app,
        from_a_person(booking.email, tagged, f"Pouvons-nous venir à 15 h ?\r\n{HOSTILE}", subject=HOSTILE),
        an_answer(booking, f"Une sortie peut tomber {HOSTILE}"),
    )
    assert (asked.decision, perhaps.arrived) == (Decision.PASSED_ON, Arrived.REPLY)
    listing = f"/workspace/organisations/{world.port}/mail"
    shown = host.client.get(listing).text.replace("\u00a0", " ")
    for words in (
        "Courriel d’une personne",
        "Transmis par courriel à l’organisateur.",
        "à voir",
        "Réponse d’un agenda : Peut-être",
    ):
        assert words in shown, words
    assert shown.index(f"/workspace/mail/{perhaps.id}") < shown.index(f"/workspace/mail/{asked.id}"), "the newest first"
    assert shown.count(f"/workspace/bookings/{booking.reference}") == 2
    only = host.client.get(f"{listing}?show=to_see").text
    assert (f"/workspace/mail/{asked.id}" in only, f"/workspace/mail/{perhaps.id}" in only) == (True, False)
    page = host.client.get(f"/workspace/mail/{asked.id}").text
    assert "Pouvons-nous venir à 15 h ?" in page
    answer = host.client.get(f"/workspace/mail/{perhaps.id}").text
    assert "Une sortie peut tomber" in answer
    assert "C’est vu" not in answer, "nobody has to see to it"
    for html in (shown, page, answer):
        assert "<script>" not in html
    assert [(one.code, one.count) for one in home(world.port, clock.now()).waiting] == [("mail", 1)]
    assert f"{listing}?show=to_see" in host.client.get(f"/workspace/organisations/{world.port}").text
    reader = manager_of(app, world.port, "lecture@port.example", Role.READER)
    assert "C’est vu" not in reader.client.get(f"/workspace/mail/{asked.id}").text
    assert reader.client.post(f"/workspace/mail/{asked.id}/seen").status_code == 404
    for _ in range(2):
        assert host.client.post(f"/workspace/mail/{asked.id}/seen").headers["Location"].endswith("?note=seen")
    db.session.rollback()
    lines = db.session.scalars(select(HistoryEntry).where(HistoryEntry.action == "mail_handled")).all()
    assert [(line.booking_id, line.account_id, line.status_after) for line in lines] == [
        (booking.id, host.account.id, booking.status)
    ]
    assert home(world.port, clock.now()).waiting == []
    assert broken_rules() == []
    assert host.client.post(f"/workspace/mail/{perhaps.id}/seen").status_code == 404
    perhaps.raw = None
    db.session.commit()
    assert "Le texte a été effacé 30 jours après son arrivée." in host.client.get(f"/workspace/mail/{perhaps.id}").text


def test_a_mail_of_an_organisation_without_a_booking_has_its_line_there(app: Flask, host: Staff, world: World) -> None:
    mail = a_mail(organisation_id=world.port, arrived=Arrived.COUNTER, decision=Decision.NOT_POSSIBLE)
    undecided = a_mail(organisation_id=world.port, decided_at=None, decision=None, arrived=None)
    db.session.commit()
    assert host.client.get(f"/workspace/mail/{undecided.id}").status_code == 404
    assert "À vous de répondre." in host.client.get(f"/workspace/mail/{mail.id}").text
    assert in_transaction(lambda: handle_mail(mail.id, host.who))
    [line] = db.session.scalars(select(HistoryEntry).where(HistoryEntry.action == "mail_handled")).all()
    assert (line.subject, line.subject_id, line.organisation_id) == (Subject.ORGANISATION, world.port, world.port)
    with pytest.raises(NotFound):
        in_transaction(lambda: handle_mail(999_999, host.who))


def test_the_operator_reads_what_is_nobody_s_and_of_the_rest_only_what_was_done(
    app: Flask, host: Staff, operator: Staff, world: World
) -> None:
    booking = book(world.visit_slot, a_class(12), key="k", proven=True)
    tagged = f"reservations+{booking.reference}@coulisses.example"
    unmatched, private = receive(
        app,
        from_a_person("maire@commune.example", "reservations@coulisses.example", f"Bonjour {HOSTILE}", subject="Où écrire ?"),
        from_a_person(booking.email, tagged, "Ceci ne regarde que l’hôte", subject="Entre nous"),
    )
    waiting = a_mail(decided_at=None, decision=None)
    db.session.commit()
    assert (unmatched.organisation_id, private.organisation_id) == (None, world.port)
    page = operator.client.get("/operation/mail").text
    assert "maire@commune.example" in page
    assert booking.email not in page
    assert "Aucune boîte n’est relevée" in page.replace("\u00a0", " ")
    assert [part.split("<")[0] for part in page.split('class="numbers close"')[1].split("<b>")[1:3]] == ["1", "1"]
    everything = operator.client.get("/operation/mail?show=all").text
    for words in (booking.email, "Port de Gennevilliers", "Transmis par courriel à l’organisateur.", "exploitant."):
        assert words in everything, words
    assert "Entre nous" not in everything
    assert f"/operation/mail/{private.id}" not in everything
    assert operator.client.get("/operation/mail?show=to_see").text.count("<tr>") == 2
    one = operator.client.get(f"/operation/mail/{unmatched.id}").text
    assert "Bonjour" in one
    assert "<script>" not in one
    for number in (private.id, waiting.id, 999_999):
        assert operator.client.get(f"/operation/mail/{number}").status_code == 404
        assert operator.client.get(f"/workspace/mail/{number}").status_code == 404
    for _ in range(2):
        assert operator.client.post(f"/operation/mail/{unmatched.id}/seen").status_code == 303
    [line] = db.session.scalars(select(HistoryEntry).where(HistoryEntry.action == "mail_handled")).all()
    assert (line.actor, line.account_id, line.organisation_id) == (Actor.OPERATOR, operator.account.id, None)
    assert host.client.get(f"/workspace/mail/{unmatched.id}").status_code == 404
    assert host.client.get("/operation/mail").status_code == 404


def test_who_operates_is_named_by_command_and_finds_the_way_in(app: Flask, operator: Staff, world: World) -> None:
    run = app.test_cli_runner().invoke
    assert "already" in run(args=["members", "operator", OPERATOR]).output
    assert operator.client.get("/workspace").headers["Location"] == "/operation/mail"
    manager_of(app, world.port, OPERATOR)
    assert "/operation/mail" in operator.client.get("/workspace").text, "somebody with a workspace chooses"
    assert "/operation/mail" in operator.client.get(f"/workspace/organisations/{world.port}").text
    assert sign_in(app, OPERATOR, second_factor=False).client.get("/operation/mail").headers["Location"].startswith("/sign-in/")
    assert "no operator any more" in run(args=["members", "operator", "--no", OPERATOR]).output
    assert "already" in run(args=["members", "operator", "--no", OPERATOR]).output
    assert "already" in run(args=["members", "operator", "--no", "personne@coulisses.example"]).output
    assert operator.client.get("/operation/mail").status_code == 404
    refused = run(args=["members", "operator", app.config["SETTINGS"].sender_address])
    assert (refused.exit_code, "our own mail" in refused.output) == (1, True)
    assert run(args=["members", "operator", "nobody"]).exit_code == 2
    db.session.rollback()
    actions = [line.action for line in db.session.scalars(select(HistoryEntry).where(HistoryEntry.subject == Subject.ACCOUNT))]
    assert [action for action in actions if action.startswith(("operator", "account"))] == [
        "account_opened", "operator_named", "operator_ended",
    ]  # fmt: skip
    assert db.session.scalars(select(Account).where(Account.email == "personne@coulisses.example")).first() is None


def test_fifty_mails_cost_what_one_does_and_stand_on_pages(
    app: Flask, host: Staff, operator: Staff, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from booking.queries import received_mail

    monkeypatch.setattr(received_mail, "A_PAGE", 3)
    booking = book(world.visit_slot, a_class(12), key="k", proven=True)
    costs: list[tuple[int, ...]] = []
    for _ in range(5):
        a_mail(booking=booking)
        db.session.commit()
        cost = []
        for client, page in (
            (host.client, f"/workspace/organisations/{world.port}/mail"),
            (operator.client, "/operation/mail?show=all"),
        ):
            with statements() as sent:
                assert client.get(page).status_code == 200
            cost.append(len(sent))
        costs.append(tuple(cost))
    # The session, its account's seats and what it asked for, the organisation; how many, and which: for the operator the inbox too.
    assert set(costs) == {(6, 6)}
    assert "Page 2 sur 2" in host.client.get(f"/workspace/organisations/{world.port}/mail?page=9").text


def test_everything_that_can_come_in_and_be_decided_has_its_words() -> None:
    for locale in LOCALES:
        assert len({translate(locale, vocabulary.ARRIVED[one]) for one in Arrived}) == len(Arrived)
        assert len({translate(locale, vocabulary.DECIDED[one]) for one in Decision}) == len(Decision)
    host_entry = Inbound(arrived=Arrived.REPLY, decision=Decision.NOTHING, details={"host_entry": True, "answer": "accepted"})
    assert received_said(host_entry, "en").done == "Nothing: this is the host’s own calendar, which need not answer."
    held_back = Inbound(arrived=Arrived.HUMAN, decision=Decision.PASSED_ON, details={"held_back": True})
    assert received_said(held_back, "en").done.startswith("To be read here")
    assert received_said(held_back, "en").to_see
