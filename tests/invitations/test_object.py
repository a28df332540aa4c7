"""When an invitation is right, rules 8 to 12, 13 and 15: what stands in the object, whatever the names and the hours are."""

from __future__ import annotations

import re

import pytest

from booking.links import MANAGE, make_token
from booking.models import Kind
from booking.models.message import ABOUT_BOOKINGS
from tests.invitations.hard_cases import HARD_NAMES, HARD_TIMES, LONG_NAMES, kept, property_text
from tests.mails import METHODS, NONCE, SETTINGS, body, calendar_bytes, entry, opened, written

INVITING = tuple(METHODS)


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
@pytest.mark.parametrize("recipient", ["reservations@coulisses.example", "Reservations@COULISSES.example"])
def test_rule_8_nobody_is_invited_by_themselves(kind: Kind, recipient: str) -> None:
    mail = opened(written(kind, recipient=recipient))
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


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


def test_rule_9_the_attendee_is_the_address_as_it_was_mailed() -> None:
    mail = opened(written(Kind.BOOKING_CONFIRMED, recipient="o'neil+3eb@école.example"))
    [recipient] = mail["To"].addresses
    assert recipient.addr_spec == "o'neil+3eb@xn--cole-9oa.example"
    assert str(entry(calendar_bytes(mail))["ATTENDEE"]) == f"mailto:{recipient.addr_spec}"


@pytest.mark.parametrize("kind", INVITING)
def test_rule_10_nobody_elses_name_or_address_in_the_whole_mail_and_no_secret_link_in_the_calendar(kind: Kind) -> None:
    mail = opened(written(kind))
    calendar = calendar_bytes(mail).replace(b"\r\n ", b"").decode()
    assert "token" not in calendar
    assert make_token(SETTINGS.secret_key, MANAGE, NONCE) not in calendar
    everything = "\n".join([calendar, body(mail, "plain"), body(mail, "html"), *(f"{name}: {mail[name]}" for name in mail)])
    ours = str(mail["Message-ID"])[1:-1]
    found = {address.casefold() for address in re.findall(r"[\w.+-]+@[\w.-]+\.\w+", everything)}
    assert found <= {"prof@college.example", "reservations@coulisses.example", ours}
    names = {str(value.params["CN"]) for value in (entry(calendar.encode())[name] for name in ("ORGANIZER", "ATTENDEE"))}
    assert names == {"Coulisses", "Camille Martin"}
    assert "01 23 45 67 89" not in everything
    assert "3e B" not in calendar, "a calendar is shared: whose class it is stays in the mail"


@pytest.mark.parametrize("hours", HARD_TIMES)
@pytest.mark.parametrize("kind", INVITING)
def test_rule_11_the_booked_instants_are_the_ones_in_the_calendar(kind: Kind, hours: str) -> None:
    starts, ends = HARD_TIMES[hours]
    calendar = calendar_bytes(opened(written(kind, starts=starts, ends=ends)))
    event = entry(calendar)
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (starts, ends)
    assert f"DTSTART:{starts:%Y%m%dT%H%M%SZ}\r\n".encode() in calendar
    assert f"DTEND:{ends:%Y%m%dT%H%M%SZ}\r\n".encode() in calendar
    assert b"TZID" not in calendar


@pytest.mark.parametrize("kind", ABOUT_BOOKINGS)
def test_rule_12_hostile_names_break_no_header_and_no_property(kind: Kind) -> None:
    for name in HARD_NAMES if kind in METHODS else LONG_NAMES:
        event = dict.fromkeys(("title", "host", "place_name", "address", "access_info", "conditions", "accessibility_note"), name)
        content = written(kind, event=event, slot={"meeting_point": name}, booking={"name": name, "class_label": name})
        expect_whole_headers(content)
        mail = opened(content)
        assert kept(name) in str(mail["Subject"])
        assert "<script>alert" not in body(mail, "html")
        if kind in METHODS:
            calendar = calendar_bytes(mail)
            assert re.findall(rb"(?m)^BEGIN:(\w+)", calendar) == [b"VCALENDAR", b"VEVENT"]
            assert re.findall(rb"(?m)^END:(\w+)", calendar) == [b"VEVENT", b"VCALENDAR"]
            assert property_text(calendar, "SUMMARY") == kept(name)
            assert kept(name) in property_text(calendar, "LOCATION")
            assert kept(name) in property_text(calendar, "DESCRIPTION")


def expect_whole_headers(content: bytes) -> None:
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    names = [header.casefold() for header in opened(content)]
    assert len(names) == len(set(names))
    assert "bcc" not in names
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
