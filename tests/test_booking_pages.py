"""The way of a booking through the pages: form, held places, confirmation, changes, cancellation."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from booking import clock
from booking.app import create_app
from booking.db import db
from booking.links import CONFIRM, MANAGE, make_token
from booking.models import Booking, Message, Pool, Status
from tests.databases import settings_for
from tests.world import World, a_form

HOSTILE = [
    "", "0", "-1", "1000000000", "x" * 10_000, "a\x00b", "a\x07b", "a\r\nBcc: x@example.org", "😀", "\u202eabc", "<script>alert(1)</script>",
    "%(name)s {0} {{7*7}}", "'; DROP TABLE bookings; --", "１２", "1e9", "31.5", " ", "\ud800",
]  # fmt: skip


def the_booking() -> Booking:
    db.session.rollback()
    return db.session.scalars(select(Booking).execution_options(populate_existing=True)).one()


def count(table: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def taken(slot_id: int) -> int:
    from booking.queries import fetch

    db.session.rollback()
    return fetch.slot(slot_id).taken


def book(client: FlaskClient, slot_id: int, **more: object) -> TestResponse:
    return client.post(f"/slots/{slot_id}/bookings", data=a_form(**more))


def token(app: Flask, booking: Booking, purpose: str) -> str:
    return make_token(app.config["SETTINGS"].secret_key, purpose, booking.link_nonce)


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def test_a_class_of_31_books_the_port_confirms_and_no_32nd_pupil_comes(app: Flask, client: FlaskClient, world: World) -> None:
    form = client.get(f"/slots/{world.visit_slot}/bookings/new")
    assert "31 places libres sur 31" in text(form)
    answer = book(client, world.visit_slot)
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert "Places tenues jusqu’à 12 h" in text(page)
    booking = the_booking()
    link = f"/bookings/{booking.reference}/confirmation?token={token(app, booking, CONFIRM)}"
    assert "Confirmer 31 places" in text(client.get(link))
    assert the_booking().status is Status.HELD
    client.post(f"/bookings/{booking.reference}/confirmation", data={"token": token(app, booking, CONFIRM)})
    assert the_booking().status is Status.CONFIRMED
    late = book(client, world.visit_slot, key="other", label="3e C", pupils=1)
    assert late.status_code == 409
    assert "Ce créneau est complet" in text(late)
    assert taken(world.visit_slot) == 31


def test_refused_for_want_of_places_the_form_comes_back_filled_with_what_is_possible(client: FlaskClient, world: World) -> None:
    book(client, world.boat_slot, pupils=30, adults=2, label="5e A", level="4e")
    answer = book(client, world.boat_slot, key="k2", pupils=10, adults=1, label="3e « D » & co")
    said = text(answer)
    assert answer.status_code == 409
    assert "Il reste 8 places, il en faudrait 11." in said
    assert "Vous pouvez venir à 8 au plus" in said
    assert f"/slots/{world.second_boat_slot}/bookings/new" in answer.get_data(as_text=True)
    assert 'value="3e « D » &amp; co"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "field",
    [
        "pupils",
        "adults",
        "school_name",
        "commune",
        "level",
        "label",
        "name",
        "email",
        "phone",
        "school_uai",
        "needs_motor",
        "audience",
        "key",
    ],
)
def test_hostile_values_get_a_sentence_or_are_taken_as_text_and_never_a_500(
    client: FlaskClient, world: World, field: str
) -> None:
    for n, value in enumerate(HOSTILE):
        data = a_form(key=f"{field}{n}", email=f"p{n}@college.example", label=f"{field}{n}", pupils=1) | {field: value}
        raw = "&".join(f"{name}={_quoted(given)}" for name, given in data.items())
        answer = client.post(
            f"/slots/{world.debate_slot if field == 'x' else world.boat_slot}/bookings",
            data=raw,
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code in {303, 409, 422, 429}, (field, value, answer.status_code)
        if answer.status_code == 422:
            page = answer.get_data(as_text=True)
            assert 'role="alert"' in page
            assert "a_form" not in page
            assert f'value="{data["name"]}"' in page or field == "name"


def _quoted(value: str) -> str:
    from urllib.parse import quote_from_bytes

    return quote_from_bytes(value.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("pupils", "0", "Il en faut au moins 1."),
        ("pupils", "-1", "Il en faut au moins 1."),
        ("pupils", "1000000000", "C’est plus que nous ne pouvons accepter : 500 au plus."),
        ("pupils", "", "Ce champ est nécessaire."),
        ("pupils", "trente", "Écrivez un nombre entier"),
        ("adults", "0", "Il en faut au moins 1."),
        ("name", "x" * 10_000, "C’est trop long : 120 caractères au plus."),
        ("name", "a\r\nBcc: x@example.org", "un retour à la ligne"),
        ("name", "\u202eabc", "un caractère qui ne s’imprime pas"),
        ("email", "prof", "ne semble pas complète"),
        ("email", "prof@college", "ne semble pas complète"),
        ("email", "reservations@coulisses.example", "C’est notre propre adresse"),
        ("school_uai", "0751234A", "sept chiffres et une lettre de contrôle"),
        ("phone", "allô", "Écrivez un numéro de téléphone"),
        ("needs_motor", "60", "Vous annoncez plus de besoins que de personnes."),
        ("level", "6e", "Cette visite n’est pas ouverte à ce niveau."),
        ("level", "CM2", "Choisissez une des réponses proposées."),
    ],
)
def test_each_wrong_value_gets_its_sentence_beside_the_field(
    client: FlaskClient, world: World, field: str, value: str, sentence: str
) -> None:
    answer = book(client, world.visit_slot, **{field: value})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    beside = re.search(rf'id="{field}-wrong">([^<]*)<', page)
    assert beside is not None
    assert sentence in unescape(beside[1]).replace("\u00a0", " ")
    assert f'href="#{field}"' in page
    assert 'aria-invalid="true"' in page
    assert count(Booking) == 0


def test_the_summary_names_the_fields_in_the_order_of_the_form(client: FlaskClient, world: World) -> None:
    said = book(client, world.visit_slot, pupils="", adults="", school_name="", level="", email="").text
    summary, form = said.split("</ul>", said[: said.index('id="problems"')].count("</ul>") + 1)[-2:]
    named = re.findall(r'href="#([a-z_]+)"', summary)
    assert named == ["pupils", "adults", "school_name", "level", "email"]
    assert sorted(named, key=lambda name: form.index(f'id="{name}"')) == named


def test_double_submit_and_back_button_make_one_booking(client: FlaskClient, world: World) -> None:
    first, second = (book(client, world.visit_slot) for _ in range(2))
    assert first.location == second.location
    assert count(Booking) == count(Message) == 1


def test_two_tabs_of_one_browser_make_one_booking_and_show_it(client: FlaskClient, world: World) -> None:
    first = book(client, world.visit_slot, key="tab-1", pupils=10)
    second = book(client, world.visit_slot, key="tab-2", pupils=10)
    assert second.status_code == 303
    assert second.location.startswith(first.location)
    assert "avait déjà sa réservation" in text(client.get(second.location))
    assert count(Booking) == 1


def test_a_stranger_with_the_same_class_is_refused_and_learns_no_reference(app: Flask, client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot, pupils=10)
    reference = the_booking().reference
    answer = book(app.test_client(), world.visit_slot, key="other", pupils=10)
    assert answer.status_code == 409
    assert reference not in answer.get_data(as_text=True)


def test_going_back_and_changing_the_form_gets_a_new_key_and_the_entries_back(client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot, pupils=10)
    answer = book(client, world.visit_slot, pupils=12)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="12"' in page
    assert 'name="key" value="form-key-1"' not in page


def test_who_has_proven_the_address_in_this_browser_books_in_one_step(app: Flask, client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot, pupils=5)
    booking = the_booking()
    client.post(f"/bookings/{booking.reference}/confirmation", data={"token": token(app, booking, CONFIRM)})
    answer = book(client, world.boat_slot, key="k2", pupils=5)
    assert "C’est réservé" in text(client.get(answer.location))
    other = book(app.test_client(), world.boat_slot, key="k3", pupils=5, label="3e Z")
    assert other.status_code == 303
    db.session.rollback()
    assert sorted(db.session.scalars(select(Booking.status))) == [Status.CONFIRMED, Status.CONFIRMED, Status.HELD]


def test_forgetting_the_browser_hides_its_bookings_and_its_proof(client: FlaskClient, world: World) -> None:
    location = book(client, world.visit_slot).location
    assert client.get(location).status_code == 200
    client.post("/visitor/forget")
    assert client.get(location).status_code == 404


def test_the_secret_link_opens_and_acts_without_a_cookie(app: Flask, client: FlaskClient, world: World) -> None:
    book(client, world.boat_slot, pupils=10, adults=2)
    booking, stranger = the_booking(), app.test_client()
    secret = token(app, booking, MANAGE)
    page = f"/bookings/{booking.reference}"
    assert stranger.get(page).status_code == 404
    assert stranger.get(f"{page}?token=wrong").status_code == 404
    assert stranger.get(f"{page}?token={token(app, booking, CONFIRM)}").status_code == 404
    shown = stranger.get(f"{page}?token={secret}")
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert stranger.get(page).status_code == 404, "a GET leaves nothing behind"
    stranger.post(f"{page}/headcount", data={"token": secret, "pupils": "12", "adults": "2"})
    assert the_booking().places == 14
    assert stranger.get(page).status_code == 200


@pytest.mark.parametrize("act", ["headcount", "cancellation", "confirmation"])
def test_a_foreign_or_missing_booking_is_a_404_for_every_act(app: Flask, client: FlaskClient, world: World, act: str) -> None:
    book(client, world.visit_slot)
    book(client, world.boat_slot, key="k2", email="autre@college.example", pupils=2)
    mine, other = db.session.scalars(select(Booking).order_by(Booking.id)).all()
    stranger = app.test_client()
    for reference in (mine.reference, "AAAA-AAAA", "x", "%00", "é"):
        for wrong in ("", "x", token(app, other, MANAGE), token(app, other, CONFIRM)):
            assert (
                stranger.post(f"/bookings/{reference}/{act}", data={"token": wrong, "pupils": "1", "adults": "1"}).status_code
                == 404
            )
    assert {booking.status for booking in db.session.scalars(select(Booking))} == {Status.HELD}


def test_the_manage_link_does_not_confirm(app: Flask, client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot)
    booking = the_booking()
    assert (
        client.post(f"/bookings/{booking.reference}/confirmation", data={"token": token(app, booking, MANAGE)}).status_code == 404
    )


def test_mail_scanners_open_every_link_twenty_times_and_nothing_changes(app: Flask, client: FlaskClient, world: World) -> None:
    book(client, world.visit_slot)
    booking = the_booking()
    before = (booking.version, count(Message))
    for _ in range(20):
        for path in (
            f"?token={token(app, booking, MANAGE)}",
            f"/confirmation?token={token(app, booking, CONFIRM)}",
            "/cancellation",
            "/qr.svg",
        ):
            client.get(f"/bookings/{booking.reference}{path}")
            client.head(f"/bookings/{booking.reference}{path}")
    assert (the_booking().version, count(Message)) == before


def test_headcount_up_checks_places_and_down_frees_them(client: FlaskClient, world: World) -> None:
    page = book(client, world.visit_slot, pupils=20).location
    client.post(f"{page}/headcount", data={"pupils": "25", "adults": "2"})
    assert taken(world.visit_slot) == 25
    refused = client.post(f"{page}/headcount", data={"pupils": "32", "adults": "2"})
    assert refused.status_code == 409
    assert 'value="32"' in refused.get_data(as_text=True)
    assert "Il reste 6 places" in text(refused)
    assert "Votre réservation reste comme elle est." in text(refused)
    wrong = client.post(f"{page}/headcount", data={"pupils": "zéro", "adults": "2"})
    assert wrong.status_code == 422
    assert 'id="pupils-wrong"' in wrong.get_data(as_text=True)
    client.post(f"{page}/headcount", data={"pupils": "5", "adults": "2"})
    assert taken(world.visit_slot) == 5


def test_cancelling_asks_first_then_frees_the_places(client: FlaskClient, world: World) -> None:
    page = book(client, world.visit_slot).location
    assert "Annuler cette réservation ?" in text(client.get(f"{page}/cancellation"))
    assert taken(world.visit_slot) == 31
    answer = client.post(f"{page}/cancellation", data={"why": "grève\r\ndes <b>trains</b>"})
    assert taken(world.visit_slot) == 0
    shown = client.get(answer.location)
    assert "grève des <b>trains</b>" in text(shown) or "grève des &lt;b&gt;" in shown.get_data(as_text=True)
    assert client.post(f"{page}/cancellation").status_code == 303
    assert count(Booking) == 1


def test_a_passed_deadline_offers_to_book_again(app: Flask, client: FlaskClient, world: World, frozen: datetime) -> None:
    book(client, world.visit_slot)
    booking = the_booking()
    with clock.clock_at(frozen + timedelta(hours=2, minutes=1)):
        link = f"/bookings/{booking.reference}/confirmation"
        assert "Réserver de nouveau" in text(app.test_client().get(f"{link}?token={token(app, booking, CONFIRM)}"))
        refused = app.test_client().post(link, data={"token": token(app, booking, CONFIRM)})
    assert refused.status_code == 409
    assert "Le délai est passé" in text(refused)


def test_a_jobseeker_books_one_place_alone(client: FlaskClient, world: World) -> None:
    assert "Vos prénom et nom" in text(client.get(f"/slots/{world.dating_slot}/bookings/new"))
    data = {"audience": "jobseeker", "name": "Alex Durand", "email": "alex@mail.example", "key": "k"}
    answer = client.post(f"/slots/{world.dating_slot}/bookings", data=data)
    assert answer.status_code == 303
    assert (the_booking().places, the_booking().pupils) == (1, 0)
    page = text(client.get(answer.location))
    assert "1 personne" in page
    assert "Place tenue jusqu’à 12 h" in page
    assert "votre place servira à quelqu’un d’autre" in page


def test_a_closed_or_full_slot_shows_where_else_one_can_go(client: FlaskClient, world: World) -> None:
    book(client, world.boat_slot, pupils=38, adults=2)
    page = client.get(f"/slots/{world.boat_slot}/bookings/new")
    assert "Ce créneau est complet" in text(page)
    assert f"/slots/{world.second_boat_slot}/bookings/new" in page.get_data(as_text=True)
    with clock.clock_at(datetime.fromisoformat("2026-11-27T08:30:00+00:00")):
        said = text(client.get(f"/slots/{world.boat_slot}/bookings/new"))
        assert "Les réservations sont closes depuis" in said
        assert "13 h" not in said or "14 h – 15 h" in said


def test_csrf_is_asked_of_every_form_and_nothing_typed_is_lost(app: Flask, client: FlaskClient, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = book(client, world.visit_slot)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "Rien n’est perdu" in page
    assert 'value="Collège du Port"' in page
    assert count(Booking) == 0
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert book(client, 999).status_code == 404, "a form without its token, for a slot that is not there"
    for path in (
        "/bookings/AAAA-AAAA/headcount",
        "/bookings/AAAA-AAAA/cancellation",
        "/bookings/AAAA-AAAA/confirmation",
        "/visitor/forget",
    ):
        assert client.post(path).status_code == 400
    token_ = re.search(
        r'name="csrf_token" value="([^"]+)"', client.get(f"/slots/{world.visit_slot}/bookings/new").get_data(as_text=True)
    )
    assert token_ is not None
    assert book(client, world.visit_slot, csrf_token=token_[1]).status_code == 303


def test_every_form_that_acts_is_covered_by_csrf(app: Flask) -> None:
    from booking.web.security import csrf

    posts = {
        rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }
    assert posts
    assert not csrf._exempt_views & posts
    assert [blueprint.name for blueprint in csrf._exempt_blueprints] == ["api"]


def test_a_whole_order_costs_at_most_twelve_statements(app: Flask, client: FlaskClient, world: World) -> None:
    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    db.session.remove()
    client.get(f"/slots/{world.visit_slot}/bookings/new")
    db.session.remove()
    location = book(client, world.visit_slot).location
    db.session.remove()
    client.get(location)
    spoken = [statement for statement in seen if not statement.startswith(("BEGIN", "PRAGMA"))]
    assert len(spoken) <= 12, "\n".join(spoken)


def test_links_are_built_from_base_url_and_never_from_the_host_header(client: FlaskClient, world: World) -> None:
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(), headers=evil)
    assert not answer.location.startswith("http")
    for path in ("/", "/events", f"/events/{world.visit}", answer.location):
        assert "evil.example" not in client.get(path, headers=evil).get_data(as_text=True)


def test_cookies_are_secure_under_https(database_url: str) -> None:
    app = create_app(settings_for(database_url, BASE_URL="https://visites.example"))
    with app.app_context():
        World.build()
        answer = app.test_client().get("/slots/2/bookings/new?lang=en", base_url="https://visites.example")
        cookies = answer.headers.getlist("Set-Cookie")
        db.session.remove()
        db.engine.dispose()
    session = next(cookie for cookie in cookies if cookie.startswith("__Host-session="))
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in session
    assert all("Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    assert answer.headers["Strict-Transport-Security"]


def test_a_flood_is_refused_with_a_sentence_and_a_time(client: FlaskClient, world: World) -> None:
    for n in range(9):
        answer = book(client, world.boat_slot, key=f"k{n}", label=f"c{n}", pupils=1)
    assert answer.status_code == 429
    assert "Réessayez dans une heure" in text(answer)
    assert 'value="Camille Martin"' in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.sum(Pool.taken)).where(Pool.key.is_(None))) == 32
