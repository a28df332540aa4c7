"""Calendar files beside the invitations, and what an invitation says to people."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.db import db, in_transaction
from booking.errors import NotFound
from booking.links import CONFIRM, HEAD, MANAGE, make_token
from booking.mail.compose import compose
from booking.mail.feeds import slot_calendar
from booking.mail.invitation import booking_calendar
from booking.models import Kind, Message, Slot
from booking.models.message import ABOUT_BOOKINGS
from tests.history_guard import by_hand
from tests.mails import NONCE, SETTINGS, STARTS, body, calendar_bytes, entry, opened, written
from tests.test_booking import book
from tests.world import World, a_class

MANAGED = (
    Kind.BOOKING_CONFIRMED,
    Kind.BOOKING_CHANGED,
    Kind.BOOKING_CANCELLED,
    Kind.BOOKING_RESCHEDULED,
    Kind.BOOKER_LETTER,
    Kind.WAITING_JOINED,
    Kind.PLACES_OFFERED,
    Kind.BOOKING_PENDING,
    Kind.CHANGE_REFUSED,
    Kind.BOOKING_DECLINED,
    Kind.REPLY_UNSURE,
    Kind.VISIT_IN_A_WEEK,
    Kind.VISIT_SOON,
)
"""The mails that carry the link to the booking's own page."""


@pytest.mark.parametrize("locale", ["fr", "en"])
def test_the_description_says_what_one_needs_on_the_way(locale: str) -> None:
    event = entry(calendar_bytes(opened(written(Kind.BOOKING_CONFIRMED, locale=locale))))
    said = str(event["DESCRIPTION"])
    wanted = {
        "fr": ("14\u00a0h\u00a015", "31 élèves et 3 adultes", "Chaussures fermées"),
        "en": ("2:15 pm", "31 pupils and 3 adults", "Closed shoes"),
    }
    for words in (*wanted[locale], "Accueil, bâtiment A", "7KQ4-M9TX", "RER C"):
        assert words in said
    assert "Camille" not in said
    assert str(event["LOCATION"]) == "Port de Gennevilliers, Route de la Seine, 92230 Gennevilliers"
    assert event["GEO"].to_ical() == "48.94;2.29"
    assert "GEO" not in entry(calendar_bytes(opened(written(Kind.BOOKING_CONFIRMED, event={"latitude": None}))))


def test_links_go_to_the_one_who_may_use_them() -> None:
    page, key = "http://127.0.0.1:8000/bookings/7KQ4-M9TX", SETTINGS.secret_key
    confirm = f"{page}/confirmation?token={make_token(key, CONFIRM, NONCE)}"
    head = f"{page}/head-approval?token={make_token(key, HEAD, NONCE)}"
    thanks = f"{page}/feedback?token={make_token(key, MANAGE, NONCE)}"
    manage = f"{page}?token={make_token(key, MANAGE, NONCE)}"
    expected = {
        Kind.BOOKING_TO_PROVE: confirm,
        Kind.WAITING_TO_PROVE: confirm,
        Kind.HEAD_ASKED: head,
        Kind.HEAD_REMINDED: head,
        Kind.VISIT_THANKS: thanks,
    } | dict.fromkeys(MANAGED, manage)
    for kind in ABOUT_BOOKINGS:
        mail = opened(written(kind))
        for part in ("plain", "html"):
            assert set(re.findall(r"http\S*?token=[\w-]+", body(mail, part))) == ({expected[kind]} if kind in expected else set())
        if kind.startswith("host_booking") or kind is Kind.BOOKING_EXPIRED:
            there = "events/4" if kind is Kind.BOOKING_EXPIRED else "workspace/bookings/7KQ4-M9TX"
            assert f"http://127.0.0.1:8000/{there}" in body(mail, "plain")


def test_mails_are_frozen_facts_and_not_todays_world(world: World) -> None:
    booking = book(world.visit_slot, a_class(20), proven=True)
    message = db.session.scalars(select(Message).where(Message.kind == Kind.BOOKING_CONFIRMED)).one()
    by_hand(lambda: setattr(db.session.get_one(Slot, world.visit_slot), "meeting_point", "Ailleurs"))
    assert "Ailleurs" not in body(opened(compose(message, booking.link_nonce, (), SETTINGS).content), "plain")


def test_the_file_on_the_bookings_page_is_the_invitation_itself_without_a_question(world: World) -> None:
    booking = book(world.visit_slot, a_class(20), proven=True)
    message = db.session.scalars(select(Message).where(Message.kind == Kind.BOOKING_CONFIRMED)).one()
    mailed = entry(calendar_bytes(opened(compose(message, booking.link_nonce, (), SETTINGS).content)))
    file = booking_calendar(booking, SETTINGS, "fr")
    for same in ("UID", "SEQUENCE", "DTSTAMP", "ORGANIZER", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "STATUS"):
        assert entry(file)[same] == mailed[same]
    assert "METHOD" not in Calendar.from_ical(file)
    assert entry(file)["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert file == booking_calendar(booking, SETTINGS, "fr")
    booking = in_transaction(lambda: cancel_booking(booking.reference))
    assert entry(booking_calendar(booking, SETTINGS, "fr"))["STATUS"] == "CANCELLED"


def test_a_booking_nobody_was_invited_to_has_no_file(world: World) -> None:
    with pytest.raises(NotFound):
        booking_calendar(book(world.visit_slot, a_class(20)), SETTINGS, "fr")


def test_a_slot_for_any_calendar_names_nobody_and_keeps_its_bytes(world: World, frozen: datetime) -> None:
    slot = db.session.get_one(Slot, world.visit_slot)
    file = slot_calendar(slot, SETTINGS, "fr")
    with clock.clock_at(frozen + timedelta(days=3)):
        assert slot_calendar(slot, SETTINGS, "fr") == file
    calendar = Calendar.from_ical(file)
    assert calendar["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in entry(file)
    assert str(entry(file)["UID"]) == f"slot-{slot.id}@127.0.0.1"
    assert (entry(file).decoded("DTSTART"), entry(file).decoded("DTSTAMP")) == (STARTS, slot.event.updated_at)
    assert max(len(line) for line in file.split(b"\r\n")) <= 75
