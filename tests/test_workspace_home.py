"""The home of a workspace answers four questions; the history and the list of spaces say the rest."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import event, select

from booking import clock
from booking.actions.change_headcount import change_headcount
from booking.db import db, in_transaction
from booking.models import (
    Delivery,
    Event,
    Kind,
    Label,
    LabelDecision,
    MemberState,
    Message,
    OrganisationKind,
    Party,
    Publication,
    Role,
    Slot,
)
from booking.queries.workspace_home import home
from tests.test_booking import book
from tests.workspaces import a_mandate, a_member, an_organisation, manager_of, sign_in
from tests.world import World, a_class


def test_the_home_says_what_is_next_who_comes_what_waits_and_what_is_nearly_full_or_empty(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    page = f"/workspace/organisations/{world.port}"
    book(world.visit_slot, a_class(29, 2), key="full", proven=True)
    unreached = book(world.boat_slot, a_class(5, 1, email="autre@college.example"), key="boat", proven=True)
    mail = select(Message).where(Message.booking_id == unreached.id, Message.kind == Kind.BOOKING_CONFIRMED)
    db.session.scalars(mail).one().delivery = Delivery.DEAD
    db.session.add(Label(event_id=world.boat, decision=LabelDecision.RETURNED, requested_at=clock.now()))
    db.session.get_one(Event, world.debate).publication = Publication.DRAFT
    a_member("nouveau@port.example", db.session.get_one(Event, world.visit).host, Role.READER, state=MemberState.ASKED)
    db.session.commit()
    said = staff.client.get(page + "?lang=fr").text
    found = home(world.port, clock.now())
    assert [(one.code, one.count) for one in found.waiting] == [("returned", 1), ("draft", 1), ("asking", 1), ("bounced", 1)]
    assert [slot.id for slot in found.nearly_full] == [world.visit_slot]
    assert world.second_boat_slot in [slot.id for slot in found.nearly_empty]
    assert (found.numbers.pupils, found.numbers.taken) == (34, 29 + 6)
    for words in (
        "29 élèves, 2 adultes",
        "L’autorité demande une correction",
        "1 personne demande à vous rejoindre",
        "Complets ou presque",
    ):
        assert words in said
    listed = staff.client.get(page + "/bookings?state=unreached&lang=en").text
    assert unreached.reference in listed
    assert "1 booking" in listed


def test_the_home_costs_the_same_with_one_booking_and_with_ten(app: Flask, world: World) -> None:
    def statements() -> int:
        counted: list[str] = []
        event.listen(db.engine, "before_cursor_execute", listener := lambda *given: counted.append(given[2]))
        home(world.port, clock.now())
        event.remove(db.engine, "before_cursor_execute", listener)
        return len(counted)

    book(world.boat_slot, a_class(2, 1), key="0", proven=True)
    before = statements()
    for number in range(1, 10):
        book(
            world.boat_slot,
            a_class(1, 1, label=f"3e {number}", email=f"prof{number}@college.example"),
            key=str(number),
            proven=True,
        )
    assert statements() == before <= 11


def test_who_works_for_one_goes_straight_in_who_works_for_several_chooses(app: Flask, world: World) -> None:
    one = manager_of(app, world.port).client
    assert one.get("/workspace").headers["Location"] == f"/workspace/organisations/{world.port}"
    chamber = an_organisation("cci", OrganisationKind.CHAMBER, name="Chambre du fleuve")
    a_mandate(chamber, db.session.get_one(Slot, world.visit_slot).event.host)
    a_member("cci@chambre.example", chamber)
    several = sign_in(app, "cci@chambre.example").client
    spaces = several.get("/workspace?lang=fr").text
    assert "Chambre du fleuve" in spaces
    assert "Chambre du fleuve agit pour cet organisme" in spaces
    inside = several.get(f"/workspace/organisations/{world.port}").text
    assert "Chambre du fleuve agit pour cet organisme" in inside
    assert (
        sign_in(app, "personne@nulle-part.example")
        .client.get("/workspace")
        .headers["Location"]
        .startswith("/account/organisations")
    )


def test_the_history_of_an_organisation_is_its_own_and_can_be_searched(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    mine = book(world.visit_slot, a_class(20, 2), key="mine", proven=True)
    theirs = book(
        world.dating_slot,
        Party(audience="jobseeker", email="alex@demandeur.example", name="Alex Durand"),
        key="theirs",
        proven=True,
    )
    in_transaction(lambda: change_headcount(mine.reference, 18, 2, staff.who))
    page = f"/workspace/organisations/{world.port}/history?lang=fr"
    said = staff.client.get(page).text
    assert f'/workspace/bookings/{mine.reference}"' in said
    assert theirs.reference not in said
    assert "Effectif changé" in said
    assert "visites@port.example" in said, "who did it"
    found = staff.client.get(page + "&q=effectif&actor=host&subject=booking&from=2026-11-16&to=2026-11-16").text
    assert ("Effectif changé" in found, "Places réservées" in found) == (True, False)
    assert "Aucune ligne ne correspond" in staff.client.get(page + "&q=girafe&page=-3&from=x").text
