"""The door: which slots come, who is expected at one, and what whoever greets does not get to see."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from booking import clock
from booking.actions.cancel_booking import cancel_booking
from booking.db import db, in_transaction
from booking.models import Booking, Event, Party, Role, Slot, Status
from booking.queries import door
from booking.web.workspace import door as doors
from tests.test_booking import book
from tests.test_catalogue import statements
from tests.test_paper import pages
from tests.test_workspace_bookings import text
from tests.workspaces import Staff, an_organisation, manager_of
from tests.world import World, a_class


@pytest.fixture
def greeter(app: Flask, world: World) -> Staff:
    return manager_of(app, world.port, "accueil@port.example", Role.GREETER)


def sheet_of(slot_id: int) -> str:
    return f"/workspace/slots/{slot_id}/day-sheet"


def printed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is handed to the paper, so that its words can be read: a PDF's are compressed."""
    handed: list[dict[str, Any]] = []

    def note(data: dict[str, Any]) -> bytes:
        handed.append(data)
        return b"%PDF-"

    monkeypatch.setattr(doors, "day_sheet", note)
    return handed


def test_a_greeter_sees_who_comes_and_no_email_address(greeter: Staff, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    booked = book(world.boat_slot, a_class(10, 2, needs={"hearing": 1}), "k1", proven=True)
    alone = book(world.boat_slot, Party(audience="public", email="paul@demo.example", name="Paul Valmy"), "k2", proven=True)
    held = book(world.boat_slot, a_class(3, 1, label="5e C", email="autre@college.example"), "k3")
    gone = book(world.boat_slot, a_class(4, 1, label="6e D"), "k4", proven=True)
    in_transaction(lambda: cancel_booking(gone.reference))
    page = greeter.client.get(sheet_of(world.boat_slot))
    said = text(page)
    for words in (
        booked.reference, "3e B, Collège du Port", "(3e)", "Camille Martin", "01 23 45 67 89", "Surdité ou malentendance : 1",
        "Paul Valmy (Grand public)", "17 places sur 40", "2 réservations 10 3", "Accueil, bâtiment A",
    ):  # fmt: skip
        assert words in said, words
    assert said.index(alone.reference) < said.index("Pas encore confirmées") < said.index(held.reference)
    assert gone.reference not in said
    assert "@" not in page.text
    pdf = greeter.client.get(f"{sheet_of(world.boat_slot)}.pdf")
    assert pdf.data.startswith(b"%PDF-")
    assert (pdf.mimetype, pages(pdf.data)) == ("application/pdf", 1)
    assert pdf.headers["Content-Disposition"] == f'attachment; filename="2026-11-27-1000-{world.boat_slot}.pdf"'
    assert pdf.headers["Cache-Control"] == "no-store"
    handed = printed(monkeypatch)
    greeter.client.get(f"{sheet_of(world.boat_slot)}.pdf")
    [data] = handed
    assert "@" not in json.dumps(data)
    assert [one["reference"] for one in data["held"]] == [held.reference]
    assert {one["reference"] for one in data["bookings"]} == {booked.reference, alone.reference}
    assert (data["day"], data["hours"]) == ("vendredi 27 novembre", "10\u00a0h\u00a0–\u00a011\u00a0h")


def test_a_hold_whose_time_is_over_is_not_expected_and_who_attended_is(app: Flask, greeter: Staff, world: World) -> None:
    booked = book(world.boat_slot, a_class(10, 2), "k1", proven=True)
    held = book(world.boat_slot, a_class(3, 1, label="5e C"), "k2")
    db.session.execute(update(Booking).where(Booking.id == held.id).values(expires_at=clock.now()))
    db.session.execute(update(Booking).where(Booking.id == booked.id).values(status=Status.ATTENDED))
    db.session.commit()
    said = text(greeter.client.get(sheet_of(world.boat_slot)))
    assert booked.reference in said
    assert held.reference not in said
    assert "Personne n’est attendu." in text(greeter.client.get(sheet_of(world.second_boat_slot)))
    assert greeter.client.get(f"{sheet_of(world.second_boat_slot)}.pdf").data.startswith(b"%PDF-")


def test_todays_slots_come_first_with_who_is_expected_and_cost_the_same_statements(
    app: Flask, greeter: Staff, world: World
) -> None:
    path = f"/workspace/organisations/{world.port}/door"
    for n in range(3):
        book(world.boat_slot, a_class(2, 1, label=str(n)), f"k{n}", proven=True)
    book(world.boat_slot, a_class(2, 1, label="held"), "held")
    db.session.execute(update(Slot).where(Slot.id == world.second_boat_slot).values(cancelled_at=clock.now()))
    db.session.commit()
    with statements() as sent:
        page = greeter.client.get(path)
    # The session, its account's seats and what it asked for, the organisation, slots, their pools, who comes.
    assert len(sent) == 7
    said = text(page)
    assert "9 personnes attendues" in said
    assert "et 1 réservation pas encore confirmée" in said
    assert sheet_of(world.second_boat_slot) not in page.text
    assert sheet_of(world.dating_slot) not in page.text
    assert "Aujourd’hui" not in said
    with clock.clock_at(datetime.fromisoformat("2026-11-24T18:00:00+00:00")):
        evening = manager_of(app, world.port, "soir@port.example", Role.GREETER).client.get(path)
        assert "Aujourd’hui, mardi 24 novembre" in text(evening)
    with clock.clock_at(datetime.fromisoformat("2026-11-24T23:00:00+00:00")):
        midnight = manager_of(app, world.port, "nuit@port.example", Role.GREETER).client.get(path)
        assert sheet_of(world.visit_slot) not in midnight.text
        assert sheet_of(world.boat_slot) in midnight.text


def test_the_door_of_another_organisation_is_not_there(app: Flask, greeter: Staff, world: World) -> None:
    stranger = manager_of(app, an_organisation("autre").id, "chef@autre.example").client
    for path in (f"/workspace/organisations/{world.port}/door", sheet_of(world.boat_slot), f"{sheet_of(world.boat_slot)}.pdf"):
        assert stranger.get(path).status_code == 404
        assert greeter.client.get(path).status_code == 200
    assert greeter.client.get(sheet_of(world.dating_slot)).status_code == 404
    assert greeter.client.get(f"{sheet_of(world.dating_slot)}.pdf").status_code == 404


def test_more_bookings_than_a_sheet_holds_are_said_and_shown_as_a_page(
    greeter: Staff, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        book(world.boat_slot, a_class(2, 1, label=str(n)), f"k{n}", proven=n > 0)
    monkeypatch.setattr(doors, "MOST_ROWS", 2)
    answer = greeter.client.get(f"{sheet_of(world.boat_slot)}.pdf")
    assert (answer.status_code, answer.location) == (303, sheet_of(world.boat_slot))
    page = greeter.client.get(answer.location)
    assert "Plus de 2 réservations" in text(page)
    assert page.text.count("Collège du Port") == 3
    assert ".pdf" not in page.text


def test_in_english_the_sheet_is_english_and_a_hosts_words_stay_french(
    greeter: Staff, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(world.boat_slot, a_class(10, 2, needs={"hearing": 1}), "k1", proven=True)
    handed = printed(monkeypatch)
    page = greeter.client.get(f"{sheet_of(world.boat_slot)}?lang=en")
    assert "12 of 40 places" in text(page)
    assert '<b lang="fr">3e B, Collège du Port</b>' in page.text
    greeter.client.get(f"{sheet_of(world.boat_slot)}.pdf")
    assert (handed[0]["labels"]["pupils"], handed[0]["places"], handed[0]["locale"]) == ("Pupils", "12 of 40 places", "en")


def test_the_list_never_reads_an_address(world: World) -> None:
    book(world.boat_slot, a_class(10, 2), "k1", proven=True)
    with statements() as sent:
        listed = door.of_slot(world.boat_slot, clock.now())
    assert len(sent) == 1
    assert "email" not in sent[0]
    assert len(listed.expected) == 1


def test_a_cancelled_event_says_so_on_its_sheet(greeter: Staff, world: World) -> None:
    db.session.execute(update(Event).where(Event.id == world.boat).values(cancelled_at=clock.now()))
    db.session.commit()
    assert "Ce créneau a été annulé" in text(greeter.client.get(sheet_of(world.boat_slot)))
