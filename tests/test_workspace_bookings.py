"""A host's bookings: the list and its filters, one booking's page, mails sent again, bookings for others, exports."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.db import db, in_transaction
from booking.mail.delivery import PermanentFailure, deliver_next
from booking.models import (
    Actor,
    Booking,
    Delivery,
    Event,
    HistoryEntry,
    HostEntry,
    Kind,
    Message,
    OrganisationKind,
    Party,
    Publication,
    Role,
    Slot,
    Status,
)
from booking.queries import doctor
from booking.web.workspace.booking_words import reason_said
from tests.mails import calendar_bytes, entry, opened
from tests.test_booking import book, taken
from tests.test_catalogue import statements
from tests.workspaces import Staff, a_mandate, a_member, an_organisation, manager_of, sign_in
from tests.world import World, a_class, a_form


@pytest.fixture
def host(app: Flask, world: World) -> Staff:
    return manager_of(app, world.port)


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def listing(world: World, **query: Any) -> str:
    from urllib.parse import urlencode

    return f"/workspace/organisations/{world.port}/bookings" + (f"?{urlencode(query)}" if query else "")


def fresh(booking: Booking) -> Booking:
    db.session.rollback()
    return db.session.scalars(select(Booking).where(Booking.id == booking.id).execution_options(populate_existing=True)).one()


def mails(booking: Booking, *kinds: Kind) -> list[Message]:
    db.session.rollback()
    statement = select(Message).where(Message.booking_id == booking.id, Message.kind.in_(kinds or list(Kind)))
    return list(db.session.scalars(statement.order_by(Message.id).execution_options(populate_existing=True)))


def lines(booking: Booking) -> list[HistoryEntry]:
    db.session.rollback()
    return list(db.session.scalars(select(HistoryEntry).where(HistoryEntry.booking_id == booking.id).order_by(HistoryEntry.id)))


class Post:
    """A server that takes every mail, or refuses those to one address."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.refuses = ""

    def send(self, _envelope_from: str, recipient: str, content: bytes) -> None:
        if recipient == self.refuses:
            raise PermanentFailure("550 5.1.1 (address): user unknown")
        self.sent.append((recipient, content))


def deliver(app: Flask, post: Post) -> None:
    while deliver_next(app.config["SETTINGS"], post):
        pass


def broken_rules() -> list[str]:
    doctor.open_snapshot()
    found = [f"{finding.rule.name}: {finding.broken}" for finding in doctor.examine() if finding.broken]
    db.session.rollback()
    return found


def seen(answer: TestResponse) -> set[str]:
    """The references a list shows."""
    return set(re.findall(r"/workspace/bookings/([0-9A-Z]{4}-[0-9A-Z]{4})\"", answer.text))


def test_words_find_a_booking_without_accents_or_case_and_signs_of_like_are_letters(host: Staff, world: World) -> None:
    elysee = book(
        world.boat_slot, a_class(3, 1, school_name="Collège de l’Élysée", label="4e A", email="a_b@college.example"), "k1"
    )
    other = book(world.boat_slot, a_class(5, 1, school_name="Collège 100% Fleuve", label="5e C", name="Noé Œuvrard"), "k2")
    assert seen(host.client.get(listing(world))) == {elysee.reference, other.reference}
    for words, found in (
        ("ELYSEE", {elysee}),
        ("l'elysee college", {elysee}),
        (elysee.reference.lower(), {elysee}),
        (elysee.reference.replace("-", ""), {elysee}),
        ("oeuvrard", {other}),
        ("gennevilliers", {elysee, other}),
        ("4E a", {elysee}),
        ("0%", {other}),
        ("%", {other}),
        ("a_b@", {elysee}),
        ("_", {elysee}),
        ("\\", set()),
        ("elysee fleuve", set()),
        ("\0", {elysee, other}),
    ):
        answer = host.client.get(listing(world, q=words))
        assert seen(answer) == {booking.reference for booking in found}, words
    assert "1 réservation" in text(host.client.get(listing(world, q="elysee")))
    assert 'role="status">1 réservation<' in host.client.get(listing(world, q="elysee")).text


