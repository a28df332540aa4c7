"""Mails about waiting lists, offers, approvals and moves: what each says and to whom, and which one may be sent again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from booking import clock
from booking.actions.answer_headcount import refuse_headcount
from booking.actions.answer_offer import accept_offer, decline_offer
from booking.actions.approve_booking import approve_booking
from booking.actions.ask_headcount import ask_headcount
from booking.actions.book_split import Part, book_split
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_slot import cancel_slot
from booking.actions.confirm_booking import confirm_booking
from booking.actions.refuse_booking import refuse_booking
from booking.actions.remind_heads import remind_head
from booking.actions.resend_message import Again, queue_again, resend_message, way_again
from booking.actions.send_proof_again import send_proof_again
from booking.db import db, in_transaction
from booking.errors import NothingToSend
from booking.mail.compose import compose
from booking.models import HEAD, Actor, Booking, Delivery, Event, Kind, Message, Who
from booking.models.message import TO_HEAD, TO_HOSTS
from tests.conftest import NOW
from tests.history_guard import by_hand
from tests.mails import DEADLINES, METHODS, NONCE, QUEUED, SETTINGS, STARTS, body, facts, opened, row, written
from tests.test_approvals import MAILBOX, UNLIMITED, asks, found, party
from tests.test_approvals import book as book_for
from tests.test_mailbox import listed, read
from tests.test_waiting_list import terms, wait
from tests.test_workspace_bookings import Post, deliver
from tests.world import World

HOST = Who(Actor.HOST)
CONTACT = "accueil@port.example"
NOTICES = (
    *DEADLINES,
    Kind.WAITING_ENDED,
    Kind.BOOKING_REFUSED,
    Kind.CHANGE_REFUSED,
    Kind.HOST_REQUEST_EXPIRED,
    Kind.HOST_CHANGE_ASKED,
    Kind.BOOKING_DECLINED,
    Kind.REPLY_UNSURE,
    Kind.RESTORE_REFUSED,
)
PROVEN = {"name": "Camille Martin", "email": "prof@college.example"}
PERSON = {"audience": "jobseeker", "pupils": 0, "adults": 0, "places": 1}


def said(kind: Kind, **more: Any) -> str:
    """Subject and text of a mail written on Monday morning, with ordinary spaces."""
    with clock.clock_at(QUEUED):
        mail = opened(written(kind, **more))
    return f"{mail['Subject']}\n{body(mail, 'plain')}".replace("\u00a0", " ")


def messages(reference: str, *kinds: Kind) -> list[Message]:
    db.session.rollback()
    of_booking = Message.booking_id == found(reference).id, Message.kind.in_(kinds or tuple(Kind))
    statement = select(Message).where(*of_booking).order_by(Message.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def ended(reference: str, delivery: Delivery, *kinds: Kind) -> None:
    """All mails of some kinds have been sent, or were given up."""
    which = Message.booking_id == found(reference).id, Message.kind.in_(kinds or tuple(Kind))
    values = {"delivery": delivery, "sent_at": clock.now() if delivery is Delivery.SENT else None}
    in_transaction(lambda: db.session.execute(update(Message).where(*which).values(**values)))


def ways(reference: str, kind: Kind) -> list[Again | None]:
    """How each mail of a kind can be sent again, oldest first."""
    everything, booking = messages(reference), found(reference)
    return [way_again(booking, one, everything, clock.now()) for one in everything if one.kind is kind]


def again(reference: str, kind: Kind) -> Message:
    """Send the latest mail of a kind again; the mail that is on its way then."""
    latest = messages(reference, kind)[-1].id
    in_transaction(lambda: resend_message(reference, latest, HOST))
    return messages(reference, kind)[-1]


def as_mail(message: Message) -> EmailMessage:
    return opened(compose(message, message.booking.link_nonce if message.booking else b"", (), SETTINGS).content)


# What they say


def test_an_offer_says_how_many_of_how_many_until_when_and_what_follows() -> None:
    part = said(Kind.PLACES_OFFERED, booking={"pupils": 20, "places": 20, "asked_pupils": 31})
    assert part.startswith("20 places pour vous, à accepter avant le lundi 16 novembre, 12 h : « Visite")
    assert "Votre classe compte 31 élèves, et il n’y a de place que pour 20." in part
    assert "Sans réponse d’ici là, les places sont proposées à la suite de la file" in part
    assert "/waiting-list" in part
    whole = said(Kind.PLACES_OFFERED)
    assert "Votre classe compte" not in whole, "a sentence whose fact is missing is not said"
    assert "nous tenons 1 place pour vous" in said(Kind.PLACES_OFFERED, booking=PERSON)
    assert "la place est proposée" in said(Kind.PLACES_OFFERED, booking=PERSON)
    with pytest.raises(ValueError, match="a fact is missing"):
        said(Kind.PLACES_OFFERED, booking={"expires_at": None})


def test_who_joins_the_list_reads_what_was_asked_for_and_that_nothing_is_booked() -> None:
    text = said(Kind.WAITING_JOINED, booking={"at_least": 20, "other_slots": 2})
    for sentence in (
        "Rien n’est encore réservé.",
        "à partir de 20 élèves",
        "2 autres créneaux du même événement",
        "/waiting-list",
    ):
        assert sentence in text
    assert "autre créneau" not in said(Kind.WAITING_JOINED)
    closed = said(Kind.WAITING_JOINED, closed="2026-11-27T09:00:00+00:00")
    assert "est annulé. Vous gardez votre rang" in closed
    assert "1 other time of the same event" in said(Kind.WAITING_JOINED, locale="en", booking={"other_slots": 1})


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        (Kind.BOOKING_TO_PROVE, {}, "L’invitation pour votre calendrier suit aussitôt."),
        (Kind.BOOKING_TO_PROVE, {"then": "host"}, "clic. L’organisateur doit ensuite accepter votre demande."),
        (Kind.BOOKING_TO_PROVE, {"then": "head"}, "clic. La direction de votre établissement doit ensuite donner"),
        (Kind.BOOKING_EXPIRED, {"held_for": "email"}, "Sans confirmation à temps, nous avons rendu les places."),
        (Kind.BOOKING_EXPIRED, {}, "Sans confirmation à temps, nous avons rendu les places."),
        (Kind.BOOKING_EXPIRED, {"held_for": "offer", "booking": PROVEN}, "vont à la suite de la file."),
        (Kind.BOOKING_EXPIRED, {"held_for": "head", "booking": PROVEN}, "La direction de votre établissement n’a pas répondu à temps"),
        (Kind.BOOKING_EXPIRED, {"held_for": "host", "booking": PROVEN}, "Port de Gennevilliers n’a pas répondu à temps"),
        (Kind.BOOKING_PENDING, {"held_for": "head"}, "à son adresse officielle, ce.0920001a@academie.example."),
        (Kind.BOOKING_PENDING, {"held_for": "host"}, "Port de Gennevilliers examine votre demande"),
        (Kind.BOOKING_REFUSED, {"by": "host"}, "Motif : Le quai est fermé ce jour-là."),
        (Kind.BOOKING_REFUSED, {"by": "head"}, "La direction de votre établissement n’a pas donné son accord"),
        (Kind.CHANGE_REFUSED, {}, "Vous aviez demandé à venir avec 33 élèves et 4 adultes."),
        (Kind.HOST_CHANGE_ASKED, {}, "Demandé : 33 élèves et 4 adultes (réservé : 31 élèves et 3 adultes)."),
        (Kind.HOST_APPROVAL_ASKED, {}, "http://127.0.0.1:8000/workspace/bookings/7KQ4-M9TX\n"),
        (Kind.HEAD_ASKED, {}, "Ouvrir la page ne décide de rien"),
        (Kind.HEAD_REMINDED, {}, "Ce rappel est le seul."),
        (Kind.BOOKING_RESCHEDULED, {"by": "booker"}, "C’est fait : votre réservation est déplacée."),
        (Kind.BOOKING_RESCHEDULED, {"by": "host"}, "L’organisateur a changé cette visite."),
        (Kind.BOOKING_DECLINED, {}, "Tant qu’il reste de la place, un clic rétablit la réservation."),
        (Kind.REPLY_UNSURE, {"by": "unproven"}, "sans pouvoir vérifier qu’il vient de vous."),
        (Kind.REPLY_UNSURE, {"by": "outdated"}, "mais à une version de l’invitation qui a changé depuis."),
        (Kind.REPLY_UNSURE, {"by": "accepted"}, "Vous aviez décliné cette invitation."),
        (Kind.RESTORE_REFUSED, {"by": "full"}, "Il ne reste pas assez de place pour 31 élèves et 3 adultes"),
        (Kind.RESTORE_REFUSED, {"by": "rule"}, "Entre-temps, les conditions ont changé."),
        (Kind.BOOKING_CONFIRMED, {}, "C’est réservé."),
        (Kind.BOOKING_CONFIRMED, {"again": True}, "C’est de nouveau réservé."),
        (Kind.HOST_BOOKING_CONFIRMED, {"again": True}, "Réservation rétablie : 31 élèves et 3 adultes, Visite"),
        (Kind.HOST_BOOKING_CHANGED, {"before": None, "was": {"place": "Quai n° 2"}}, "Ne vaut plus : Quai n° 2"),
    ],
)  # fmt: skip
def test_each_mail_says_who_decides_or_decided(kind: Kind, more: dict[str, Any], sentence: str) -> None:
    assert sentence in said(kind, **more)


def test_a_reason_nobody_gave_is_not_announced_and_nobody_who_answered_is_called_a_stranger() -> None:
    assert "Motif" not in said(Kind.BOOKING_REFUSED, by="head", why="")
    assert "Bonjour Camille Martin," in said(Kind.BOOKING_EXPIRED, held_for="host", booking=PROVEN)
    assert "Vous n’avez rien demandé" not in said(Kind.BOOKING_EXPIRED, held_for="host", booking=PROVEN)
    assert "Vous n’avez rien demandé" in said(Kind.BOOKING_EXPIRED)


def test_the_head_reads_who_asks_for_how_many_and_the_conditions_but_neither_phone_nor_needs() -> None:
    text = said(Kind.HEAD_ASKED)
    for known in (
        "Camille Martin",
        "3e B, Collège du Port",
        "31 élèves et 3 adultes",
        "Chaussures fermées",
        "Pièce d’identité",
        "prêté",
    ):
        assert known in text
    for unneeded in ("01 23 45 67 89", "réduite"):
        assert unneeded not in text


@pytest.mark.parametrize("kind", NOTICES)
def test_hostile_names_break_no_header_and_no_page(kind: Kind) -> None:
    evil = "Zoé\r\nBcc: all@x.example\x00\u202e<script>alert(1)</script>%(host)s{{ 7*7 }}"
    names = {} if kind is Kind.WAITING_TO_PROVE else {"name": evil, "class_label": evil, "school_name": evil, "head_email": evil}
    with clock.clock_at(QUEUED):
        mail = opened(written(kind, why=evil, booking=names, event={"title": evil, "host": evil, "conditions": evil}))
    assert mail["Bcc"] is None
    assert "\n" not in str(mail["Subject"])
    html, text = body(mail, "html"), body(mail, "plain")
    assert "<script>" not in html
    assert "{{ 7*7 }}" in html
    assert not re.search(r"[\x00\u202e]", html + text)
    assert "\nBcc" not in text


@pytest.mark.parametrize("kind", [kind for kind in NOTICES if kind not in METHODS])
def test_a_notice_invites_nobody(kind: Kind) -> None:
    with clock.clock_at(QUEUED):
        mail = opened(written(kind, earlier=("<a@x.example>",)))
    assert mail.get_content_type() == "multipart/alternative"
    assert (mail["In-Reply-To"], mail["Auto-Submitted"]) == ("<a@x.example>", "auto-generated")


def test_who_was_never_invited_is_told_of_the_end_without_a_calendar_and_without_a_reservation() -> None:
    message = row(Kind.BOOKING_CANCELLED)
    message.facts = facts(Kind.BOOKING_CANCELLED) | {
        "calendar": {"method": "CANCEL", "uid": "6f1c", "sequence": 0, "dtstamp": None}
    }
    with clock.clock_at(QUEUED):
        mail = opened(compose(message, NONCE, (), SETTINGS).content)
    text = body(mail, "plain").replace("\u00a0", " ")
    assert mail.get_content_type() == "multipart/alternative"
    assert "ld+json" not in body(mail, "html")
    assert "Port de Gennevilliers a dû mettre fin à cette demande." in text
    assert "rendues" not in text, "whoever waited held nothing"


def test_mails_queued_before_there_were_waiting_lists_are_still_written() -> None:
    for kind in set(Kind).intersection(METHODS) | {Kind.BOOKING_TO_PROVE, Kind.BOOKING_EXPIRED, *TO_HOSTS}:
        message = row(kind)
        for name in ("held_for", "asked_pupils", "at_least", "other_slots", "head_email"):
            message.facts["booking"].pop(name, None)
        with clock.clock_at(QUEUED):
            assert opened(compose(message, NONCE, (), SETTINGS).content)["Subject"]


# Who gets them


def test_a_request_can_be_read_in_the_mailbox_and_each_side_has_its_own_thread_even_after_a_purge(
    app: Flask, world: World
) -> None:
    asks(world, host=True, head=True)
    reference = book_for(world.visit_slot, party("3A", 20))
    in_transaction(lambda: remind_head(reference))
    post = Post()
    deliver(app, post)
    assert [recipient for recipient, _ in post.sent] == [MAILBOX, "3A@college.example", MAILBOX]
    asked, pending, reminder = (opened(content) for _, content in post.sent)
    assert pending["In-Reply-To"] is None
    assert reminder["In-Reply-To"] == asked["Message-ID"]
    assert MAILBOX in body(pending, "plain")
    client = app.test_client()
    assert "Camille Martin attend toujours votre réponse" in read(client, "head_reminded")
    assert {"head_asked", "booking_pending"} < {one["kind"] for one in listed(client)}
    in_transaction(lambda: db.session.execute(update(Message).values(recipient="")))
    in_transaction(lambda: approve_booking(reference, HEAD))
    in_transaction(lambda: approve_booking(reference, HOST))
    deliver(app, post)
    sent = {(recipient, opened(content)["Subject"]): opened(content) for recipient, content in post.sent[3:]}
    [to_host] = [mail for (recipient, subject), mail in sent.items() if recipient == CONTACT and "examiner" in subject]
    assert to_host["In-Reply-To"] is None
    [confirmed] = [mail for (recipient, subject), mail in sent.items() if recipient != CONTACT and "Confirmé" in subject]
    assert asked["Message-ID"] not in confirmed["References"]
    assert pending["Message-ID"] in confirmed["References"]


def test_a_question_about_a_split_class_names_both_halves(world: World) -> None:
    db.session.get_one(Event, world.boat).host_approval = True
    db.session.commit()
    parts = [Part(world.boat_slot, 16, 2), Part(world.second_boat_slot, 15, 1)]
    half = in_transaction(lambda: book_split(replace(party("3A", 31), adults=3), parts, terms("s")))[0].reference
    for message in messages(half):
        text = body(as_mail(message), "plain").replace("\u00a0", " ")
        assert "L’autre moitié de la classe : vendredi 27 novembre, 14 h – 15 h, 15 élèves et 1 adulte." in text
    assert {message.kind for message in messages(half)} == {Kind.HOST_APPROVAL_ASKED, Kind.BOOKING_PENDING}


def test_who_waits_is_told_without_a_calendar_that_the_slot_is_cancelled(app: Flask, world: World) -> None:
    book_for(world.visit_slot, party("3A", 31))
    waits = wait(world.visit_slot, party("4A", 20))
    in_transaction(lambda: cancel_slot(world.visit_slot, "Grève.", HOST))
    [message] = messages(waits, Kind.BOOKING_CANCELLED)
    post = Post()
    deliver(app, post)
    [mail] = [opened(content) for who, content in post.sent if who == message.recipient and "Annul" in opened(content)["Subject"]]
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["In-Reply-To"], "it follows the mail that said what was asked for"


# Which may be sent again


def test_the_heads_mail_goes_to_the_head_again_and_never_to_the_booker(world: World) -> None:
    asks(world, head=True)
    reference = book_for(world.visit_slot, party("3A", 20))
    ended(reference, Delivery.SENT)
    assert ways(reference, Kind.HEAD_ASKED) == [Again.COPY]
    copy = again(reference, Kind.HEAD_ASKED)
    assert (copy.recipient, copy.delivery, copy.copy) == (MAILBOX, Delivery.QUEUED, 1)
    ended(reference, Delivery.DEAD)
    assert ways(reference, Kind.HEAD_ASKED) == [Again.SAME_BYTES] * 2
    by_hand(lambda: db.session.execute(update(Booking).values(head_email="ce.autre@academie.example")))
    assert ways(reference, Kind.HEAD_ASKED) == [Again.COPY] * 2, "what was written to another head stays there"
    assert again(reference, Kind.HEAD_ASKED).recipient == "ce.autre@academie.example"
    ended(reference, Delivery.SENT)
    with clock.clock_at(NOW + timedelta(days=7)):
        assert ways(reference, Kind.HEAD_ASKED) == [None] * 3, "its time is over"
    in_transaction(lambda: approve_booking(reference, HEAD))
    for kind in (*TO_HEAD, Kind.BOOKING_PENDING):
        assert set(ways(reference, kind)) <= {None}, "there is nothing to answer any more"


def test_what_a_host_was_told_is_sent_again_as_it_was_or_not_at_all(world: World) -> None:
    asks(world, host=True)
    reference = book_for(world.visit_slot, party("3A", 20))
    ended(reference, Delivery.SENT)
    assert ways(reference, Kind.HOST_APPROVAL_ASKED) == [None]
    assert ways(reference, Kind.BOOKING_PENDING) == [Again.COPY]
    for kind in TO_HOSTS:
        stray = Message(kind=kind, sequence=0, copy=0, facts={}, recipient=CONTACT)
        with pytest.raises(NothingToSend):
            queue_again(found(reference), stray, [], NOW)
    ended(reference, Delivery.DEAD)
    assert again(reference, Kind.HOST_APPROVAL_ASKED).recipient == CONTACT
    ended(reference, Delivery.DEAD)
    in_transaction(lambda: refuse_booking(reference, HOST, "Trop tard."))
    ended(reference, Delivery.SENT, Kind.BOOKING_REFUSED)
    assert ways(reference, Kind.HOST_APPROVAL_ASKED) == ways(reference, Kind.BOOKING_PENDING) == [None]
    copy = again(reference, Kind.BOOKING_REFUSED)
    assert (copy.recipient, copy.facts["by"], copy.facts["why"]) == ("3A@college.example", "host", "Trop tard.")
    assert all(message.recipient == CONTACT for message in messages(reference, *TO_HOSTS))


def test_a_dead_offer_is_never_repeated_with_the_deadline_of_an_older_one(world: World) -> None:
    first = book_for(world.visit_slot, party("3A", 15))
    second = book_for(world.visit_slot, party("3B", 16))
    waits = wait(world.visit_slot, party("4A", 30), at_least=10)
    ended(waits, Delivery.SENT)
    assert ways(waits, Kind.WAITING_JOINED) == [Again.COPY]
    in_transaction(lambda: cancel_booking(first))
    assert ways(waits, Kind.WAITING_JOINED) == [None], "it has been offered places"
    ended(waits, Delivery.DEAD, Kind.PLACES_OFFERED)
    assert ways(waits, Kind.PLACES_OFFERED) == [Again.SAME_BYTES]
    in_transaction(lambda: decline_offer(waits, stay=True))
    assert ways(waits, Kind.PLACES_OFFERED) == [None]
    with clock.clock_at(NOW + timedelta(hours=1)):
        in_transaction(lambda: cancel_booking(second))
        ended(waits, Delivery.DEAD, Kind.PLACES_OFFERED)
        assert ways(waits, Kind.PLACES_OFFERED) == [Again.COPY, Again.SAME_BYTES]
        old = messages(waits, Kind.PLACES_OFFERED)[0].id
        in_transaction(lambda: resend_message(waits, old, HOST))
        copy = messages(waits, Kind.PLACES_OFFERED)[-1]
        assert copy.facts["booking"]["pupils"] == found(waits).pupils == 30
        assert copy.facts["booking"]["expires_at"] == found(waits).expires_at.isoformat()
        in_transaction(lambda: accept_offer(waits))
        ended(waits, Delivery.SENT)
        assert set(ways(waits, Kind.PLACES_OFFERED)) == {None}


def test_who_waits_may_ask_for_the_mail_that_proves_the_address_until_it_is_proven(world: World) -> None:
    book_for(world.visit_slot, party("3A", 31))
    waits = wait(world.visit_slot, party("4A", 20), proven=False)
    [asked] = messages(waits)
    for typed in ("Camille", "college.example", "4A", "Collège du Port"):
        assert typed not in str(asked.facts), "nothing a visitor typed"
    ended(waits, Delivery.SENT)
    in_transaction(lambda: send_proof_again(waits, UNLIMITED))
    assert [message.recipient for message in messages(waits, Kind.WAITING_TO_PROVE)] == ["4A@college.example"] * 2
    ended(waits, Delivery.SENT)
    in_transaction(lambda: confirm_booking(waits))
    assert ways(waits, Kind.WAITING_TO_PROVE) == [None, None]


def test_mails_about_a_headcount_are_repeated_only_while_they_say_what_holds(world: World) -> None:
    reference = book_for(world.visit_slot, party("3A", 20))
    with clock.clock_at(STARTS - timedelta(hours=24)):
        in_transaction(lambda: ask_headcount(reference, 22, 2))
        in_transaction(lambda: ask_headcount(reference, 23, 2))
        ended(reference, Delivery.DEAD)
        assert ways(reference, Kind.HOST_CHANGE_ASKED) == [None, Again.SAME_BYTES], "the first question was replaced"
        asked = found(reference).change_asked
        assert asked is not None
        in_transaction(lambda: refuse_headcount(reference, asked["at"], "Complet.", HOST))
        ended(reference, Delivery.SENT)
        assert ways(reference, Kind.HOST_CHANGE_ASKED) == [None, None]
        assert again(reference, Kind.CHANGE_REFUSED).facts["asked"] == {"pupils": 23, "adults": 2}
        ended(reference, Delivery.SENT)
        in_transaction(lambda: db.session.execute(update(Message).values(facts={})))
        assert set(ways(reference, Kind.CHANGE_REFUSED)) == {None}, "a purge took away what was asked for"
