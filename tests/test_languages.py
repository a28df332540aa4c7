"""French first, English complete: every message of the code and the templates, and what the pages show of them."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

import booking
from booking import clock, wording
from booking.api import problems
from booking.app import create_app
from booking.errors import (
    AlreadyBooked,
    AlreadySplit,
    BookingClosed,
    CapacityTaken,
    ClassBooked,
    EditConflict,
    EventFixed,
    EventNotReady,
    FeedbackClosed,
    IdempotencyKeyReused,
    Invalid,
    LastManager,
    NotFound,
    NotFull,
    NothingAsked,
    NothingToSend,
    PoolChanged,
    PoolInUse,
    PriorityOnly,
    Problem,
    Refusal,
    SchoolLimit,
    SecondFactorNeeded,
    SentEnough,
    SignedOut,
    SlotChanged,
    SlotFull,
    StillBooked,
    TooLate,
    TooMany,
    TooManyLetters,
    WrongImportState,
    WrongLabelState,
    WrongState,
)
from booking.i18n import LOCALES, catalogue, figure, translate
from booking.links import CONFIRM
from booking.models import Status
from booking.web.errors import FormExpired
from booking.wording import PROBLEMS, problem_sentence, refusal_sentence
from tests.conftest import NOW
from tests.databases import settings_for
from tests.messages import (
    ENGLISH,
    PLACEHOLDER,
    Shown,
    calls_of,
    entries_of,
    forms,
    french_only,
    messages,
    placeholders,
    stands_in,
    translations,
)
from tests.test_booking_pages import book, the_booking, token
from tests.world import World


def test_the_walk_finds_messages_of_every_kind() -> None:
    assert len(messages()) > 350
    for known in ("Ce champ est nécessaire.", "Visite d’entreprise", "Réserver", "Bonjour %(name)s,", ("visite", "visites")):
        assert known in messages()
    assert ("%(n)s heure", "%(n)s heures") in messages(), "written in code, with its plural"


def test_every_message_has_an_english_one() -> None:
    missing = [
        f"{where}: {message}"
        for message, where in messages().items()
        if not any(all(forms(written.entry.string)) for written in translations().get(message, []))
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_every_english_message_is_read_as_it_is_written() -> None:
    english = catalogue("en")
    for message in messages():
        written = forms(translations()[message][0].entry.string)
        if isinstance(message, str):
            assert english.gettext(message) == written[0]
        else:
            assert [english.ngettext(*message, n) for n in (1, 2, 0)] == [written[0], written[1], written[1]]


def test_placeholders_are_the_same_in_both_languages() -> None:
    wrong = [
        f"{file}: {french} / {english}"
        for found in translations().values()
        for file, entry in found
        for french, english in zip(forms(entry.id), forms(entry.string), strict=True)
        if placeholders(french) != placeholders(english)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_percent_sign_is_written_twice_because_templates_format_every_message() -> None:
    texts = [text for found in translations().values() for _, entry in found for text in (*forms(entry.id), *forms(entry.string))]
    bare = [text for text in texts if "%" in PLACEHOLDER.sub("", text.replace("%%", ""))]
    assert not bare


def test_no_translation_is_left_over() -> None:
    left_over = [
        f"{written.file}: {message}"
        for message, found in translations().items()
        if message not in messages()
        for written in found
    ]
    assert not left_over, "\n" + "\n".join(left_over)
    for path in ENGLISH:
        with path.open("rb") as source:
            assert not read_po(source).obsolete, path.name


def test_one_message_has_one_english_in_all_files() -> None:
    different = {
        message: [(written.file, written.entry.string) for written in found]
        for message, found in translations().items()
        if len({forms(written.entry.string) for written in found}) > 1
    }
    assert not different


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.name)
def test_a_file_says_each_message_once_and_is_sure_of_it(path: Path) -> None:
    entries = entries_of(path)
    written = re.findall(r'^msgid "', path.read_text(), re.MULTILINE)
    assert len(written) == len(entries) + 1, "the header, and each message once"
    assert not [entry.id for entry in entries if entry.fuzzy], "fuzzy entries are never shown"


def test_every_problem_of_the_code_has_its_sentence_and_the_facts_it_names() -> None:
    found = list(calls_of("Problem"))
    assert len(found) > 20
    for where, call in found:
        code = call.args[0]
        assert isinstance(code, ast.Constant), f"{where}: a code is written out, so that it can be found"
        assert code.value in PROBLEMS, f"{where}: {code.value} has no sentence"
        given = call.args[1] if len(call.args) > 1 else ast.Dict(keys=[], values=[])
        assert isinstance(given, ast.Dict), where
        problem = Problem(code.value, {str(key.value): 31 for key in given.keys if isinstance(key, ast.Constant)})
        french, english = (problem_sentence(problem, locale) for locale in LOCALES)
        assert french, where
        assert english, where
        assert french != english, where


def first_words(name: str) -> set[str]:
    """The first argument of every call of a refusal, where it is written out."""
    return {str(call.args[0].value) for _, call in calls_of(name) if call.args and isinstance(call.args[0], ast.Constant)}


def every_refusal() -> list[Refusal]:
    """One of each refusal the house knows, with every reason there is for it."""
    return [
        *(BookingClosed(why, at=NOW) for why in first_words("BookingClosed")),
        *(FeedbackClosed(why, at=NOW) for why in first_words("FeedbackClosed")),
        *(TooLate(what, at=NOW) for what in first_words("TooLate")),
        *(WrongState(status) for status in Status),
        *(SlotFull(remaining=remaining, wanted=31) for remaining in (0, 1, 8)),
        *(TooMany(scope, retry_after=3600) for scope in ("recipient", "network", "booking")),
        *(EventNotReady(what, ()) for what in first_words("EventNotReady")),
        *(EventFixed(why) for why in first_words("EventFixed")),
        *(StillBooked(bookings) for bookings in (1, 12)),
        EditConflict({}, 2),
        *(WrongLabelState(why) for why in first_words("WrongLabelState")),
        *(WrongImportState(why) for why in first_words("WrongImportState")),
        *(TooManyLetters(what, most=3) for what in ("slot", "organisation")),
        SlotChanged(), CapacityTaken(31, [("7KQ4-M9TX", 31)]), PoolChanged(), *(PoolInUse(why, []) for why in first_words("PoolInUse")),
        AlreadyBooked(reference="7KQ4-M9TX"), AlreadySplit(reference="7KQ4-M9TX"), ClassBooked(reference="7KQ4-M9TX"), SchoolLimit(limit=1), SchoolLimit(limit=2), NotFull(remaining=31),
        PriorityOnly(at=NOW, uai_missing=True), PriorityOnly(at=NOW, uai_missing=False), IdempotencyKeyReused(), Invalid({}), NotFound(), FormExpired(), SignedOut(),
        LastManager(), SecondFactorNeeded(),
        NothingAsked(), NothingToSend(), *(SentEnough(why, most=5) for why in first_words("SentEnough")),
    ]  # fmt: skip


def kinds_of(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for found in kind.__subclasses__():
        if found.__module__.startswith("booking."):
            yield found
            yield from kinds_of(found)


def test_every_refusal_of_the_code_has_its_sentence() -> None:
    for module in pkgutil.walk_packages(booking.__path__, "booking."):
        importlib.import_module(module.name)
    kinds = set(kinds_of(Refusal))
    of_the_api = {kind for kind in kinds if kind.__module__.startswith("booking.api.")}
    assert kinds - of_the_api == {type(refusal) for refusal in every_refusal()}
    for kind in of_the_api:
        for message in (problems.TITLES[kind.code], problems._DETAILS[kind.code]):
            assert translate("en", message) != message


def test_every_refusal_is_said_in_both_languages_and_no_sentence_waits_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()

    class Watched(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            said.add(key)
            return super().__getitem__(key)

    monkeypatch.setattr(wording, "REFUSALS", Watched(wording.REFUSALS))
    for refusal in every_refusal():
        french, english = (refusal_sentence(refusal, locale) for locale in LOCALES)
        assert french != english
        assert "%(" not in french + english
        assert "None" not in french + english
    assert said == set(wording.REFUSALS)


FRENCH_SIGNS = re.compile(r"[«»]|[\w)] [:;?!]")


@cache
def french_in(text: str) -> dict[str, str]:
    """The French messages that stand in a text, and how."""
    return {french: found for french in french_only() if (found := stands_in(french, text)) is not None}


def assert_english(page: str, *expected: str) -> None:
    shown = Shown(page)
    text = shown.text
    for phrase in expected:
        assert phrase in text
    assert not french_in(text), "French is left on an English page"
    assert not [node for node in shown.nodes if FRENCH_SIGNS.search(node)], "French punctuation is left on an English page"


def test_a_french_page_is_seen_to_be_french(client: FlaskClient, world: World) -> None:
    """The eye of the tests below: it finds the French sentences of a page, and passes over quoted French."""
    home = Shown(client.get("/").text).text
    assert {
        "Vous enseignez",
        "Aller au contenu",
        "places libres sur %(all)s",
        "Du %(start)s au %(end)s, l’industrie ouvre ses coulisses",
    } <= set(french_in(home))
    with pytest.raises(AssertionError):
        assert_english('<html lang="en"><p>See <b aria-label="Voir la réservation">x</b></p>')
    assert_english('<html lang="en"><p>See <q lang="fr">Voir <img alt="x"> la réservation</q> <br> again</p>', "again")


def test_public_pages_in_english_say_nothing_in_french(client: FlaskClient, world: World) -> None:
    pages = {
        "/": ("Go behind the scenes of industry, from", "31 of 31 places free"),
        "/events": ("All levels", "4e (Year 9)", "All visitors"),
        "/events?places=30&level=3e&day=2026-11-24&q=port": ("with at least 30 places free", "3e (Year 10)"),
        "/events?q=zzz&page=x": ("Nothing matches", "so we left it out"),
        f"/events/{world.visit}": ("Before you book", "1 adult for every 15 pupils", "Takes place during"),
        f"/events/{world.visit}?places=30": ("Book 30 places",),
        f"/events/{world.debate}": ("Includes", "Elected officials"),
        f"/events/{world.dating}": ("Speed interviews", "Jobseekers"),
        f"/slots/{world.visit_slot}/bookings/new": ("Book for the class", "Town of the school", "for 2 hours"),
        f"/slots/{world.boat_slot}/bookings/new?party=person": ("Book my place", "Coming with a class?"),
        f"/slots/{world.dating_slot}/bookings/new": ("Your first and last name",),
        "/nowhere": ("This page does not exist",),
    }  # fmt: skip
    for path, expected in pages.items():
        answer = client.get(path + ("&" if "?" in path else "?") + "lang=en")
        assert answer.status_code == (404 if path == "/nowhere" else 200), path
        assert_english(answer.text, *expected)


def test_information_pages_in_english_say_nothing_in_french(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'empty.sqlite3'}", HOSTING_NAME="Hébergeur du Fleuve"))
    for path in ("/accessibility", "/privacy", "/legal", "/companies"):
        assert_english(app.test_client().get(f"{path}?lang=en").text, "Skip to content")


def test_the_pages_of_a_booking_in_english_say_nothing_in_french(app: Flask, client: FlaskClient, world: World) -> None:
    client.get("/?lang=en")
    wrong = book(client, world.visit_slot, pupils="many", adults="0", email="x", level="BTS", phone="no", school_uai="1")
    assert_english(wrong.text, "answers need another look", "Write a whole number", "It must be at least 1.")
    page = book(client, world.visit_slot, pupils=20, adults=1).location
    assert_english(client.get(page).text, "Places held until 12 pm", "One step left: confirm", "20 pupils + 1 adult")
    link = f"{page}/confirmation?token={token(app, the_booking(), CONFIRM)}"
    assert_english(client.get(link).text, "Confirm 20 places")
    client.post(link)
    assert_english(
        client.get(f"{page}?note=confirmed").text,
        "You’re booked",
        "The site asks for 2 adults with this many pupils: 1 more needed.",
    )
    refused = client.post(f"{page}/headcount", data={"pupils": "32", "adults": "2"})
    assert_english(refused.text, "11 places are left, and 12 are needed")
    client.post(f"{page}/headcount", data={"pupils": "31", "adults": "3"})
    assert_english(client.get(f"{page}?note=headcount").text, "The headcount is now 31 pupils + 3 adults.")
    assert_english(client.get(f"/slots/{world.visit_slot}/bookings/new").text, "This slot is full: every place is taken.")
    with clock.clock_at(NOW + timedelta(days=7)):
        assert_english(client.get(page).text, "You could change the headcount freely until")
    assert_english(client.get(f"{page}/cancellation").text, "Cancel this booking?", "31 places will be free for others")
    client.post(f"{page}/cancellation", data={"why": "strike"})
    assert_english(client.get(f"{page}?note=cancelled").text, "Booking cancelled", "Reason given", "strike")
    assert_english(client.get(f"{page}/cancellation").text, "There is nothing left to cancel")
    assert_english(client.get(link).text, "This booking can no longer be confirmed")


def test_a_booking_nobody_confirmed_says_so_in_english(client: FlaskClient, world: World) -> None:
    client.get("/?lang=en")
    page = book(client, world.boat_slot, pupils=38, adults=2).location
    short = book(client, world.boat_slot, key="k2", label="3e C", pupils=2)
    assert_english(short.text, "We could not book your places", "This slot is full")
    with clock.clock_at(NOW + timedelta(hours=3)):
        assert_english(client.get(page).text, "Time is up, places released", "Book again")
    with clock.clock_at(NOW + timedelta(days=30)):
        assert_english(client.get(f"/slots/{world.boat_slot}/bookings/new").text, "This slot can no longer be booked")


def test_thousands_stand_apart() -> None:
    assert [figure(2781, locale) for locale in ("fr", "en")] == ["2\u00a0781", "2,781"]
    assert figure(31, "fr") == "31"
