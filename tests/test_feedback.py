"""How was it? Who may say so and when, what is kept of it, and what the host and the authority read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.db import db, in_transaction
from booking.links import MANAGE, make_token
from booking.models import Actor, Booking, Feedback, HistoryEntry, Slot, Status
from booking.queries import doctor, fetch
from booking.queries.feedback import AT_LEAST, Ratings
from tests.history_guard import by_hand
from tests.test_booking import book
from tests.workspaces import authority_of, manager_of
from tests.world import World, a_class

BEGINS = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
ENDS = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
AFTER = ENDS + timedelta(hours=20)


def a_booking(world: World, name: str = "A") -> Booking:
    return book(
        world.visit_slot, a_class(2, 1, email=f"{name}@college.example", label=name, name=f"Prof {name}"), name, proven=True
    )


def address(app: Flask, booking: Booking, **more: str) -> str:
    token = make_token(app.config["SETTINGS"].secret_key, MANAGE, booking.link_nonce)
    return f"/bookings/{booking.reference}/feedback?token={token}" + "".join(f"&{name}={value}" for name, value in more.items())


def answers() -> list[tuple[int, str]]:
    db.session.rollback()
    return [(one.rating, one.comment) for one in db.session.scalars(select(Feedback).order_by(Feedback.booking_id))]


def checked(page: str) -> list[str]:
    return re.findall(r'name="rating" value="(\d)"[^>]* checked', page)


def given(app: Flask, booking: Booking, rating: int, comment: str = "") -> None:
    answer = app.test_client().post(address(app, booking), data={"rating": str(rating), "comment": comment})
    assert answer.status_code == 303


def test_a_link_shows_its_rating_and_a_button_gives_it(app: Flask, client: FlaskClient, world: World) -> None:
    booking = a_booking(world)
    with clock.clock_at(AFTER):
        page = client.get(address(app, booking, rating="4"))
        assert (page.status_code, checked(page.text)) == (200, ["4"])
        assert client.head(address(app, booking, rating="5")).status_code == 200
        assert checked(client.get(address(app, booking, rating="6")).text) == []
        assert answers() == [], "opening a link stores nothing"
        sent = client.post(address(app, booking), data={"rating": "4", "comment": "Le quai <b>!\r\nMerci"})
        assert sent.status_code == 303
        assert "token" not in sent.location
        thanks = client.get(sent.location).text
    assert "Merci, c’est noté" in thanks
    assert checked(thanks) == ["4"]
    assert "Le quai &lt;b&gt;!" in thanks
    assert answers() == [(4, "Le quai <b>!\nMerci")]
    [line] = db.session.scalars(select(HistoryEntry).where(HistoryEntry.action == "feedback_given"))
    assert (line.actor, line.status_after, line.details) == (Actor.BOOKER, Status.CONFIRMED, {})
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_an_answer_can_be_changed_until_the_links_close(app: Flask, client: FlaskClient, world: World) -> None:
    booking = a_booking(world)
    with clock.clock_at(AFTER):
        for _ in range(2):
            client.post(address(app, booking), data={"rating": "2"})
    with clock.clock_at(ENDS + timedelta(days=7) - timedelta(seconds=1)):
        assert client.post(address(app, booking), data={"rating": "5", "comment": "Finalement"}).status_code == 303
    with clock.clock_at(ENDS + timedelta(days=7)):
        late = client.post(address(app, booking), data={"rating": "1"})
        assert late.status_code == 409
        assert "ce temps est passé" in late.text
    assert answers() == [(5, "Finalement")]
    lines = list(db.session.scalars(select(HistoryEntry.id).where(HistoryEntry.action == "feedback_given")))
    assert len(lines) == 2, "what says the same is said once"


def test_before_the_visit_and_for_one_that_was_cancelled_a_page_says_why_not(
    app: Flask, client: FlaskClient, world: World
) -> None:
    booking, gone = a_booking(world), a_booking(world, "B")
    in_transaction(lambda: cancel_booking(gone.reference))
    for at, whose, said in (
        (BEGINS - timedelta(seconds=1), booking, "La visite n’a pas commencé"),
        (AFTER, gone, "Cette réservation n’a pas donné lieu à une visite"),
    ):
        with clock.clock_at(at):
            page = client.get(address(app, whose, rating="5"))
            assert page.status_code == 200
            assert said in page.text
            assert 'name="rating"' not in page.text
            refused = client.post(address(app, whose), data={"rating": "5"})
            assert refused.status_code == 409
            assert said in refused.text
    with clock.clock_at(BEGINS):
        assert client.post(address(app, booking), data={"rating": "5"}).status_code == 303
    assert answers() == [(5, "")]
    by_hand(lambda: setattr(db.session.get_one(Slot, world.visit_slot, populate_existing=True), "cancelled_at", BEGINS))
    with clock.clock_at(AFTER):
        assert client.post(address(app, booking), data={"rating": "1"}).status_code == 409
    by_hand(lambda: setattr(fetch.booking(booking.reference), "status", Status.NO_SHOW))
    assert answers() == [(5, "")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Choisissez une note de 1 à 5."),
        ({"rating": ""}, "Choisissez une note de 1 à 5."),
        ({"rating": "0"}, "Choisissez une des réponses proposées."),
        ({"rating": "6"}, "Choisissez une des réponses proposées."),
        ({"rating": "5", "comment": "x" * 1001}, "C’est trop long : 1000 caractères au plus."),
        ({"rating": "5", "comment": "a\x00b"}, "ne s’imprime pas"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bad_input_brings_the_form_back(app: Flask, client: FlaskClient, world: World, data: dict[str, str], said: str) -> None:
    booking = a_booking(world)
    with clock.clock_at(AFTER):
        page = client.post(address(app, booking), data=data)
    assert page.status_code == 422
    assert page.text.replace("\u00a0", " ").count(said) == 2, "beside the field and in the summary"
    if "comment" in data:
        assert checked(page.text) == ["5"]
    assert answers() == []


def test_nothing_without_the_link_or_the_browser_that_booked(app: Flask, client: FlaskClient, world: World) -> None:
    booking, other = a_booking(world), a_booking(world, "B")
    stolen = address(app, other).replace(other.reference, booking.reference)
    with clock.clock_at(AFTER):
        for way in (f"/bookings/{booking.reference}/feedback", stolen, "/bookings/ZZZZ-ZZZZ/feedback"):
            assert client.get(way).status_code == 404
            assert client.post(way, data={"rating": "1"}).status_code == 404
        client.post(address(app, booking), data={"rating": "3"})
        assert client.get(f"/bookings/{booking.reference}/feedback").status_code == 200, "it is remembered"
        page = client.get(f"/bookings/{booking.reference}").text
        assert "Dire comment c’était" in page
        assert "Cette visite est passée" in page
        assert all(words not in page for words in ("Ajouter à l’agenda", "Avant de venir", "Annuler la réservation"))
    assert answers() == [(3, "")]


def test_the_host_reads_numbers_and_words_without_names(app: Flask, world: World) -> None:
    first, second = a_booking(world), a_booking(world, "B")
    event, slot = f"/workspace/events/{world.visit}", f"/workspace/slots/{world.visit_slot}"
    with clock.clock_at(AFTER):
        staff = manager_of(app, world.port)
        assert "Ce que les visiteurs en disent" not in staff.client.get(event).text
        given(app, first, 5, "Les <script>grues</script>\nBravo")
        given(app, second, 2)
        for page in (staff.client.get(event).text, staff.client.get(slot).text):
            section = page[page.index("Ce que les visiteurs en disent") :]
            said = section[: section.index("</ul>")]
            assert "3,5" in said
            assert "d’après 2 avis" in said.replace("\u00a0", " ")
            assert [int(number) for number in re.findall(r'class="number">(\d)<', said)] == [1, 0, 0, 1, 0]
            assert "Les &lt;script&gt;grues" in said
            assert '<li lang="">' in said, "nobody knows its language"
            assert "Prof A" not in said
            assert first.reference not in said


def test_the_authority_sees_an_average_from_five_answers_on_and_no_words(app: Flask, world: World) -> None:
    bookings = [a_booking(world, name) for name in "ABCDE"]
    page = f"/authority/editions/{world.edition}"
    assert len(bookings) == AT_LEAST
    with clock.clock_at(AFTER):
        staff = authority_of(app, world.edition)
        for booking, rating in zip(bookings[:4], (5, 5, 4, 3), strict=True):
            given(app, booking, rating, "Un mot à part")
        assert "en moyenne" not in staff.client.get(page).text
        given(app, bookings[4], 4)
        seen = staff.client.get(page).text.replace("\u00a0", " ")
    assert "4,2 sur 5 en moyenne, d’après 5 avis." in seen
    assert "Un mot à part" not in seen


def test_ratings_add_up() -> None:
    ratings = Ratings((1, 0, 0, 1, 4))
    assert (ratings.number, ratings.average) == (6, 25 / 6)
    assert ratings.bars == [(5, 4, 100.0), (4, 1, 25.0), (3, 0, 0.0), (2, 0, 0.0), (1, 1, 25.0)]
    assert Ratings((0, 0, 0, 0, 0)).average == 0


def test_in_english_the_page_is_english(app: Flask, client: FlaskClient, world: World) -> None:
    booking = a_booking(world)
    with clock.clock_at(AFTER):
        page = client.get(address(app, booking), headers={"Accept-Language": "en"}).text
    assert "Did you enjoy the visit?" in page
    assert "pas du tout" not in page
