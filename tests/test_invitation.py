"""When an invitation is right: the rules of the mail, the object and the envelope, over hard cases."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.db import db, in_transaction
from booking.errors import NotFound
from booking.links import CONFIRM, HEAD, MANAGE, make_token
from booking.mail.compose import compose, envelope_sender
from booking.mail.invitation import booking_calendar, slot_calendar
from booking.models import Kind, Message, Slot
from booking.models.message import ABOUT_BOOKINGS
from tests.history_guard import by_hand
from tests.mails import METHODS, NONCE, SETTINGS, STARTS, body, calendar_bytes, entry, opened, written
from tests.test_booking import book
from tests.world import World, a_class

INVITING = tuple(METHODS)
PARIS = ZoneInfo("Europe/Paris")
HARD_NAMES = [
    'Visite "du port", quai n° 3; écluse \\ sas',
    "Deux\r\nBcc: victime@ailleurs.example\r\n\r\nlignes",
    "Saut\nBEGIN:VALARM\nsuite",
    "U+2028\u2028 et U+2029\u2029 et NEL\x85 et NUL\x00 et tab\t",
    "🚢⚓ L’île d’Été 👩🏽‍🏭 " * 6,
    "é" * 200,
    "ascii " * 33,
    "=?utf-8?q?Bcc=3A?= déguisé",
    "=?utf-8?q?Bcc=3A?=",
    "%s %(title)s {{ 7*7 }} {title} <script>alert(1)</script>",
    "\u202eretourné\u202c",
    "x" * 200,
]


@pytest.mark.parametrize("kind", INVITING)
def test_rule_1_mixed_holds_alternative_with_the_calendar_last_and_one_attachment(kind: Kind) -> None:
    mail = opened(written(kind))
    assert mail.get_content_type() == "multipart/mixed"
    alternative, attachment = mail.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in alternative.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    assert (attachment.get_content_type(), attachment.get_filename()) == ("application/ics", "invite.ics")
    assert attachment.get_content_disposition() == "attachment"


@pytest.mark.parametrize("kind", INVITING)
def test_rule_2_the_calendar_part_names_its_method_and_travels_as_base64(kind: Kind) -> None:
    mail = opened(written(kind))
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert part["Content-Transfer-Encoding"] == "base64"
    assert part.get_content_disposition() is None
    assert part.get_param("charset") == "utf-8"
    assert part.get_param("method") == METHODS[kind] == Calendar.from_ical(calendar_bytes(mail))["METHOD"]


@pytest.mark.parametrize("title", HARD_NAMES)
def test_rule_3_both_calendars_are_the_same_bytes_with_crlf_and_short_lines(title: str) -> None:
    mail = opened(written(Kind.BOOKING_CONFIRMED, event={"title": title, "conditions": title}, booking={"name": title[:120]}))
    calendar = calendar_bytes(mail)
    [attachment] = mail.iter_attachments()
    assert attachment.get_payload(decode=True) == calendar
    lines = calendar.split(b"\r\n")
    assert lines[-1] == b""
    for line in lines:
        assert len(line) <= 75
        assert b"\r" not in line
        assert b"\n" not in line
        line.decode()  # a fold never cuts a character in two


@pytest.mark.parametrize("kind", INVITING)
def test_rule_4_one_calendar_with_one_event_and_nothing_else(kind: Kind) -> None:
    calendar = calendar_bytes(opened(written(kind)))
    assert re.findall(rb"BEGIN:(\w+)", calendar) == [b"VCALENDAR", b"VEVENT"]
    event = entry(calendar)
    assert not {"RRULE", "RECURRENCE-ID", "VALARM"} & set(event)
    for needed in ("UID", "DTSTAMP", "SEQUENCE", "ORGANIZER", "ATTENDEE", "DTSTART", "DTEND", "SUMMARY", "STATUS"):
        assert needed in event
        assert not isinstance(event[needed], list)


def _calendars(reference_booking_id: int) -> list[Any]:
    rows = db.session.scalars(
        select(Message).where(Message.booking_id == reference_booking_id, Message.kind.in_(INVITING)).order_by(Message.id)
    )
    return [entry(calendar_bytes(opened(compose(row, NONCE, (), SETTINGS, was_invited=True).content))) for row in rows]


def test_rules_5_6_7_one_uid_for_life_while_sequence_and_stamp_strictly_rise(world: World) -> None:
    booking = book(world.visit_slot, a_class(20))
    other = book(world.boat_slot, a_class(20), "k2", proven=True)
    in_transaction(lambda: confirm_booking(booking.reference))
    in_transaction(lambda: change_headcount(booking.reference, 25, 3))
    in_transaction(lambda: change_headcount(booking.reference, 26, 3))
    in_transaction(lambda: cancel_booking(booking.reference))
    found = _calendars(booking.id)
    assert [event["SEQUENCE"] for event in found] == [0, 1, 2, 3]
    stamps = [event.decoded("DTSTAMP") for event in found]
    assert all(earlier < later for earlier, later in pairwise(stamps)), "even within one second"
    assert all(stamp.utcoffset() == timedelta(0) for stamp in stamps)
    [uid] = {str(event["UID"]) for event in found}
    assert uid != str(_calendars(other.id)[0]["UID"])
    assert len(uid) >= 32, "unguessable"


@pytest.mark.parametrize("kind", INVITING)
def test_rule_8_the_organizer_is_the_bare_sender_and_nobody_else(kind: Kind) -> None:
    mail = opened(written(kind))
    event = entry(calendar_bytes(mail))
    [sender] = mail["From"].addresses
    assert str(event["ORGANIZER"]) == f"mailto:{sender.addr_spec}" == "mailto:reservations@coulisses.example"
    assert event["ORGANIZER"].params["CN"] == "Coulisses"
    assert "SENT-BY" not in event["ORGANIZER"].params
    assert event["ORGANIZER"] != event["ATTENDEE"]


@pytest.mark.parametrize("kind", INVITING)
def test_rule_9_one_attendee_who_is_asked_to_answer(kind: Kind) -> None:
    mail = opened(written(kind))
    attendee = entry(calendar_bytes(mail))["ATTENDEE"]
    assert str(attendee) == "mailto:prof@college.example"
    assert [address.addr_spec for address in mail["To"].addresses] == ["prof@college.example"]
    assert dict(attendee.params) == {
        "CN": "Camille Martin",
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "NEEDS-ACTION",
        "RSVP": "TRUE",
    }


@pytest.mark.parametrize("kind", INVITING)
def test_rule_10_nobody_elses_address_and_no_secret_link_in_the_calendar(kind: Kind) -> None:
    content = written(kind)
    mail = opened(content)
    calendar = calendar_bytes(mail).replace(b"\r\n ", b"").decode()
    assert "token" not in calendar
    assert make_token(SETTINGS.secret_key, MANAGE, NONCE) not in calendar
    everything = "\n".join([calendar, body(mail, "plain"), body(mail, "html"), str(mail["To"]), str(mail["From"])])
    found = {address.casefold() for address in re.findall(r"[\w.+-]+@[\w.-]+\.\w+", everything)}
    assert found <= {"prof@college.example", "reservations@coulisses.example"}


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (datetime(2026, 11, 24, 14, 30, tzinfo=PARIS), datetime(2026, 11, 24, 16, 0, tzinfo=PARIS)),
        (datetime(2026, 7, 9, 10, 0, tzinfo=PARIS), datetime(2026, 7, 9, 11, 30, tzinfo=PARIS)),
        (datetime(2026, 3, 29, 1, 30, tzinfo=PARIS), datetime(2026, 3, 29, 3, 30, tzinfo=PARIS)),
        (datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=0), datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=1)),
        (datetime(2026, 11, 27, 22, 0, tzinfo=PARIS), datetime(2026, 11, 28, 2, 0, tzinfo=PARIS)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=PARIS), datetime(2027, 1, 1, 1, 0, tzinfo=PARIS)),
    ],
    ids=["winter", "summer", "spring change", "autumn change", "over midnight", "over new year"],
)
@pytest.mark.parametrize("kind", INVITING)
def test_rule_11_the_booked_instants_are_the_ones_in_the_calendar(kind: Kind, starts: datetime, ends: datetime) -> None:
    starts, ends = starts.astimezone(UTC), ends.astimezone(UTC)
    calendar = calendar_bytes(opened(written(kind, starts=starts, ends=ends)))
    event = entry(calendar)
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (starts, ends)
    assert f"DTSTART:{starts:%Y%m%dT%H%M%SZ}\r\n".encode() in calendar
    assert b"TZID" not in calendar


@pytest.mark.parametrize("name", HARD_NAMES)
@pytest.mark.parametrize("kind", ABOUT_BOOKINGS)
def test_rule_12_hostile_names_break_no_header_and_no_property(kind: Kind, name: str) -> None:
    event = dict.fromkeys(("title", "host", "place_name", "address", "access_info", "conditions", "accessibility_note"), name)
    content = written(kind, event=event, slot={"meeting_point": name}, booking={"name": name, "class_label": name})
    mail = opened(content)
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    names = [header.casefold() for header in mail]
    assert len(names) == len(set(names))
    assert "bcc" not in names
    kept = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", re.sub("[\u202a-\u202e]", "", name)).split(" ")).strip()
    kept = re.sub(" {2,}", " ", kept)
    assert kept in str(mail["Subject"])
    assert "<script>alert" not in body(mail, "html")
    if kind in METHODS:
        calendar = calendar_bytes(mail)
        assert re.findall(rb"(?m)^BEGIN:(\w+)", calendar) == [b"VCALENDAR", b"VEVENT"]
        assert str(entry(calendar)["SUMMARY"]) == kept
        assert kept in str(entry(calendar)["LOCATION"])
    for word in re.findall(rb"=\?[^?]*\?[^?]*\?[^?]*\?=", content):
        assert len(word) <= 75, "an encoded word has 75 characters at most (RFC 2047)"


def test_rule_12_a_recipient_that_is_no_single_address_is_refused() -> None:
    for recipient in (
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "élodie@b.example",
        "nobody",
        "a b@c.example",
    ):
        with pytest.raises(ValueError):
            written(Kind.BOOKING_CONFIRMED, recipient=recipient)
    assert opened(written(Kind.BOOKING_CONFIRMED, recipient="a@école.example"))["To"] == "a@xn--cole-9oa.example"


def test_rule_13_a_cancellation_takes_the_same_entry_away() -> None:
    asked = entry(calendar_bytes(opened(written(Kind.BOOKING_CONFIRMED))))
    mail = opened(written(Kind.BOOKING_CANCELLED))
    taken = entry(calendar_bytes(mail))
    assert taken["STATUS"] == "CANCELLED"
    assert asked["STATUS"] == "CONFIRMED"
    for same in ("UID", "ORGANIZER", "ATTENDEE", "DTSTART", "DTEND"):
        assert taken[same] == asked[same]


def test_rule_13_who_got_no_invitation_gets_no_cancel_but_a_mail() -> None:
    mail = opened(written(Kind.BOOKING_CANCELLED, was_invited=False))
    assert mail.get_content_type() == "multipart/alternative"
    assert "Annulée" in body(mail, "plain")
    assert "X-MICROSOFT-DISALLOW-COUNTER" not in mail


@pytest.mark.parametrize("kind", [kind for kind in ABOUT_BOOKINGS if kind not in METHODS])
def test_rule_15_nothing_is_sent_to_a_calendar_while_places_are_held_nor_to_the_host(kind: Kind) -> None:
    mail = opened(written(kind))
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_rule_17_updates_answer_the_earlier_mails_with_raw_ids_however_long() -> None:
    earlier = tuple(f"<{n}{'x' * 90}@{'coulisses-' * 8}example>" for n in range(3))
    content = written(Kind.BOOKING_CHANGED, earlier)
    head = content.split(b"\r\n\r\n")[0].decode() + "\r\n"
    assert f"In-Reply-To: {earlier[-1]}\r\n" in head
    assert f"References: {' '.join(earlier)}\r\n" in head
    assert "In-Reply-To" not in opened(written(Kind.BOOKING_CONFIRMED))


def test_rule_18_automatic_answers_are_asked_to_stay_away() -> None:
    mail = opened(written(Kind.BOOKING_CONFIRMED))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["X-MICROSOFT-DISALLOW-COUNTER"] == "TRUE"
    assert entry(calendar_bytes(mail))["X-MICROSOFT-DISALLOW-COUNTER"] == "TRUE"
    assert "List-Unsubscribe" not in mail
    assert envelope_sender("reservations@coulisses.example", "7KQ4-M9TX") == "reservations+7KQ4-M9TX@coulisses.example"
    assert mail["From"] == "Coulisses <reservations@coulisses.example>"


def test_rule_18_message_ids_are_unguessable_and_of_our_domain() -> None:
    first, second = (opened(written(Kind.BOOKING_CONFIRMED))["Message-ID"] for _ in range(2))
    assert first != second
    assert re.fullmatch(r"<[0-9a-f]{32}@coulisses\.example>", first)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.BOOKING_CONFIRMED, "ReservationConfirmed"),
        (Kind.BOOKING_CHANGED, "ReservationConfirmed"),
        (Kind.BOOKING_CANCELLED, "ReservationCancelled"),
    ],
)
def test_rule_19_the_html_carries_the_details_and_a_reservation_whose_status_follows(kind: Kind, status: str) -> None:
    html = body(opened(written(kind, event={"title": "Fin </script><b>&"})), "html")
    for practical in ("Rendez-vous", "14\u00a0h\u00a015", "Accueil, bâtiment A", "Route de la Seine", "7KQ4-M9TX", ">31<"):
        assert practical in html
    [written_data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    data = json.loads(written_data)
    assert data["@type"] == "EventReservation"
    assert data["reservationStatus"] == f"https://schema.org/{status}"
    assert data["reservationFor"]["name"] == "Fin </script><b>&"
    assert data["reservationFor"]["startDate"] == "2026-11-24T14:30:00+01:00"


@pytest.mark.parametrize("kind", [kind for kind in ABOUT_BOOKINGS if kind not in METHODS])
def test_rule_19_no_reservation_is_announced_where_there_is_none(kind: Kind) -> None:
    assert "ld+json" not in body(opened(written(kind)), "html")


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
    confirm, manage, head = (make_token(SETTINGS.secret_key, purpose, NONCE) for purpose in (CONFIRM, MANAGE, HEAD))
    page = "http://127.0.0.1:8000/bookings/7KQ4-M9TX"
    expected = {
        Kind.BOOKING_TO_PROVE: {f"{page}/confirmation?token={confirm}"},
        Kind.BOOKING_CONFIRMED: {f"{page}?token={manage}"},
        Kind.BOOKING_CHANGED: {f"{page}?token={manage}"},
        Kind.BOOKING_CANCELLED: {f"{page}?token={manage}"},
        Kind.BOOKING_RESCHEDULED: {f"{page}?token={manage}"},
        Kind.BOOKER_LETTER: {f"{page}?token={manage}"},
        Kind.WAITING_TO_PROVE: {f"{page}/confirmation?token={confirm}"},
        Kind.WAITING_JOINED: {f"{page}?token={manage}"},
        Kind.PLACES_OFFERED: {f"{page}?token={manage}"},
        Kind.BOOKING_PENDING: {f"{page}?token={manage}"},
        Kind.CHANGE_REFUSED: {f"{page}?token={manage}"},
        Kind.HEAD_ASKED: {f"{page}/head-approval?token={head}"},
        Kind.HEAD_REMINDED: {f"{page}/head-approval?token={head}"},
    }
    for kind in ABOUT_BOOKINGS:
        mail = opened(written(kind))
        for part in ("plain", "html"):
            assert set(re.findall(r"http\S*?token=[\w-]+", body(mail, part))) == expected.get(kind, set())
        if kind.startswith("host_booking") or kind is Kind.BOOKING_EXPIRED:
            assert "http://127.0.0.1:8000/events/4" in body(mail, "plain")


def test_mails_are_frozen_facts_and_not_todays_world(world: World) -> None:
    booking = book(world.visit_slot, a_class(20), proven=True)
    message = db.session.scalars(select(Message).where(Message.kind == Kind.BOOKING_CONFIRMED)).one()
    by_hand(lambda: setattr(db.session.get_one(Slot, world.visit_slot), "meeting_point", "Ailleurs"))
    assert "Ailleurs" not in body(opened(compose(message, booking.link_nonce, (), SETTINGS).content), "plain")


def test_the_file_on_the_bookings_page_is_the_invitation_itself_without_a_question(world: World) -> None:
    booking = book(world.visit_slot, a_class(20), proven=True)
    mailed, file = _calendars(booking.id)[0], booking_calendar(booking, SETTINGS, "fr")
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
