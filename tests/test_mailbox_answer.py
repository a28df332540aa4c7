"""The demo's mailbox answers as a calendar would: the round trip of an invitation, without anybody's calendar."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.app import create_app
from booking.config import DEMO_AUTHSERV_ID
from booking.db import db, in_transaction
from booking.mail.calendar_reply import calendar_reply
from booking.mail.reading import is_authentic, read_mail
from booking.models import Answer, Arrived, Decision, Inbound, Kind, Status
from booking.queries import fetch
from tests.databases import settings_for
from tests.invitations.hard_cases import HARD_NAMES
from tests.mails import calendar_bytes, opened, written
from tests.test_mailbox import book, deliver, listed
from tests.world import World


@pytest.mark.parametrize("answer", Answer)
def test_the_reply_is_read_as_a_genuine_answer_whatever_the_visit_is_called(answer: Answer) -> None:
    for name in HARD_NAMES:
        mail = opened(written(Kind.BOOKING_CHANGED, event={"title": name}, recipient="o'neil+3eb@école.example"))
        at = clock.now().replace(microsecond=0)
        raw = calendar_reply(calendar_bytes(mail), answer, "fr", DEMO_AUTHSERV_ID, str(mail["Message-ID"]), at)
        read = read_mail(raw)
        assert read.arrived is Arrived.REPLY
        [found] = set(read.answers)
        assert (found.method, found.uid, found.sequence, found.stamp) == ("REPLY", "6f1c", 0, at)
        assert (found.attendee, found.partstat) == ("o'neil+3eb@xn--cole-9oa.example", answer.value.upper())
        assert str(mail["Message-ID"]) in read.references
        assert is_authentic(read, found.attendee, DEMO_AUTHSERV_ID)
        assert not is_authentic(read, found.attendee, "mx.ailleurs.example")


def test_only_a_request_is_answered() -> None:
    taken_away = calendar_bytes(opened(written(Kind.BOOKING_CANCELLED)))
    with pytest.raises(ValueError):
        calendar_reply(taken_away, Answer.ACCEPTED, "fr", DEMO_AUTHSERV_ID, "<a@b.example>", clock.now())


def test_decline_and_accept_make_the_whole_round(app: Flask, client: FlaskClient, world: World) -> None:
    reference = book(world.visit_slot, proven=True).reference
    deliver(app)
    asked = next(message["id"] for message in listed(client) if message["kind"] == "booking_confirmed")
    page = client.get(f"/mailbox/{asked}").text
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["accepted", "tentative", "declined"]

    def answer(word: str, message_id: int = asked) -> Decision | None:
        """Press a button, follow to the page it leads to, and let the worker go round."""
        sent = client.post(f"/mailbox/{message_id}/answer", data={"answer": word})
        assert sent.status_code == 303
        told = client.get(sent.location)
        assert told.headers["Cache-Control"] == "no-store"
        assert "La réponse est en route" in told.text
        deliver(app)
        db.session.rollback()
        return db.session.scalars(select(Inbound.decision).order_by(Inbound.id.desc())).first()

    assert answer("tentative") is Decision.NOTED
    with clock.clock_at(clock.now().replace(minute=1)):
        assert answer("declined") is Decision.PLACES_FREED
    assert fetch.slot(world.visit_slot).remaining == 31
    assert fetch.booking(reference).status is Status.CANCELLED
    assert listed(client, "?to=prof@")[0]["kind"] == "booking_declined"
    assert "host_booking_cancelled" in [message["kind"] for message in listed(client)]
    with clock.clock_at(clock.now().replace(minute=2)):
        assert answer("accepted") is Decision.BOOKED_AGAIN
    assert fetch.booking(reference).status is Status.CONFIRMED
    again = listed(client, "?to=prof@")[0]
    assert again["kind"] == "booking_confirmed"
    with clock.clock_at(clock.now().replace(minute=3)):
        assert answer("declined") is Decision.ASKED, "the invitation that was answered has been overtaken"
        assert answer("declined", again["id"]) is Decision.PLACES_FREED


def test_there_is_nothing_to_answer_but_an_invitation_to_a_booker(app: Flask, client: FlaskClient, world: World) -> None:
    booking = book(world.visit_slot, proven=True)
    in_transaction(lambda: cancel_booking(booking.reference))
    book(world.boat_slot, "k2", label="4e A")
    deliver(app)
    for message in listed(client):
        asks = message["kind"] == "booking_confirmed"
        assert ('name="answer"' in client.get(f"/mailbox/{message['id']}").text) is asks
        sent = client.post(f"/mailbox/{message['id']}/answer", data={"answer": "declined"})
        assert sent.status_code == (303 if asks else 404)
        assert client.post(f"/mailbox/{message['id']}/answer", data={"answer": "delegated"}).status_code == 404
        assert client.get(f"/mailbox/{message['id']}/answered?answer=x").status_code == 404
        assert client.get(f"/mailbox/{message['id']}/answer").status_code == 405
    assert client.post(f"/mailbox/{10**12}/answer", data={"answer": "declined"}).status_code == 404


def test_outside_the_demo_nobody_answers_for_others(database_url: str) -> None:
    app = create_app(settings_for(database_url, DEMO="off", MAIL_SERVER="127.0.0.1"))
    with app.app_context():
        assert app.config["SETTINGS"].inbox_authserv_id is None
        assert app.test_client().post("/mailbox/1/answer").status_code == 404
        db.session.remove()
        db.engine.dispose()
    assert settings_for(database_url, INBOX_URL="maildir:///var/mail/demo").inbox_authserv_id is None, "mail from outside"
    assert settings_for(database_url, INBOX_URL="maildir:///m", INBOX_AUTHSERV_ID="mx.example").inbox_authserv_id == "mx.example"
