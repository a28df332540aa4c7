"""What came in: passed on to a person, shown to its host or to the operator, and seen to once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import select

from booking import clock
from booking.actions.pass_on_mail import PER_DAY, PER_SENDER_AND_DAY, pass_on_mail
from booking.db import db
from booking.mail.letters import render_letter
from booking.models import Booking, Inbound, Kind, Message
from booking.models.inbound import Arrived, Decision
from tests.test_booking import book
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
    assert "prof@college.example a écrit au sujet de sa réservation" in said.subject
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
    pass_on_mail(a_mail(OPERATOR.upper()), None, "Moi-même", OPERATOR, now)
    assert len(_letters()) == before, "nobody reads a letter about what they wrote themselves"


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
    write("prof@college.example", now + timedelta(days=1))
    assert len(_letters()) == PER_DAY + 1, "a new day begins anew"