def test_filters_narrow_the_list_its_totals_and_the_address_keeps_them(app: Flask, host: Staff, world: World) -> None:
    school = book(world.visit_slot, a_class(20, 2), "k1")
    afloat = book(world.boat_slot, a_class(10, 2, label="b"), "k2")
    alone = book(world.boat_slot, Party(audience="public", email="p@demo.example", name="Paul"), "k3", proven=True)
    gone = book(world.boat_slot, a_class(7, 1, label="c"), "k4")
    in_transaction(lambda: cancel_booking(gone.reference))
    foreign = book(world.dating_slot, Party(audience="jobseeker", email="q@demo.example", name="Quy"), "k5")
    for query, found in (
        ({}, {school, afloat, alone}),
        ({"event": world.boat}, {afloat, alone}),
        ({"day": "2026-11-24"}, {school}),
        ({"event": world.boat, "audience": "school"}, {afloat}),
        ({"state": "confirmed"}, {alone}),
        ({"state": "cancelled"}, {gone}),
        ({"state": "all"}, {school, afloat, alone, gone}),
        ({"audience": "press"}, set()),
    ):
        answer = host.client.get(listing(world, **query))
        assert seen(answer) == {booking.reference for booking in found}, query
        assert foreign.reference not in answer.text
    page = host.client.get(listing(world, event=world.boat, q="gennevilliers"))
    said = text(page)
    assert "10 élèves" in said
    assert "2 adultes avec eux" in said
    assert "12 places" in said
    assert f"bookings.csv?q=gennevilliers&amp;event={world.boat}" in page.text
    strange = host.client.get(listing(world, event=world.dating, day="2026-99-99", state="x", audience="y", page="x"))
    assert "nous l’avons laissée de côté" in text(strange)
    assert seen(strange) == {school.reference, afloat.reference, alone.reference}


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_statements_for_one_booking_and_for_three(host: Staff, world: World, count: int) -> None:
    for n in range(count):
        book(world.boat_slot, a_class(2, 1, label=str(n)), f"k{n}")
    db.session.rollback()
    with statements() as sent:
        host.client.get(listing(world, q="gennevilliers"))
    # The session, its account's seats and what it asked for, the organisation, two for the choices, two for the list.
    assert len(sent) == 8


