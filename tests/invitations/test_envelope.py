"""When an invitation is right, rules 16 to 19: the envelope around the mail, and what Outlook and programs read in it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import pytest

from booking import clock
from booking.mail.compose import envelope_sender
from booking.models import Kind
from booking.models.message import ABOUT_BOOKINGS
from tests.invitations.hard_cases import HARD_NAMES, HARD_TIMES, kept
from tests.mails import METHODS, body, calendar_bytes, entry, opened, written


def reservation(mail: EmailMessage) -> dict[str, Any]:
    """What a program that reads mail finds in the HTML: schema.org's `EventReservation`."""
    [found] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', body(mail, "html"), re.DOTALL)
    read: dict[str, Any] = json.loads(found)
    assert (read["@context"], read["@type"]) == ("https://schema.org", "EventReservation")
    return read


def test_rule_17_updates_answer_the_earlier_mails_with_raw_ids_however_long() -> None:
    earlier = tuple(f"<{n}{'x' * 90}@{'coulisses-' * 8}example>" for n in range(3))
    content = written(Kind.BOOKING_CHANGED, earlier)
    head = content.split(b"\r\n\r\n")[0].decode() + "\r\n"
    assert f"In-Reply-To: {earlier[-1]}\r\n" in head
    assert f"References: {' '.join(earlier)}\r\n" in head
    assert "In-Reply-To" not in opened(written(Kind.BOOKING_CONFIRMED))


@pytest.mark.parametrize("kind", ABOUT_BOOKINGS)
def test_rule_18_automatic_answers_are_asked_to_stay_away(kind: Kind) -> None:
    mail = opened(written(kind))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert "List-Unsubscribe" not in mail, "on alerts alone"
    assert mail["From"] == "Coulisses <reservations@coulisses.example>"
    if kind in METHODS:
        assert mail["X-MICROSOFT-DISALLOW-COUNTER"] == "TRUE"
        assert entry(calendar_bytes(mail))["X-MICROSOFT-DISALLOW-COUNTER"] == "TRUE"


def test_rule_18_the_return_path_names_the_booking() -> None:
    assert envelope_sender("reservations@coulisses.example", "7KQ4-M9TX") == "reservations+7KQ4-M9TX@coulisses.example"


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
        (Kind.BOOKING_DECLINED, "ReservationCancelled"),
    ],
)
def test_rule_19_the_html_carries_the_details_and_a_reservation_whose_status_follows(kind: Kind, status: str) -> None:
    mail = opened(written(kind, event={"title": "Fin </script><b>&"}))
    html = body(mail, "html")
    for practical in ("Rendez-vous", "14\u00a0h\u00a015", "Accueil, bâtiment A", "Route de la Seine", "7KQ4-M9TX", ">31<"):
        assert practical in html
    data = reservation(mail)
    assert data["reservationStatus"] == f"https://schema.org/{status}"
    assert data["reservationFor"]["name"] == "Fin </script><b>&"
    assert data["reservationFor"]["startDate"] == "2026-11-24T14:30:00+01:00"


@pytest.mark.parametrize("hours", HARD_TIMES)
def test_rule_19_the_reservation_names_the_booked_instants_as_paris_reads_them(hours: str) -> None:
    starts, ends = HARD_TIMES[hours]
    reserved = reservation(opened(written(Kind.BOOKING_CONFIRMED, starts=starts, ends=ends)))["reservationFor"]
    read = [datetime.fromisoformat(reserved[name]) for name in ("startDate", "endDate")]
    assert read == [starts, ends]
    assert [moment.utcoffset() for moment in read] == [clock.in_paris(moment).utcoffset() for moment in (starts, ends)]


@pytest.mark.parametrize("name", HARD_NAMES)
def test_rule_19_the_reservation_is_whole_whatever_the_names_are(name: str) -> None:
    mail = opened(written(Kind.BOOKING_CONFIRMED, event={"title": name, "host": name}, booking={"name": name}))
    reserved = reservation(mail)
    said = [reserved["reservationFor"]["name"], reserved["reservationFor"]["organizer"]["name"], reserved["underName"]["name"]]
    assert said == [kept(name)] * 3


@pytest.mark.parametrize("kind", [kind for kind in ABOUT_BOOKINGS if kind not in METHODS and kind is not Kind.BOOKING_DECLINED])
def test_rule_19_no_reservation_is_announced_where_there_is_none(kind: Kind) -> None:
    assert "ld+json" not in body(opened(written(kind)), "html")
