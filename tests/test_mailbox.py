"""The demo's mailbox: the whole story can be read there, and what is read there can do no harm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_file
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import update

from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.limits import Limiter
from booking.app import create_app
from booking.config import ROOT
from booking.db import db, in_transaction
from booking.i18n import catalogue, hours
from booking.models import Booking, Delivery, Event, Message, Slot
from booking.web import mailbox
from tests.databases import settings_for
from tests.test_information import messages_of
from tests.world import World, a_class

SAME_IN_BOTH = {"Message", "Date", "Version"}
TEACHER = "prof@college.example"


def book(slot_id: int, key: str = "k", *, proven: bool = False, locale: str = "fr", **party: Any) -> Booking:
    terms = Terms(key=key, locale=locale, limiter=Limiter("s", "127.0.0.1", on=False), proven=proven)
    return in_transaction(lambda: book_places(slot_id, a_class(**party), terms))


def deliver(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["worker", "--once"])
    assert result.exit_code == 0, result.output


def mark(*where: Any, **values: Any) -> None:
    in_transaction(lambda: db.session.execute(update(Message).where(*where).values(**values)))


def listed(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = client.get(f"/mailbox.json{query}").get_json()["messages"]
    return messages


def read(client: FlaskClient, kind: str) -> str:
    """What the page of the latest mail of a kind says: no tags, ordinary spaces."""
    message = next(message for message in listed(client) if message["kind"] == kind)
    page = client.get(f"/mailbox/{message['id']}").text
    return re.sub(r"<[^>]*>", "", page).replace("\u00a0", " ")


def test_the_whole_story_can_be_read_and_lived_without_an_smtp_server(app: Flask, client: FlaskClient, world: World) -> None:
    book(world.visit_slot)
    deliver(app)
    [to_prove] = listed(client)
    assert (to_prove["to"], to_prove["kind"], to_prove["state"]) == (TEACHER, "booking_to_prove", "sent")
    page = client.get(f"/mailbox/{to_prove['id']}").text
    assert to_prove["subject"] in page

    [link] = [link for link in to_prove["links"] if "/confirmation?token=" in link]
    assert link in page
    path, _, token = link.removeprefix("http://127.0.0.1:8000").partition("?token=")
    assert client.get(path, query_string={"token": token}).status_code == 200
    assert client.post(path, data={"token": token}).status_code == 303

    deliver(app)
    assert [message["kind"] for message in listed(client)] == ["host_booking_confirmed", "booking_confirmed", "booking_to_prove"]


def test_an_invitation_is_told_in_words_and_so_is_its_end(app: Flask, client: FlaskClient, world: World) -> None:
    booking = book(world.visit_slot, proven=True)
    deliver(app)
    page = read(client, "booking_confirmed")
    slot = db.session.get_one(Slot, world.visit_slot)
    when = f"mardi 24 novembre, {hours(slot.starts_at, slot.ends_at, 'fr')}".replace("\u00a0", " ")
    for said in ("METHOD:REQUEST", "STATUS:CONFIRMED", "SEQUENCE:0", when, f"Participant{TEACHER}"):
        assert said in page
    in_transaction(lambda: cancel_booking(booking.reference))
    deliver(app)
    page = read(client, "booking_cancelled")
    for said in ("METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:1", "Annulation : l’entrée quitte l’agenda"):
        assert said in page


def test_the_newest_mail_comes_first_and_one_reader_can_be_picked_out(app: Flask, client: FlaskClient, world: World) -> None:
    book(world.visit_slot, proven=True)
    book(world.boat_slot, "k2", email="jo_smith@lycee.example", label="4e")
    deliver(app)
    assert [message["to"] for message in listed(client)] == ["jo_smith@lycee.example", "accueil@port.example", TEACHER]
    assert [message["to"] for message in listed(client, "?to=PROF@")] == [TEACHER]
    assert [message["to"] for message in listed(client, "?to=o_s")] == ["jo_smith@lycee.example"]
    assert listed(client, "?to=%25@college") == []
    page = client.get("/mailbox?to=prof").text
    assert TEACHER in page
    assert "jo_smith" not in page


def test_a_long_list_continues_on_the_next_page(client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "A_PAGE", 2)
    for n in range(3):
        book(world.boat_slot, f"k{n}", pupils=1, adults=1, label=str(n))
    first = client.get("/mailbox.json?to=prof").get_json()
    second = client.get(first["older"]).get_json()
    assert [len(first["messages"]), len(second["messages"])] == [2, 1]
    assert second["older"] is None
    assert first["messages"][-1]["id"] > second["messages"][0]["id"]
    assert f"before={first['messages'][-1]['id']}" in client.get("/mailbox").text


def test_a_mail_that_is_not_written_yet_says_so_and_offers_to_look_again(client: FlaskClient, world: World) -> None:
    book(world.visit_slot)
    [waiting] = listed(client)
    assert (waiting["state"], waiting["subject"], waiting["links"]) == ("queued", None, [])
    page = client.get(f"/mailbox/{waiting['id']}").text
    assert "Le message part dans un instant." in page
    assert re.search(rf'<a [^>]*href="/mailbox/{waiting["id"]}">Actualiser</a>', page)
    assert 'http-equiv="refresh"' not in page
    assert "Adresse à confirmer" in client.get("/mailbox").text
    for part in ("html", "raw", "invite.ics"):
        assert client.get(f"/mailbox/{waiting['id']}/{part}").status_code == 404


def test_a_mail_that_was_given_up_says_why(client: FlaskClient, world: World) -> None:
    book(world.visit_slot)
    mark(delivery=Delivery.DEAD, last_error="550 <b>unknown</b>")
    [dead] = listed(client)
    assert (dead["state"], dead["error"]) == ("dead", "550 <b>unknown</b>")
    for path in ("/mailbox", f"/mailbox/{dead['id']}"):
        page = client.get(path).text
        assert "Abandonné" in page
        assert "550 &lt;b&gt;unknown&lt;/b&gt;" in page


def test_what_was_sent_without_content_is_no_part_of_it(client: FlaskClient, world: World) -> None:
    book(world.visit_slot)
    [message] = listed(client)
    mark(delivery=Delivery.SENT)
    assert listed(client) == []
    assert "Aucun message pour l’instant." in client.get("/mailbox").text
    assert client.get(f"/mailbox/{message['id']}").status_code == 404


def test_the_framed_copy_runs_nothing_and_its_links_leave_the_frame(app: Flask, client: FlaskClient, world: World) -> None:
    book(world.visit_slot)
    deliver(app)
    path = f"/mailbox/{listed(client)[0]['id']}"
    page, framed = client.get(path), client.get(f"{path}/html")
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    [sandbox] = re.findall(r'<iframe [^>]*title="[^"]+" sandbox="([^"]*)"', page.text)
    assert not {"allow-scripts", "allow-same-origin", "allow-forms"} & set(sandbox.split())
    assert "allow-top-navigation-by-user-activation" in sandbox
    policy = framed.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:;")
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert re.search(r'<head[^>]*><base target="_top">', framed.text)


def test_pages_that_show_secret_links_are_kept_by_nobody(app: Flask, client: FlaskClient, world: World) -> None:
    book(world.visit_slot)
    deliver(app)
    number = listed(client)[0]["id"]
    for path in ("/mailbox", "/mailbox.json", f"/mailbox/{number}", f"/mailbox/{number}/html", f"/mailbox/{number}/raw"):
        headers = client.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert "noindex" in headers["X-Robots-Tag"]


def test_the_invitation_and_the_raw_mail_are_the_bytes_that_were_sent(app: Flask, client: FlaskClient, world: World) -> None:
    book(world.visit_slot, proven=True)
    deliver(app)
    confirmed = next(message for message in listed(client) if message["kind"] == "booking_confirmed")
    ics = client.get(f"/mailbox/{confirmed['id']}/invite.ics")
    assert ics.mimetype == "text/calendar"
    assert ics.headers["Content-Disposition"] == 'attachment; filename="invite.ics"'
    assert Calendar.from_ical(ics.data)["METHOD"] == "REQUEST"
    raw = client.get(f"/mailbox/{confirmed['id']}/raw")
    assert raw.mimetype == "text/plain"
    assert raw.data == db.session.get_one(Message, confirmed["id"]).content
    notice = next(message for message in listed(client) if message["kind"] == "host_booking_confirmed")
    of_host = client.get(f"/mailbox/{notice['id']}/invite.ics").data
    assert (b"Camille" in of_host, b"accueil@port.example" in of_host) == (False, True), "the slot's entry, and nobody's name"
    book(world.boat_slot, "k2")
    deliver(app)
    asked = next(message for message in listed(client) if message["kind"] == "booking_to_prove")
    assert client.get(f"/mailbox/{asked['id']}/invite.ics").status_code == 404


def test_hostile_text_is_shown_and_never_obeyed(app: Flask, client: FlaskClient, world: World) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    db.session.get_one(Event, world.visit).title = hostile
    db.session.commit()
    book(world.visit_slot, proven=True, name=hostile, locale="en")
    deliver(app)
    for path in ["/mailbox", *(f"/mailbox/{message['id']}" for message in listed(client))]:
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    searched = client.get("/mailbox", query_string={"to": hostile}).text
    assert "<script>alert" not in searched
    assert "&lt;script&gt;" in searched


def test_odd_numbers_and_signs_find_nothing_and_break_nothing(client: FlaskClient, world: World) -> None:
    book(world.visit_slot)
    assert client.get("/mailbox/0").status_code == 404
    assert client.get(f"/mailbox/{10**30}").status_code == 404
    assert client.get(f"/mailbox?before={10**30}").status_code == 200
    assert client.get("/mailbox?before=-5&to=%00%0d").status_code == 200
    assert client.get("/mailbox?before=x").status_code == 200


def test_outside_the_demo_there_is_no_mailbox(database_url: str) -> None:
    app = create_app(settings_for(database_url, DEMO="off", MAIL_SERVER="127.0.0.1"))
    with app.app_context():
        for path in ("/mailbox", "/mailbox.json", "/mailbox/1", "/mailbox/1/html", "/mailbox/1/raw"):
            assert app.test_client().get(path).status_code == 404
        db.session.remove()
        db.engine.dispose()


def test_every_sentence_of_the_mailbox_has_an_english_one(client: FlaskClient, world: World) -> None:
    code = extract_from_file("python", ROOT / "booking" / "web" / "mailbox.py", keywords={"_": None})
    messages = {str(found[1]) for found in code}
    for template in Path(ROOT / "templates" / "mailbox").glob("*.html"):
        messages |= set(messages_of(template))
    untranslated = {message for message in messages if catalogue("en").gettext(message) == message}
    assert untranslated <= SAME_IN_BOTH
    book(world.visit_slot)
    page = client.get("/mailbox?lang=en").text
    assert "<h1>Demo mailbox</h1>" in page
    assert "Address to confirm" in page
    assert "This message will be sent in a moment." in client.get(f"/mailbox/{listed(client)[0]['id']}?lang=en").text