def test_pages_of_fifty_with_the_next_visit_first_and_the_past_last(
    app: Flask, host: Staff, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from booking.queries import workspace_bookings

    monkeypatch.setattr(workspace_bookings, "A_PAGE", 2)
    late = book(world.second_boat_slot, a_class(1, 1), "k1")
    soon = book(world.boat_slot, a_class(1, 1, label="3e C"), "k2")
    first = book(world.visit_slot, a_class(1, 1), "k3")
    in_order = [first.reference, soon.reference, late.reference]
    page = host.client.get(listing(world))
    assert re.findall(r'unbroken" href="/workspace/bookings/([^"]+)"', page.text) == in_order[:2]
    assert "3 réservations" in text(page)
    assert "Page 1 sur 2" in text(page)
    assert (
        re.findall(r'unbroken" href="/workspace/bookings/([^"]+)"', host.client.get(listing(world, page=9)).text) == in_order[2:]
    )
    with clock.clock_at(datetime.fromisoformat("2026-11-25T08:00:00+00:00")):
        again = sign_in(app, host.account.email).client.get(listing(world))
    assert re.findall(r'unbroken" href="/workspace/bookings/([^"]+)"', again.text) == in_order[1:]


def test_one_bookings_page_tells_who_comes_what_happened_and_which_mails_went(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.boat_slot, a_class(10, 2, needs={"motor": 1}), "k", proven=True)
    in_transaction(lambda: change_headcount(booking.reference, 12, 2))
    post = Post()
    post.refuses = "prof@college.example"
    deliver(app, post)
    page = f"/workspace/bookings/{booking.reference}"
    host.client.post(f"{page}/headcount", data={"pupils": "15", "adults": "3"})
    with statements() as sent:
        said = text(host.client.get(page))
    # The session, its account's seats and what it asked for, the booking, its history, its mails, those that came in,
    # and, where a mail failed, whether the address works by now.
    assert len(sent) == 8
    for words in (
        "3e B (3e)", "Collège du Port", "15 élèves + 3 adultes", "Fauteuil ou marche difficile : 1", "Camille Martin",
        "01 23 45 67 89", "prof@college.example", "Places réservées", "10 élèves + 2 adultes → 12 élèves + 2 adultes",
        "12 élèves + 2 adultes → 15 élèves + 3 adultes", "visites@port.example", "Cette adresse n’existe pas, ou plus.",
        "550 5.1.1 (address): user unknown", "Non remis, abandonné le", "En attente d’envoi", "À l’organisateur : effectif changé",
    ):  # fmt: skip
        assert words in said, words
    english = text(host.client.get(f"{page}?lang=en"))
    for words in ("10 pupils + 2 adults → 12 pupils + 2 adults", "This address does not exist", "Not delivered, given up on"):
        assert words in english, words


def test_only_members_read_which_account_acted_and_nobody_else_gets_in(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.boat_slot, a_class(10, 2), "k", proven=True)
    page = f"/workspace/bookings/{booking.reference}"
    host.client.post(f"{page}/headcount", data={"pupils": "15", "adults": "3"})
    chamber = an_organisation("cci", OrganisationKind.CHAMBER, name="Chambre de commerce")
    a_mandate(chamber, db.session.get_one(Event, world.boat).host)
    a_member("conseil@cci.example", chamber)
    adviser = sign_in(app, "conseil@cci.example").client
    adviser.post(f"{page}/headcount", data={"pupils": "16", "adults": "3"})
    assert "visites@port.example" not in adviser.get(page).text
    own = host.client.get(page).text
    assert "visites@port.example" in own
    assert "conseil@cci.example" in own
    assert "Chambre de commerce" in own
    reader = manager_of(app, world.port, "lecture@port.example", Role.READER).client
    greeter = manager_of(app, world.port, "accueil@port.example", Role.GREETER).client
    stranger = manager_of(app, an_organisation("autre").id, "chef@autre.example").client
    assert "button-danger" not in reader.get(page).text
    message = mails(booking)[0].id
    for client, allowed in ((reader, {page, listing(world)}), (greeter, set()), (stranger, set())):
        for method, path in (
            ("get", page), ("get", listing(world)), ("get", f"{page}/cancellation"), ("post", f"{page}/cancellation"),
            ("post", f"{page}/headcount"), ("post", f"{page}/confirmation"), ("post", f"{page}/messages"),
            ("get", f"/workspace/slots/{world.boat_slot}/bookings/new"), ("post", f"/workspace/slots/{world.boat_slot}/bookings"),
            ("get", f"/workspace/organisations/{world.port}/bookings.csv"), ("get", f"/workspace/organisations/{world.port}/slots.ics"),
        ):  # fmt: skip
            answer = getattr(client, method)(path, **({"data": {"message": message, "why": "x"}} if method == "post" else {}))
            readable = path in allowed or (allowed and path.endswith((".csv", ".ics")))
            assert answer.status_code == (200 if readable else 404), (method, path)
    assert fresh(booking).status is Status.CONFIRMED


def test_the_host_changes_the_headcount_after_the_bookers_deadline_but_not_beyond_the_places(
    app: Flask, host: Staff, world: World
) -> None:
    booking = book(world.visit_slot, a_class(20, 2), "k", proven=True)
    page = f"/workspace/bookings/{booking.reference}"
    with clock.clock_at(datetime.fromisoformat("2026-11-24T08:00:00+00:00")):
        host = sign_in(app, host.account.email)
        assert "il ne vous lie pas" in text(host.client.get(page))
        answer = host.client.post(f"{page}/headcount", data={"pupils": "31", "adults": "2"})
        assert (answer.status_code, answer.location) == (303, f"{page}?note=headcount")
        over = host.client.post(f"{page}/headcount", data={"pupils": "32", "adults": "2"})
        wrong = host.client.post(f"{page}/headcount", data={"pupils": "many", "adults": "2"})
    assert over.status_code == 409
    assert "Ce créneau est complet" in text(over)
    assert 'value="32"' in over.text
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.text
    assert taken(world.visit_slot) == [31]
    last = lines(booking)[-1]
    assert (last.action, last.actor, last.account_id) == ("headcount_changed", Actor.HOST, host.account.id)
    assert broken_rules() == []


def test_a_booking_is_cancelled_with_a_reason_and_only_with_one(host: Staff, world: World) -> None:
    booking = book(world.boat_slot, a_class(10, 2), "k", proven=True)
    page = f"/workspace/bookings/{booking.reference}"
    asked = host.client.get(f"{page}/cancellation")
    assert "12 places seront aussitôt rendues" in text(asked)
    assert fresh(booking).status is Status.CONFIRMED
    for why in ("", " \n ", "x" * 401):
        answer = host.client.post(f"{page}/cancellation", data={"why": why})
        assert answer.status_code == 422
        assert "Une réponse est à revoir" in text(answer)
    assert fresh(booking).status is Status.CONFIRMED
    answer = host.client.post(f"{page}/cancellation", data={"why": "Grève\r\ndes remorqueurs"})
    assert answer.location == f"{page}?note=cancelled"
    [mail] = mails(booking, Kind.BOOKING_CANCELLED)
    assert (mail.facts["by"], mail.facts["why"]) == ("host", "Grève des remorqueurs")
    found = fresh(booking)
    assert (found.status, found.ended_by, found.end_reason) == (Status.CANCELLED, Actor.HOST, "Grève des remorqueurs")
    assert lines(booking)[-1].account_id == host.account.id
    assert "Grève des remorqueurs" in text(host.client.get(answer.location))
    assert taken(world.boat_slot) == [0, 0]


def test_a_held_booking_is_confirmed_on_the_telephone(host: Staff, world: World) -> None:
    booking = book(world.visit_slot, a_class(), "k")
    page = f"/workspace/bookings/{booking.reference}"
    assert "Vous l’avez au téléphone" in text(host.client.get(page))
    assert host.client.post(f"{page}/confirmation").location == f"{page}?note=confirmed"
    assert fresh(booking).status is Status.CONFIRMED
    assert [mail.recipient for mail in mails(booking, Kind.BOOKING_CONFIRMED)] == ["prof@college.example"]
    last = lines(booking)[-1]
    assert (last.action, last.actor, last.account_id) == ("confirmed", Actor.HOST, host.account.id)
    late = book(world.boat_slot, a_class(2, 1), "k2")
    with clock.clock_at(clock.now() + timedelta(hours=3)):
        assert host.client.post(f"/workspace/bookings/{late.reference}/confirmation").status_code == 409
    assert fresh(late).status is Status.HELD


def again(host: Staff, message: Message, booking: Booking) -> TestResponse:
    return host.client.post(f"/workspace/bookings/{booking.reference}/messages", data={"message": str(message.id)})


def test_a_mail_that_was_given_up_goes_out_again_with_the_same_bytes(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.boat_slot, a_class(10, 2), "k", proven=True)
    post = Post()
    post.refuses = booking.email
    deliver(app, post)
    [dead] = mails(booking, Kind.BOOKING_CONFIRMED)
    before = db.session.scalar(select(Message.content).where(Message.id == dead.id))
    assert (dead.delivery, dead.attempts) == (Delivery.DEAD, 1)
    name = dead.message_id
    with clock.clock_at(clock.now() + timedelta(hours=80)):
        assert again(host, dead, booking).location.endswith("note=again")
        [queued] = mails(booking, Kind.BOOKING_CONFIRMED)
        assert (queued.delivery, queued.attempts, queued.last_error) == (Delivery.QUEUED, 0, "")
        post.refuses = ""
        deliver(app, post)
    [sent] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert (sent.delivery, sent.message_id) == (Delivery.SENT, name)
    assert (booking.email, before) in post.sent
    line = lines(booking)[-1]
    assert (line.action, line.actor, line.account_id) == ("mail_sent_again", Actor.HOST, host.account.id)
    assert broken_rules() == []


def test_a_mail_that_was_sent_is_repeated_with_todays_facts_its_sequence_and_a_later_dtstamp(
    app: Flask, host: Staff, world: World
) -> None:
    booking = book(world.boat_slot, a_class(10, 2), "k", proven=True)
    in_transaction(lambda: change_headcount(booking.reference, 12, 2))
    post = Post()
    deliver(app, post)
    first, changed = mails(booking, Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED)
    db.session.execute(update(Booking).where(Booking.id == booking.id).values(phone="01 00 00 00 00"))
    db.session.commit()
    assert again(host, first, booking).status_code == 303
    assert again(host, changed, booking).status_code == 303
    deliver(app, post)
    db.session.rollback()
    copies = [mail for mail in mails(booking, Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED) if mail.copy]
    assert [(mail.kind, mail.sequence, mail.copy) for mail in copies] == [
        (Kind.BOOKING_CONFIRMED, 1, 1),
        (Kind.BOOKING_CHANGED, 1, 1),
    ]
    assert {mail.facts["booking"]["phone"] for mail in copies} == {"01 00 00 00 00"}
    invitations = [entry(calendar_bytes(opened(content))) for to, content in post.sent if to == booking.email]
    assert [int(one["SEQUENCE"]) for one in invitations] == [0, 1, 1, 1]
    stamps = [one["DTSTAMP"].dt for one in invitations]
    assert stamps == sorted(set(stamps))
    assert len({str(one["UID"]) for one in invitations}) == 1
    assert broken_rules() == []
    in_transaction(lambda: cancel_booking(booking.reference, host.who, "Grève"))
    assert again(host, first, booking).status_code == 409
    deliver(app, post)
    [cancelled] = mails(booking, Kind.BOOKING_CANCELLED)
    assert again(host, cancelled, booking).status_code == 303
    deliver(app, post)
    last, copy = [opened(content) for to, content in post.sent if to == booking.email][-2:]
    ends = [entry(calendar_bytes(mail)) for mail in (last, copy)]
    assert [int(one["SEQUENCE"]) for one in ends] == [2, 2]
    assert ends[0]["DTSTAMP"].dt < ends[1]["DTSTAMP"].dt
    assert mails(booking, Kind.BOOKING_CANCELLED)[-1].facts["why"] == "Grève"
    assert broken_rules() == []


def test_a_lost_mail_that_another_overtook_or_a_purge_emptied_is_written_anew(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.boat_slot, a_class(10, 2), "k", proven=True)
    post = Post()
    post.refuses = booking.email
    deliver(app, post)
    in_transaction(lambda: change_headcount(booking.reference, 12, 2))
    post.refuses = ""
    deliver(app, post)
    [lost] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert again(host, lost, booking).status_code == 303
    still_lost, copy = mails(booking, Kind.BOOKING_CONFIRMED)
    assert (still_lost.delivery, copy.sequence, copy.facts["booking"]["pupils"]) == (Delivery.DEAD, 1, 12)
    deliver(app, post)
    [changed] = mails(booking, Kind.BOOKING_CHANGED)
    changed.facts, changed.recipient, changed.content = {"calendar": changed.facts["calendar"]}, "", None
    db.session.commit()
    assert "adresse effacée" in text(host.client.get(f"/workspace/bookings/{booking.reference}"))
    assert again(host, changed, booking).status_code == 303
    assert [(mail.sequence, mail.copy) for mail in mails(booking, Kind.BOOKING_CONFIRMED)] == [(0, 0), (1, 1), (1, 2)]
    assert broken_rules() == []


def test_five_mails_a_booking_and_day_and_none_that_is_on_its_way_or_of_another_booking(
    app: Flask, host: Staff, world: World
) -> None:
    booking = book(world.boat_slot, a_class(10, 2), "k", proven=True)
    other = book(world.dating_slot, Party(audience="jobseeker", email="q@demo.example", name="Quy"), "k5", proven=True)
    [mail] = mails(booking, Kind.BOOKING_CONFIRMED)
    assert again(host, mail, booking).status_code == 409
    deliver(app, Post())
    assert again(host, mails(other)[0], booking).status_code == 404
    for bad in ("", "x", "-1", "9" * 30, "１"):
        answer = host.client.post(f"/workspace/bookings/{booking.reference}/messages", data={"message": bad})
        assert answer.status_code == 404, bad
    assert [again(host, mail, booking).status_code for _ in range(6)] == [303] * 5 + [429]
    refused = again(host, mail, booking)
    assert "5 messages ont déjà été renvoyés aujourd’hui" in text(refused)
    with clock.clock_at(clock.now() + timedelta(hours=14)):
        assert again(host, mail, booking).status_code == 303
    [notice] = mails(booking, Kind.HOST_BOOKING_CONFIRMED)
    assert again(host, notice, booking).status_code == 409


def test_doctor_sees_a_copy_out_of_order(app: Flask, host: Staff, world: World) -> None:
    booking = book(world.boat_slot, a_class(10, 2), "k", proven=True)
    deliver(app, Post())
    [mail] = mails(booking, Kind.BOOKING_CONFIRMED)
    again(host, mail, booking)
    copy = mails(booking, Kind.BOOKING_CONFIRMED)[-1]
    right = copy.facts
    for sequence, calendar in ((3, {}), (0, {"dtstamp": mail.facts["calendar"]["dtstamp"]})):
        copy.sequence, copy.facts = sequence, right | {"calendar": right["calendar"] | calendar}
        db.session.commit()
        assert [rule.partition(":")[0] for rule in broken_rules()] == ["invitations"]
    copy.sequence, copy.facts = 0, right
    db.session.commit()
    assert broken_rules() == []


def test_a_booker_asks_three_times_for_the_mail_that_did_not_come(app: Flask, client: FlaskClient, world: World) -> None:
    page = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form()).location
    booking = db.session.scalars(select(Booking)).one()
    assert "renvoyer le message" in text(client.get(page))
    assert client.post(f"{page}/proof-again").status_code == 409
    for _ in range(3):
        deliver(app, Post())
        assert client.post(f"{page}/proof-again").location == f"{page}?note=again"
    post = Post()
    deliver(app, post)
    assert b"/confirmation?token=" in post.sent[-1][1].replace(b"=\r\n", b"").replace(b"=3D", b"=")
    refused = client.post(f"{page}/proof-again")
    assert refused.status_code == 429
    assert "déjà renvoyé ce message 3 fois" in text(refused)
    assert len(mails(booking, Kind.BOOKING_TO_PROVE)) == 4
    assert [line.action for line in lines(booking)] == ["booked"] + ["mail_sent_again"] * 3
    assert app.test_client().post(f"{page}/proof-again").status_code == 404
    assert broken_rules() == []


