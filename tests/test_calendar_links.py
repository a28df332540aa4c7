"""Copies for Google and Outlook: the right hours on every day, whole addresses whatever a host typed, and nothing that is secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from booking import clock
from booking.mail.calendar_links import CalendarLinks, calendar_links
from booking.models import Kind
from tests.invitations.hard_cases import HARD_NAMES, kept
from tests.mails import body, opened, written

PAGE = "https://visites.example/events/7"
START = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)


def made(
    title: str = "Visite", start: datetime = START, minutes: int = 90, place: str = "Port", says: str = "Accueil"
) -> CalendarLinks:
    return calendar_links(title, start, start + timedelta(minutes=minutes), [place, "92230 Gennevilliers"], [says, PAGE])


def query(address: str) -> dict[str, str]:
    """What a calendar reads in an address, which must be one line of plain signs."""
    assert address.isascii()
    assert not set(address) & set(' +"<>\\^`{|}\r\n\t')
    assert len(address) < 2048
    found = parse_qs(urlsplit(address).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values()), "no name is given twice"
    return {name: values[0] for name, values in found.items()}


@pytest.mark.parametrize("name", [*HARD_NAMES, "Fer & acier ; R&D = 100 % #1?", "🏭" * 200])
def test_names_arrive_whole_or_cut_with_an_ellipsis_and_inject_nothing(name: str) -> None:
    links = made(title=name, place=name, says=name)
    google, outlook = query(links.google), query(links.outlook_com)
    assert set(google) == {"action", "text", "dates", "location", "details"}
    assert set(outlook) == {"path", "rru", "subject", "startdt", "enddt", "location", "body"}
    for said in (
        google["text"],
        outlook["subject"],
        google["location"].split(", 92230")[0],
        unescape(outlook["body"].split("<br>")[0]),
    ):
        whole = kept(name)
        assert said == whole or (said.endswith("…") and whole.startswith(said.removesuffix("…"))), said
    assert outlook["body"].endswith(f"<br>{PAGE}")
    assert google["details"].endswith(f"\n{PAGE}")
    assert "<script" not in outlook["body"], "its body is HTML"


@pytest.mark.parametrize(
    ("local", "minutes", "begins", "ends"),
    [
        ((2026, 7, 3, 10), 60, "20260703T080000Z", "20260703T090000Z"),
        ((2026, 1, 12, 10), 60, "20260112T090000Z", "20260112T100000Z"),
        ((2026, 3, 29, 1), 90, "20260329T000000Z", "20260329T013000Z"),
        ((2026, 3, 29, 10), 60, "20260329T080000Z", "20260329T090000Z"),
        ((2026, 10, 25, 10), 60, "20261025T090000Z", "20261025T100000Z"),
        ((2026, 11, 24, 23), 120, "20261124T220000Z", "20261125T000000Z"),
    ],
)
def test_hours_are_those_of_paris_on_every_day_of_the_year(
    local: tuple[int, int, int, int], minutes: int, begins: str, ends: str
) -> None:
    year, month, day, hour = local
    start = clock.at_paris(datetime(year, month, day).date(), hour)
    links = made(start=start, minutes=minutes)
    assert query(links.google)["dates"] == f"{begins}/{ends}"
    for address in (links.outlook_com, links.outlook_work):
        outlook = query(address)
        assert [outlook[name].replace("-", "").replace(":", "") for name in ("startdt", "enddt")] == [begins, ends]


@pytest.mark.parametrize("kind", [Kind.BOOKING_CONFIRMED, Kind.BOOKING_CHANGED, Kind.BOOKING_RESCHEDULED])
def test_mails_that_carry_an_invitation_offer_copies_that_say_nothing_of_the_booking(kind: Kind) -> None:
    mail = opened(written(kind))
    html, text = (body(mail, part) for part in ("html", "plain"))
    copies = [unescape(found) for found in re.findall(r'href="(https://(?:calendar\.google|outlook\.)[^"]+)"', html)]
    assert [urlsplit(address).netloc for address in copies] == ["calendar.google.com", "outlook.live.com", "outlook.office.com"]
    for address in copies:
        read = " ".join(query(address).values())
        assert "/events/" in read
        for private in ("token", "Camille", "Martin", "@", "élèves", "7KQ4-M9TX"):
            assert private not in read
    for part in (html, text):
        assert "Seule l’invitation suit les changements" in " ".join(part.split())


def test_mails_without_an_invitation_offer_none() -> None:
    for kind in (Kind.BOOKING_TO_PROVE, Kind.BOOKING_CANCELLED, Kind.HOST_BOOKING_CONFIRMED):
        assert "google" not in body(opened(written(kind)), "html")


def test_each_goes_to_its_own_house() -> None:
    links = made()
    assert [urlsplit(address).netloc for address in (links.google, links.outlook_com, links.outlook_work)] == [
        "calendar.google.com",
        "outlook.live.com",
        "outlook.office.com",
    ]
    assert query(links.outlook_com)["path"] == "/calendar/action/compose"
