"""What mails say: every kind, in both languages, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import UndefinedError
from sqlalchemy import select

from booking import clock
from booking.config import ROOT
from booking.db import db
from booking.mail.compose import compose
from booking.mail.opened import open_mail
from booking.models import Kind, Message
from booking.models.message import ABOUT_BOOKINGS
from tests.mails import NONCE, QUEUED, SETTINGS, body, facts, opened, row, written
from tests.messages import translations
from tests.test_booking import book
from tests.world import World, a_class

LOCALES = ("fr", "en")
KEYWORDS = {"_": None, "ngettext": (1, 2), "translate_plural": (2, 3)}
PERSON = {"audience": "jobseeker", "pupils": 0, "adults": 0, "places": 1}
VISITOR = {"name": "http://evil.example", "school_name": "Buy now", "label": "cheap", "commune": "pills", "phone": "+33 666"}


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[None]:
    with clock.clock_at(QUEUED):
        yield


def subject(kind: Kind, **more: Any) -> str:
    return str(opened(written(kind, **more))["Subject"]).replace("\u00a0", " ")


def plain(kind: Kind, **more: Any) -> str:
    return body(opened(written(kind, **more)), "plain").replace("\u00a0", " ")


def used_messages() -> set[str]:
    found: set[str] = set()
    for folder, method in ((ROOT / "booking" / "mail", "python"), (ROOT / "templates" / "mail", "jinja2")):
        patterns = [("**.*", method)]
        for _, _, message, *_ in extract_from_dir(str(folder), patterns, {}, KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found


def test_every_message_has_its_english_and_nothing_else_is_kept() -> None:
    used = used_messages()
    assert len(used) > 60, "the extraction works"
    with (ROOT / "booking" / "translations" / "en" / "mail.po").open("rb") as source:
        written_down = {
            message.id[0] if isinstance(message.id, tuple) else message.id: message for message in read_po(source) if message.id
        }
    english = {message if isinstance(message, str) else message[0] for message in translations()}
    assert used - english == set()
    assert set(written_down) - used == set()
    for message in written_down.values():
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), message.id
        assert not message.fuzzy
        names = [set(re.findall(r"%\((\w+)\)", text)) for text in (*strings, str(message.id))]
        assert all(one == names[0] for one in names), message.id


@pytest.mark.parametrize("kind", ABOUT_BOOKINGS)
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("person", [False, True], ids=["class", "person"])
def test_every_mail_says_what_when_where_and_how_many_in_both_parts(kind: Kind, locale: str, person: bool) -> None:
    more: dict[str, Any] = {"before": None, "asked": {"pupils": 2, "adults": 1}} if person else {}
    mail = opened(written(kind, locale=locale, booking=PERSON if person else {}, **more))
    html = body(mail, "html")
    text_of_html = " ".join(
        unescape(re.sub(r"<style>.*?</style>|<script.*?</script>|<[^>]+>", " ", html, flags=re.DOTALL)).split()
    )
    text = body(mail, "plain")
    day, hours = {
        "fr": ("Mardi 24 novembre", "14\u00a0h\u00a030 – 16\u00a0h"),
        "en": ("Tuesday 24 November", "2:30 pm – 4 pm"),
    }[locale]
    for part in (text_of_html.replace("\u00a0", " "), text.replace("\u00a0", " ")):
        for said in ("Visite des activités portuaires", day, hours, "Accueil, bâtiment A", "92230 Gennevilliers", "7KQ4-M9TX"):
            assert said.replace("\u00a0", " ") in part
        assert ("31" in part) is not person
        assert "None" not in part
        assert "%(" not in part
    assert f'<html lang="{locale}">' in html
    assert "<" not in text
    assert html.count('class="button"') == (5 if kind is Kind.VISIT_THANKS else 1), "one button, or one for each rating"
    assert "<img" not in html, "readable without pictures"
    assert "prefers-color-scheme: dark" in html
    assert len(html) < 60_000


@pytest.mark.parametrize("kind", ABOUT_BOOKINGS)
def test_english_mails_keep_no_french_of_ours(kind: Kind) -> None:
    text = body(opened(written(kind, locale="en")), "plain") + subject(kind, locale="en")
    assert not re.search(r"\b(vous|votre|places? (tenues?|rendues?)|Confirmée?|Annulée?|élèves|adultes|Référence|Motif)\b", text)


def test_subjects_are_concrete() -> None:
    assert subject(Kind.BOOKING_TO_PROVE) == "Confirmez avant 12 h : 31 places tenues, « Visite des activités portuaires »"
    assert subject(Kind.BOOKING_TO_PROVE, locale="en") == "Confirm by 12 pm: 31 places held, “Visite des activités portuaires”"
    assert subject(Kind.BOOKING_CONFIRMED) == "Confirmé : Visite des activités portuaires, mardi 24 novembre, 14 h 30"
    assert subject(Kind.BOOKING_CANCELLED, locale="en") == (
        "Cancelled: Visite des activités portuaires, Tuesday 24 November, 2:30 pm"
    )
    assert subject(Kind.HOST_BOOKING_CONFIRMED).startswith("Nouvelle réservation : 31 élèves et 3 adultes, ")


def test_a_deadline_is_an_hour_today_and_names_the_day_later() -> None:
    assert "Places tenues jusqu’à 12 h\n" in plain(Kind.BOOKING_TO_PROVE)
    tomorrow = {"expires_at": (QUEUED + timedelta(hours=30)).isoformat()}
    assert "Places tenues jusqu’au mardi 17 novembre, 16 h\n" in plain(Kind.BOOKING_TO_PROVE, booking=tomorrow)
    assert "Confirmez avant le mardi 17 novembre, 16 h : " in subject(Kind.BOOKING_TO_PROVE, booking=tomorrow)


def test_a_visit_over_midnight_says_on_which_day_it_ends() -> None:
    starts = QUEUED.replace(day=27, hour=21)
    assert "22 h – samedi 28 novembre, 2 h" in plain(Kind.BOOKING_CONFIRMED, starts=starts, ends=starts + timedelta(hours=4))


def test_a_passed_moment_is_not_offered_any_more() -> None:
    assert "L’effectif peut encore changer jusqu’au dimanche 22 novembre, 14 h 30." in plain(Kind.BOOKING_CONFIRMED)
    with clock.clock_at(QUEUED + timedelta(days=7)):
        said = plain(Kind.BOOKING_CONFIRMED)
    assert "L’effectif" not in said
    assert "Si vous ne pouvez pas venir" in said


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("booker", "Vous avez annulé"),
        ("calendar", "Vous avez décliné"),
        ("host", "Port de Gennevilliers a dû annuler"),
        ("authority", "Cette réservation a été annulée"),
    ],
)
def test_a_cancellation_says_who_and_why(by: str, said: str) -> None:
    text = plain(Kind.BOOKING_CANCELLED, by=by, why="Grève")
    assert said in text
    assert "Motif : Grève" in text
    assert "Motif" not in plain(Kind.BOOKING_CANCELLED, by=by, why="")


def test_a_change_says_before_and_after() -> None:
    assert "31 élèves et 3 adultes (avant : 28 élèves et 2 adultes)" in plain(Kind.BOOKING_CHANGED)
    assert "31 pupils and 3 adults (before: 28 pupils and 2 adults)" in plain(Kind.HOST_BOOKING_CHANGED, locale="en")


def test_the_host_hears_that_a_no_came_from_a_calendar_and_gets_the_way_to_the_booking() -> None:
    declined = plain(Kind.HOST_BOOKING_CANCELLED, by="calendar", why="")
    assert "La personne a décliné l’invitation dans son agenda." in declined
    assert "décliné" not in plain(Kind.HOST_BOOKING_CANCELLED, by="booker")
    for kind in (Kind.HOST_BOOKING_CONFIRMED, Kind.HOST_BOOKING_CHANGED, Kind.HOST_BOOKING_CANCELLED):
        assert "/workspace/bookings/7KQ4-M9TX" in plain(kind)


def test_the_host_reads_who_comes_and_no_link_of_the_booker() -> None:
    text = plain(Kind.HOST_BOOKING_CONFIRMED)
    for said in (
        "3e B, Collège du Port, Gennevilliers",
        "Camille Martin",
        "prof@college.example",
        "01 23 45 67 89",
        "réduite : 1",
    ):
        assert said in text
    for kind in (Kind.HOST_BOOKING_CONFIRMED, Kind.HOST_BOOKING_CHANGED, Kind.HOST_BOOKING_CANCELLED):
        content = written(kind, recipient="accueil@port.example")
        assert "token" not in body(opened(content), "html") + body(opened(content), "plain")


def test_mail_to_an_unproven_address_carries_none_of_the_visitors_text(world: World) -> None:
    book(world.visit_slot, a_class(**VISITOR))
    with clock.clock_at(QUEUED + timedelta(hours=3)):
        from booking.actions.expire_holds import due_holds, expire_hold
        from booking.db import in_transaction

        [in_transaction(lambda: expire_hold(reference)) for reference in due_holds()]
    messages = list(db.session.scalars(select(Message).order_by(Message.id)))
    assert [message.kind for message in messages] == [Kind.BOOKING_TO_PROVE, Kind.BOOKING_EXPIRED]
    for message in messages:
        mail = opened(compose(message, NONCE, (), SETTINGS).content)
        everything = f"{mail['Subject']} {body(mail, 'plain')} {body(mail, 'html')}".casefold()
        for typed in VISITOR.values():
            assert typed.casefold() not in everything


def test_a_template_that_asks_for_an_unknown_fact_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    from booking.mail import render

    full = render._context
    monkeypatch.setattr(render, "_context", lambda *given: {k: v for k, v in full(*given).items() if k != "title"})
    with pytest.raises(UndefinedError):
        written(Kind.BOOKING_CONFIRMED)


def test_a_mail_opens_again_for_the_mailbox() -> None:
    seen = open_mail(written(Kind.BOOKING_CONFIRMED))
    assert seen.recipient == "prof@college.example"
    assert seen.subject.startswith("Confirmé")
    assert "Confirmée" in seen.text
    assert "<table" in seen.html
    assert seen.calendar is not None
    assert open_mail(written(Kind.BOOKING_TO_PROVE)).calendar is None


def test_the_row_of_a_mail_needs_nothing_but_its_facts() -> None:
    assert row(Kind.BOOKING_CONFIRMED).booking is None
    assert facts(Kind.BOOKING_TO_PROVE)["booking"].keys().isdisjoint({"name", "email", "phone", "school_name"})


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *[("#FFFFFF", tone) for tone in ("#C2410C", "#2B6E3F", "#5B6270", "#B42318", "#0B5C7A")],
        *[(text, ground) for text in ("#14213D", "#5B6270", "#0B5C7A") for ground in ("#FBFAF7", "#FFFFFF")],
        *[(text, ground) for text in ("#F0EEE8", "#B4BBC9", "#8CCBE6") for ground in ("#0F1522", "#182033")],
        ("#0F1522", "#8CCBE6"),
    ],
)
def test_every_pair_of_colours_is_readable(text: str, ground: str) -> None:
    source = "".join(path.read_text() for path in Path(ROOT / "templates" / "mail").glob("*.html"))
    assert text in source
    assert ground in source
    assert _contrast(text, ground) >= 4.5