def test_the_host_books_for_a_class_on_the_telephone_before_opening_and_after_closing(
    app: Flask, host: Staff, world: World
) -> None:
    form, path = f"/workspace/slots/{world.visit_slot}/bookings/new", f"/workspace/slots/{world.visit_slot}/bookings"
    slot = db.session.get_one(Slot, world.visit_slot)
    slot.opens_at = clock.now() + timedelta(days=1)
    db.session.commit()
    assert "Vous pouvez réserver quand même." in text(host.client.get(form))
    wrong = host.client.post(path, data=a_form(pupils="x", level="BTS"))
    assert wrong.status_code == 422
    assert 'href="#pupils"' in wrong.text
    answer = host.client.post(path, data=a_form(pupils=20))
    booking = db.session.scalars(select(Booking)).one()
    assert answer.location == f"/workspace/bookings/{booking.reference}?note=booked"
    assert (booking.status, booking.places) == (Status.CONFIRMED, 20)
    assert [mail.recipient for mail in mails(booking, Kind.BOOKING_CONFIRMED)] == ["prof@college.example"]
    [line] = lines(booking)
    assert (line.action, line.actor, line.account_id) == ("booked", Actor.HOST, host.account.id)
    assert host.client.post(path, data=a_form(pupils=20)).location == answer.location
    twice = host.client.post(path, data=a_form(pupils=20, key="another"))
    assert twice.status_code == 409
    assert f"/workspace/bookings/{booking.reference}" in twice.text
    with clock.clock_at(datetime.fromisoformat("2026-11-24T12:30:00+00:00")):
        host = sign_in(app, host.account.email)
        full = host.client.post(path, data=a_form(pupils=12, label="3e C", key="k3"))
        assert full.status_code == 409
        assert "Il reste 11 places, il en faudrait 12." in text(full)
        assert 'value="3e C"' in full.text
        assert host.client.post(path, data=a_form(pupils=11, label="3e C", key="k3")).status_code == 303
    with clock.clock_at(datetime.fromisoformat("2026-11-24T13:30:00+00:00")):
        host = sign_in(app, host.account.email)
        late = host.client.post(path, data=a_form(pupils=1, label="3e D", key="k4"))
        assert late.status_code == 409
        assert "Cette visite a déjà commencé." in text(host.client.get(form))
    assert taken(world.visit_slot) == [31]
    assert broken_rules() == []


