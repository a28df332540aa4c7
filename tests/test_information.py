"""The pages that inform: complete in both languages, and true to the settings of whoever runs the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.ext import babel_extract

from booking.app import create_app
from booking.config import ROOT
from booking.i18n import catalogue
from tests.databases import settings_for

PAGES = {
    "/accessibility": ("Déclaration d’accessibilité", "Accessibility statement"),
    "/privacy": ("Vie privée", "Privacy"),
    "/legal": ("Mentions légales", "Legal notice"),
    "/waiting-list": ("Qui reçoit les places qui se libèrent", "Who gets the places that come free"),
    "/companies": ("Ouvrez vos portes, nous tenons le compte des places", "Open your doors, and we keep count of the places"),
}
SAME_IN_BOTH = {"Cookies"}
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")


@pytest.fixture
def reader(tmp_path: Path) -> FlaskClient:
    """A visitor of an installation whose operator has set everything. No page here needs a row of the database."""
    app = create_app(
        settings_for(
            f"sqlite:///{tmp_path / 'empty.sqlite3'}",
            OPERATOR_NAME="Chambre <de> commerce",
            OPERATOR_ADDRESS="1 rue du Quai, 92000 Nanterre",
            OPERATOR_EMAIL="visites@chambre.example",
            HOSTING_NAME="Hébergeur du Fleuve",
        )
    )
    return app.test_client()


def messages_of(template: Path) -> Iterator[str]:
    """The sentences a template marks for translation; those it only passes on are marked elsewhere."""
    with template.open("rb") as source:
        for _, _, found, _ in babel_extract(source, ("_",), [], {}):
            message = found if isinstance(found, str) or found is None else found[0]
            if message:
                yield message


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_there_in_french_and_in_english(reader: FlaskClient, path: str) -> None:
    french, english = PAGES[path]
    for locale, title in (("fr", french), ("en", english)):
        answer = reader.get(f"{path}?lang={locale}")
        assert answer.status_code == 200
        assert f'<html lang="{locale}">' in answer.text
        assert f"<h1>{title}</h1>" in answer.text


@pytest.mark.parametrize("template", sorted((ROOT / "templates" / "information").glob("*.html")), ids=lambda path: path.name)
def test_every_sentence_has_an_english_one_with_the_same_values(template: Path) -> None:
    for message in messages_of(template):
        english = catalogue("en").gettext(message)
        assert english != message or message in SAME_IN_BOTH
        assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(message))


@pytest.mark.parametrize("path", ["/privacy", "/legal"])
def test_the_operator_of_the_settings_is_named_and_escaped(reader: FlaskClient, path: str) -> None:
    page = reader.get(path).text
    assert "Chambre &lt;de&gt; commerce" in page
    assert "1 rue du Quai, 92000 Nanterre" in page
    assert 'href="mailto:visites@chambre.example"' in page
    assert "Hébergeur du Fleuve" in page


@pytest.mark.parametrize("path", ["/accessibility", "/companies"])
def test_readers_know_where_to_write(reader: FlaskClient, path: str) -> None:
    assert 'href="mailto:visites@chambre.example"' in reader.get(path).text


def test_the_accessibility_statement_says_not_compliant_and_where_to_turn(reader: FlaskClient) -> None:
    page = reader.get("/accessibility").text
    assert "<b>Non conforme</b>" in page
    assert "https://formulaire.defenseurdesdroits.fr/" in page


def test_the_privacy_notice_says_how_long_and_names_the_cookies_that_are_set(reader: FlaskClient) -> None:
    page = reader.get("/privacy").text
    for kept in ("7 jours après la visite", "3 mois après la visite", "6 mois", "fermé après 12", "30 jours après sa fin"):
        assert kept in page
    app: Flask = reader.application
    names = {app.config["SESSION_COOKIE_NAME"], "account", "lang"}
    assert set(re.findall(r'<th scope="row" role="rowheader">([\w-]+)</th>', page)) == names
    assert reader.get("/privacy?lang=en").headers["Set-Cookie"].startswith("lang=")
    assert "https://www.cnil.fr/fr/plaintes" in page


def test_behind_https_the_privacy_notice_names_the_stricter_cookie(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'empty.sqlite3'}", BASE_URL="https://visites.example"))
    assert f">{app.config['SESSION_COOKIE_NAME']}</th>" in app.test_client().get("/privacy").text


def test_tables_keep_their_meaning_when_they_become_cards(reader: FlaskClient) -> None:
    page = reader.get("/privacy").text
    assert page.count('role="table"') == 3
    assert all(label for label in re.findall(r'data-label="([^"]*)"', page))


def test_the_legal_notice_says_a_demonstration_commits_nobody_only_where_it_is_one(reader: FlaskClient, tmp_path: Path) -> None:
    said = "ce que vous y réservez n’engage personne"
    assert said in reader.get("/legal").text
    real = create_app(settings_for(f"sqlite:///{tmp_path / 'empty.sqlite3'}", DEMO="off", MAIL_SERVER="127.0.0.1"))
    assert said not in real.test_client().get("/legal").text
