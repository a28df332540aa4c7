"""The public pages: what they tell, how they are found, what they carry."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update

from booking import clock
from booking.app import create_app
from booking.db import db
from booking.models import Event, Pool, Publication, Slot
from tests.databases import settings_for
from tests.test_booking_pages import book, text
from tests.world import World

PUBLIC = [
    "/",
    "/events",
    "/events/{visit}",
    "/slots/{visit_slot}/bookings/new",
    "/accessibility",
    "/privacy",
    "/legal",
    "/companies",
    "/nope",
]


def paths(world: World) -> list[str]:
    return [path.format(**vars(world)) for path in PUBLIC]


def test_home_tells_the_week_its_days_and_where_one_can_still_go(client: FlaskClient, world: World) -> None:
    said = text(client.get("/"))
    assert "Du lundi 23 au dimanche 29 novembre" in said
    assert "Les métiers du fleuve" in said
    assert "Visite des activités portuaires" in said


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 4), ("?q=SEINE", 1), ("?q=activites+portuaires", 1), ("?day=2026-11-27", 1), ("?commune=Gennevilliers", 4), ("?type=job_dating", 1),
        ("?audience=jobseeker", 1), ("?level=3e", 2), ("?places=31", 3), ("?places=41", 1), ("?places=121", 0), ("?audience=school&places=40", 1),
    ],
)  # fmt: skip
def test_the_catalogue_filters_and_keeps_its_state_in_the_address(
    client: FlaskClient, world: World, query: str, found: int
) -> None:
    answer = client.get(f"/events{query}")
    assert answer.get_data(as_text=True).count('<article class="event-card">') == found
    assert re.search(rf"\b{found} événement", text(answer))


@pytest.mark.parametrize(
    "query",
    [
        "?day=x",
        "?page=-1",
        "?page=9999999999999",
        "?places=abc",
        "?places=0",
        "?type=x",
        "?level=%00",
        "?q=%00%25_\\",
        "?q=" + "x" * 5000,
        "?commune='--",
        "?lang=xx",
    ],
)
def test_an_address_that_makes_no_sense_still_shows_the_catalogue(client: FlaskClient, world: World, query: str) -> None:
    assert client.get(f"/events{query}").status_code == 200


def test_the_event_page_tells_conditions_slots_and_what_surrounds_it(client: FlaskClient, world: World) -> None:
    said = text(client.get(f"/events/{world.visit}"))
    for words in (
        "Avant de réserver",
        "Niveaux : 4e, 3e, 2de",
        "14 h 30 – 16 h",
        "31 places libres sur 31",
        "à 14 h 15",
        "Réunion-débat sur le canal Seine-Nord",
    ):
        assert words in said
    assert "Visite des activités portuaires" in text(client.get(f"/events/{world.debate}"))


def test_json_ld_tells_the_places_of_this_moment(client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot, pupils=10)
    page = client.get(f"/events/{world.visit}").get_data(as_text=True)
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    data = json.loads(found[1])
    assert (data["@type"], data["isAccessibleForFree"]) == ("Event", True)
    slot = data["subEvent"][0]
    assert (slot["maximumAttendeeCapacity"], slot["remainingAttendeeCapacity"], slot["startDate"]) == (
        31,
        21,
        "2026-11-24T14:30+01:00",
    )


def test_an_event_page_kept_from_before_never_tells_old_places(client: FlaskClient, world: World) -> None:
    path = f"/events/{world.visit}"
    first = client.get(path)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    book(client, world.visit_slot, pupils=10)
    second = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert "21 places libres sur 31" in text(second)
    with clock.clock_at(datetime(2026, 11, 24, 11, 30, tzinfo=UTC)):
        assert "Les réservations sont closes" in text(client.get(path))
    changes = (
        update(Slot).values(meeting_point="Quai 9"),
        update(Event).values(title="Un autre titre"),
        update(Pool).values(capacity=99),
    )
    for n, change in enumerate(changes):
        with clock.clock_at(datetime(2026, 11, 17, n, tzinfo=UTC)):
            db.session.execute(change)
            db.session.commit()
        third = client.get(path, headers={"If-None-Match": second.headers["ETag"]})
        assert third.status_code == 200
        second = third
    assert "Quai 9" in text(second)
    assert "Un autre titre" in text(second)


def test_a_kept_event_page_costs_one_statement(client: FlaskClient, world: World) -> None:
    client.get(f"/events/{world.visit}")
    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    db.session.remove()
    client.get(f"/events/{world.visit}")
    assert len([statement for statement in seen if not statement.startswith(("BEGIN", "PRAGMA"))]) == 1


def test_a_draft_is_a_404_as_if_it_were_not_there(client: FlaskClient, world: World) -> None:
    db.session.execute(update(Event).where(Event.id == world.visit).values(publication=Publication.DRAFT))
    db.session.commit()
    for path in (f"/events/{world.visit}", f"/slots/{world.visit_slot}/bookings/new", f"/slots/{world.visit_slot}/calendar.ics"):
        assert client.get(path).status_code == 404
    assert book(client, world.visit_slot).status_code == 404
    assert "Visite des activités portuaires" not in text(client.get("/events"))


@pytest.mark.parametrize(
    "path",
    [
        "/events/999",
        "/events/99999999999999999999",
        "/slots/99999999999999/bookings/new",
        "/editions/x",
        "/editions/%00",
        "/bookings/x",
        "/drawings/x-1.svg",
        "/drawings/forum-9.svg",
    ],
)
def test_what_is_not_there_is_a_404_that_helps(client: FlaskClient, world: World, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Chercher dans le programme" in text(answer)


def test_the_reader_chooses_the_language_and_it_is_remembered(app: Flask, world: World) -> None:
    browser = app.test_client()
    assert 'lang="en"' in browser.get("/", headers={"Accept-Language": "en-GB,fr;q=0.5"}).get_data(as_text=True)[:60]
    assert 'lang="fr"' in browser.get("/", headers={"Accept-Language": "de"}).get_data(as_text=True)[:60]
    browser.get("/?lang=en")
    assert 'lang="en"' in browser.get("/events", headers={"Accept-Language": "fr"}).get_data(as_text=True)[:60]


def test_every_answer_carries_the_headers_that_protect(client: FlaskClient, world: World) -> None:
    for path in [*paths(world), "/static/theme.css", "/robots.txt"]:
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"


def test_nothing_on_a_page_is_inline(client: FlaskClient, world: World) -> None:
    for path in paths(world):
        page = client.get(path).get_data(as_text=True)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), path
        assert all('src="' in tag or "ld+json" in tag for tag in re.findall(r"<script[^>]*>", page)), path


def test_public_pages_set_no_cookie(client: FlaskClient, world: World) -> None:
    for path in ("/", "/events", f"/events/{world.visit}", "/privacy"):
        headers = client.get(path).headers
        assert "Set-Cookie" not in headers
        assert "no-store" not in headers.get("Cache-Control", "")


def test_html_in_what_people_write_is_shown_as_text(client: FlaskClient, world: World) -> None:
    evil = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>{{7*7}}%s'
    db.session.execute(
        update(Event).values(title=evil, summary=evil, description=evil, conditions=evil, meeting_point=evil, commune=evil[:80])
    )
    db.session.commit()
    page = book(client, world.visit_slot, school_name=evil[:110], label="<b>x</b>", name=evil[:110])
    shown = [client.get(path).get_data(as_text=True) for path in ("/", "/events", f"/events/{world.visit}", page.location)]
    for html in shown:
        assert "<img src=x" not in html
        assert "<script>alert" not in html
        assert "<b>x</b>" not in html


def test_an_unexpected_error_is_a_page_that_says_what_to_do(
    app: Flask, client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from booking.queries import catalogue

    def fails() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(catalogue, "current_edition", fails)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert "sans crainte de réserver deux fois" in text(answer)
    assert "secret detail" not in text(answer)


def test_the_slot_for_a_calendar_is_stable_and_names_nobody(client: FlaskClient, world: World) -> None:
    path = f"/slots/{world.visit_slot}/calendar.ics"
    first = client.get(path)
    assert first.mimetype == "text/calendar"
    assert b"METHOD:PUBLISH" in first.data
    assert b"ATTENDEE" not in first.data
    assert client.get(path).data == first.data


def test_a_map_is_shown_where_tiles_are_set_and_the_page_is_whole_without(
    client: FlaskClient, world: World, database_url: str
) -> None:
    db.session.execute(update(Event).values(latitude=48.94, longitude=2.287))
    db.session.commit()
    without = client.get(f"/events/{world.visit}")
    assert 'id="map"' not in without.get_data(as_text=True)
    assert "openstreetmap.org" in without.get_data(as_text=True)
    app = create_app(settings_for(database_url, MAP_TILES_URL="https://tuiles.example/{z}/{x}/{y}.png"))
    shown = app.test_client().get(f"/events/{world.visit}?map")
    assert 'data-tiles="https://tuiles.example/{z}/{x}/{y}.png"' in shown.get_data(as_text=True)
    assert "img-src 'self' data: https://tuiles.example" in shown.headers["Content-Security-Policy"]
    assert app.test_client().get("/leaflet/leaflet.js").status_code == 200