def test_a_person_alone_is_booked_too_and_nobody_for_what_is_not_published(host: Staff, world: World) -> None:
    form = host.client.get(f"/workspace/slots/{world.boat_slot}/bookings/new?party=person")
    assert 'name="audience" value="public"' in form.text
    data = {"audience": "public", "name": "Paul Valmy", "email": "paul@demo.example", "key": "k"}
    assert host.client.post(f"/workspace/slots/{world.boat_slot}/bookings", data=data).status_code == 303
    assert taken(world.boat_slot) == [1, 1]
    db.session.get_one(Event, world.boat).publication = Publication.DRAFT
    db.session.commit()
    assert "n’est pas publié" in text(host.client.get(f"/workspace/slots/{world.boat_slot}/bookings/new"))
    assert host.client.post(f"/workspace/slots/{world.boat_slot}/bookings", data=data | {"key": "k2"}).status_code == 404
    assert host.client.get(f"/workspace/slots/{world.dating_slot}/bookings/new").status_code == 404


def table(answer: TestResponse) -> list[dict[str, str]]:
    content = answer.get_data()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(StringIO(content.decode("utf-8-sig")), delimiter=";"))


def test_the_list_as_csv_has_the_same_bookings_no_secret_and_no_formula(host: Staff, world: World) -> None:
    path = f"/workspace/organisations/{world.port}/bookings.csv"
    booking = book(world.visit_slot, a_class(20, 2, school_name="=HYPERLINK(1)", label="@x", needs={"motor": 2}), "k1")
    book(world.boat_slot, a_class(3, 1, label="b", phone="+33 1 23 45 67 89"), "k2")
    book(world.dating_slot, Party(audience="jobseeker", email="q@demo.example", name="Quy"), "k3")
    answer = host.client.get(path)
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="port-2026-11-16.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    first, second = table(answer)
    assert (first["Référence"], first["État"], first["Jour"], first["Début"]) == (
        booking.reference, "Places tenues", "2026-11-24", "14:30",
    )  # fmt: skip
    assert (first["Établissement"], first["Classe"], first["Élèves"]) == ("'=HYPERLINK(1)", "'@x", "20")
    assert first["Accessibilité"] == "Fauteuil ou marche difficile (2)"
    assert second["Téléphone"] == "'+33 1 23 45 67 89"
    for secret in (booking.uid, booking.link_nonce.hex(), str(booking.idempotency_key), booking.party_key, "q@demo.example"):
        assert secret not in answer.text
    assert [row["Classe"] for row in table(host.client.get(f"{path}?event={world.boat}"))] == ["b"]
    assert [row["Classe"] for row in table(host.client.get(f"{path}?q=hyperlink&state=held"))] == ["'@x"]
    assert "Reference" in host.client.get(f"{path}?lang=en").text.splitlines()[0]
    assert list(table(host.client.get(f"{path}?state=cancelled"))) == []


def test_the_slots_for_the_hosts_calendar_hold_numbers_and_nobodys_name(host: Staff, world: World) -> None:
    path = f"/workspace/organisations/{world.port}/slots.ics"
    booking = book(world.visit_slot, a_class(20, 2), "k1", proven=True)
    book(world.visit_slot, a_class(4, 1, label="b"), "k2")
    answer = host.client.get(path)
    assert answer.mimetype == "text/calendar"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="port.ics"'
    assert answer.headers["Cache-Control"] == "no-store"
    with clock.clock_at(clock.now() + timedelta(hours=1)):
        assert host.client.get(path).data == answer.data
    entries = {str(one["UID"]): one for one in Calendar.from_ical(answer.data).walk("VEVENT")}
    assert len(entries) == 4
    [mailed] = db.session.scalars(select(HostEntry))
    visit, boat = entries[mailed.uid], entries[f"host-slot-{world.boat_slot}@127.0.0.1"]
    assert str(visit["SUMMARY"]) == "20 élèves et 2 adultes\u00a0: Visite des activités portuaires"
    assert str(boat["SUMMARY"]) == "0 personne\u00a0: Le port vu du fleuve"
    assert "24 places prises sur 31" in str(visit["DESCRIPTION"])
    assert "1 pas encore confirmée" in str(visit["DESCRIPTION"])
    for name in ("Camille", "Collège", booking.reference, "prof@", "METHOD", "ATTENDEE"):
        assert name not in answer.text
    with clock.clock_at(clock.now() + timedelta(hours=1)):
        in_transaction(lambda: change_headcount(booking.reference, 21, 2))
        changed = host.client.get(path)
    later = {str(one["UID"]): one for one in Calendar.from_ical(changed.data).walk("VEVENT")}
    assert later[str(visit["UID"])]["DTSTAMP"].dt > visit["DTSTAMP"].dt
    assert "21 élèves et 2 adultes" in str(later[str(visit["UID"])]["SUMMARY"])
    db.session.execute(update(Slot).where(Slot.id == world.boat_slot).values(cancelled_at=clock.now()))
    db.session.commit()
    assert host.client.get(path).text.count("STATUS:CANCELLED") == 1


def test_what_a_server_says_is_put_in_plain_words() -> None:
    for said, words in (
        ("", ""),
        ("550 5.1.1 (address): Recipient address rejected", "Cette adresse n’existe pas, ou plus."),
        ("552 5.2.2 over quota", "La boîte de réception est pleine."),
        ("554 5.7.1 blocked using a list", "Le serveur du destinataire a refusé notre message."),
        ("550 rejected", "Le serveur du destinataire ne reçoit pas pour cette adresse."),
        ("TimeoutError: timed out", "Le serveur du destinataire ne répond pas."),
        ("cannot be rendered: KeyError", "Le message n’a pas pu être écrit : la faute est chez nous."),
        ("571 whatever", "Le serveur du destinataire n’a pas pris le message."),
    ):
        assert reason_said(said, "fr").replace("\u00a0", " ") == words
