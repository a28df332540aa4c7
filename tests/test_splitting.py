"""A class over two slots of an event: both halves or neither, two invitations, one page, each half by itself afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from booking import clock
from booking.actions.book_places import book_places
from booking.actions.book_split import Part, book_split
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.expire_holds import expire_hold
from booking.actions.move_booking import move_booking
from booking.actions.split_booking import split_booking
from booking.db import db, in_transaction
from booking.errors import AlreadyBooked, AlreadySplit, ClassBooked, IdempotencyKeyReused, Invalid, NotFound, SlotFull, TooLate
from booking.mail.compose import compose
from booking.mail.facts import read_facts
from booking.models import Actor, Booking, Edition, Event, HeldFor, Kind, Message, Slot, Status, Who
from booking.queries import doctor
from tests.mails import SETTINGS, calendar_bytes, entry, opened
from tests.test_moving import book, fresh, mails, party, taken, terms, text, token
from tests.world import World, a_form

HOST = Who(Actor.HOST)


def split_over(world: World, label: str, numbers: Sequence[tuple[int, int]], **more: Any) -> list[str]:
    slots = more.pop("slots", (world.boat_slot, world.second_boat_slot))
    whole = party(label, sum(pupils for pupils, _ in numbers), sum(adults for _, adults in numbers))
    parts = [Part(slot, *heads) for slot, heads in zip(slots, numbers, strict=True)]
    made = in_transaction(lambda: book_split(whole, parts, terms(more.pop("key", label), **more)))
    return [half.reference for half in made]


def split(reference: str, slot_id: int, pupils: object, adults: object, who: Who | None = None) -> str:
    return in_transaction(lambda: split_booking(reference, slot_id, pupils, adults, *([who] if who else []))).reference


def bookings() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


@pytest.fixture(autouse=True)
def _all_rules_hold(app: object) -> Any:
    yield
    db.session.rollback()
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_a_class_is_split_with_two_invitations_and_once_however_often_it_is_asked(world: World) -> None:
    halves = split_over(world, "3A", [(16, 2), (15, 1)])
    assert split_over(world, "3A", [(16, 2), (15, 1)]) == halves
    first, second = (fresh(reference) for reference in halves)
    assert first.group_key == second.group_key is not None
    assert [(half.status, half.places, half.sequence) for half in (first, second)] == [
        (Status.CONFIRMED, 18, 0), (Status.CONFIRMED, 16, 0),
    ]  # fmt: skip
    assert first.uid != second.uid
    assert taken(world.boat_slot) == [34, 18]
    assert [len(mails(reference, Kind.BOOKING_CONFIRMED)) for reference in halves] == [1, 1]
    told = [mails(reference, Kind.BOOKING_CONFIRMED)[0].facts["other_half"]["pupils"] for reference in halves]
    assert told == [15, 16], "each half's mail names the other"
    assert [len(mails(reference, Kind.HOST_BOOKING_CONFIRMED)) for reference in halves] == [1, 1]
    with pytest.raises(IdempotencyKeyReused):
        split_over(world, "3A", [(15, 2), (16, 1)])
    with pytest.raises(AlreadyBooked):
        split_over(world, "3A", [(16, 2), (15, 1)], key="another")


def test_both_halves_or_nothing(world: World) -> None:
    book(world.second_boat_slot, party("3B", 27))
    with pytest.raises(SlotFull) as full:
        split_over(world, "3A", [(16, 2), (15, 1)])
    assert (full.value.remaining, full.value.wanted) == (10, 16)
    book(world.boat_slot, party("3C", 7))
    with pytest.raises(SlotFull):  # 12 on each are there, 24 on the boat they share are not
        split_over(world, "3A", [(17, 1), (8, 1)])
    assert (bookings(), taken(world.boat_slot), taken(world.second_boat_slot)) == (2, [40, 10], [40, 30])
    assert len(split_over(world, "3A", [(9, 1), (9, 1)])) == 2
    assert taken(world.second_boat_slot) == [60, 40]


def test_what_is_wrong_with_a_part_is_said_of_it(world: World) -> None:
    def refused(*parts: Part, pupils: int = 31) -> dict[str, str]:
        with pytest.raises(Invalid) as found:
            in_transaction(lambda: book_split(party("3A", pupils), parts, terms("3A")))
        return {name: problem.code for name, problem in found.value.fields.items()}

    here, there = world.boat_slot, world.second_boat_slot
    assert refused(Part(here, 16, 2), Part(there, 14, 1)) == {"second_pupils": "halves_do_not_add_up"}
    assert refused(Part(here, 16, 2), Part(there, 15, 0)) == {"second_adults": "too_low"}
    assert refused(Part(here, 16, 2), Part(here, 15, 1)) == {"second_slot": "not_a_choice"}
    db.session.get_one(Slot, there).min_party = 20
    db.session.commit()
    assert refused(Part(here, 16, 2), Part(there, 15, 1)) == {"second_pupils": "party_too_small"}
    with pytest.raises(NotFound):
        in_transaction(lambda: book_split(party("3A", 31), [Part(here, 16, 2), Part(world.visit_slot, 15, 1)], terms("3A")))


def test_one_mail_proves_both_halves_and_both_expire_together(world: World, frozen: datetime) -> None:
    halves = split_over(world, "3A", [(16, 2), (15, 1)], proven=False)
    assert [len(mails(reference, Kind.BOOKING_TO_PROVE)) for reference in halves] == [1, 0]
    [asked] = mails(halves[0], Kind.BOOKING_TO_PROVE)
    assert read_facts(asked.facts).places_of_class == 34, "the mail counts both halves"
    in_transaction(lambda: confirm_booking(halves[0]))
    assert [fresh(reference).status for reference in halves] == [Status.CONFIRMED] * 2
    assert [len(mails(reference, Kind.BOOKING_CONFIRMED)) for reference in halves] == [1, 1]
    others = split_over(world, "3B", [(5, 1), (4, 1)], proven=False)
    until = fresh(others[1]).expires_at
    assert until is not None
    with clock.clock_at(until):
        in_transaction(lambda: expire_hold(others[1]))
    assert [fresh(reference).status for reference in others] == [Status.EXPIRED] * 2
    assert taken(world.boat_slot) == [34, 18]


def test_the_halves_are_one_booking_for_the_rules(world: World) -> None:
    edition, event = db.session.get_one(Edition, world.edition), db.session.get_one(Event, world.boat)
    edition.school_limit, event.one_per_class = 2, True
    db.session.commit()
    halves = split_over(world, "3A", [(10, 1), (9, 1)])
    colleague = replace(party("3A", 5), email="colleague@college.example")
    with pytest.raises(ClassBooked):
        in_transaction(lambda: book_places(world.boat_slot, colleague, terms("colleague")))
    other = book(world.boat_slot, party("3B", 5, 2))
    assert split(other, world.second_boat_slot, 2, 1)
    in_transaction(lambda: cancel_booking(halves[1]))
    in_transaction(lambda: move_booking(halves[0], world.second_boat_slot))


def test_a_booking_gives_some_of_its_pupils_to_a_second_half(world: World) -> None:
    whole = book(world.boat_slot, party("3A", 31))
    book(world.second_boat_slot, party("3B", 23))
    assert taken(world.boat_slot) == [60, 34], "the boat they share is full, and that does not stop a class from splitting"
    half = split(whole, world.second_boat_slot, "13", "1")
    assert split(whole, world.second_boat_slot, "13", "1") == half
    first, second = fresh(whole), fresh(half)
    assert [(one.pupils, one.adults, one.places, one.status) for one in (first, second)] == [
        (18, 2, 20, Status.CONFIRMED), (13, 1, 14, Status.CONFIRMED),
    ]  # fmt: skip
    assert (first.sequence, second.sequence, first.group_key) == (1, 0, second.group_key)
    assert first.uid != second.uid
    assert (taken(world.boat_slot), taken(world.second_boat_slot)) == ([60, 20], [60, 40])
    [changed] = mails(whole, Kind.BOOKING_CHANGED)
    assert changed.facts["before"] == {"pupils": 31, "adults": 3, "places": 34}
    assert len(mails(half, Kind.BOOKING_CONFIRMED)) == 1
    with pytest.raises(AlreadySplit):
        split(whole, world.second_boat_slot, 2, 1)
    in_transaction(lambda: change_headcount(half, 10, 1))
    assert (fresh(whole).pupils, taken(world.second_boat_slot)) == (18, [57, 37])


def test_a_held_class_splits_into_two_that_are_held_no_longer(world: World) -> None:
    whole = book(world.boat_slot, party("3A", 20), proven=False)
    until = fresh(whole).expires_at
    half = split(whole, world.second_boat_slot, 8, 1)
    assert [(fresh(one).status, fresh(one).held_for, fresh(one).expires_at) for one in (whole, half)] == [
        (Status.HELD, HeldFor.EMAIL, until)
    ] * 2
    in_transaction(lambda: confirm_booking(whole))
    assert [fresh(one).status for one in (whole, half)] == [Status.CONFIRMED] * 2
    in_transaction(lambda: cancel_booking(whole, both=True))
    assert [fresh(one).status for one in (whole, half)] == [Status.CANCELLED] * 2
    assert taken(world.boat_slot) == [0, 0]
    assert [len(mails(one, Kind.BOOKING_CANCELLED)) for one in (whole, half)] == [1, 1]


def test_who_may_not_split(world: World) -> None:
    whole = book(world.boat_slot, party("3A", 20, 1))
    with pytest.raises(Invalid) as refused:
        split(whole, world.second_boat_slot, 8, 1)
    assert refused.value.fields["adults"].code == "adult_for_each_half"
    in_transaction(lambda: change_headcount(whole, 20, 2))
    with pytest.raises(Invalid) as refused:
        split(whole, world.second_boat_slot, 20, "deux")
    assert {name: problem.code for name, problem in refused.value.fields.items()} == {
        "pupils": "too_high", "adults": "not_a_number",
    }  # fmt: skip
    slot = db.session.get_one(Slot, world.boat_slot)
    slot.min_party = 16
    until = slot.headcount_until
    db.session.commit()
    with pytest.raises(Invalid) as refused:
        split(whole, world.second_boat_slot, 8, 1)
    assert refused.value.fields["staying_pupils"].code == "party_too_small"
    with clock.clock_at(until):
        with pytest.raises(TooLate):
            split(whole, world.second_boat_slot, 5, 1)
        assert fresh(split(whole, world.second_boat_slot, 5, 1, HOST)).places == 6
    assert db.session.scalar(select(func.count()).select_from(Message).where(Message.kind == Kind.BOOKING_CHANGED)) == 2


def test_one_page_shows_both_halves_and_acts_on_each(app: Flask, client: FlaskClient, world: World) -> None:
    whole = book(world.boat_slot, party("3A", 31))
    page, opens = f"/bookings/{whole}", {"token": token(app, whole)}
    form = client.get(f"{page}/split", query_string=opens).get_data(as_text=True)
    assert [f'name="{name}" type="text" value="{value}"' in form for name, value in (("staying_pupils", 16), ("pupils", 15))] == [
        True
    ] * 2
    numbers = {"staying_pupils": "16", "staying_adults": "2", "pupils": "14", "adults": "1", "slot": str(world.second_boat_slot)}
    wrong = client.post(f"{page}/split", data=opens | numbers)
    assert wrong.status_code == 422
    assert "Les deux moitiés font 30 ensemble : il en faut 31." in text(wrong)
    assert 'value="14"' in wrong.get_data(as_text=True), "what was typed is kept"
    done = client.post(f"{page}/split", data=opens | numbers | {"pupils": "15"}, follow_redirects=True)
    shown = text(done)
    half = next(one for one in db.session.scalars(select(Booking.reference)) if one != whole)
    assert "La classe vient en deux moitiés" in shown
    assert all(f"Référence {reference}" in shown for reference in (whole, half))
    stranger = app.test_client()
    assert stranger.get(f"/bookings/{half}").status_code == 404
    other = {"token": token(app, whole)}
    assert stranger.get(f"/bookings/{half}", query_string=other).status_code == 200, "the link of one half opens both"
    assert stranger.get(f"/bookings/{half}/invitation.ics", query_string=other).status_code == 200
    assert stranger.post(f"/bookings/{half}/headcount", data=other | {"pupils": "12", "adults": "1"}).status_code == 303
    assert (fresh(half).pupils, fresh(whole).pupils) == (12, 16)
    asked = text(stranger.get(f"/bookings/{half}/cancellation"))
    assert "Annuler les deux" in asked
    stranger.post(f"/bookings/{half}/cancellation", data={"both": ""})
    assert [fresh(one).status for one in (whole, half)] == [Status.CONFIRMED, Status.CANCELLED]
    assert "Annulée" in text(stranger.get(f"/bookings/{whole}"))
    again = split(whole, world.second_boat_slot, 6, 1)
    stranger.post(f"/bookings/{whole}/cancellation", data={"both": "yes"})
    assert [fresh(one).status for one in (whole, again)] == [Status.CANCELLED] * 2
    assert taken(world.boat_slot) == [0, 0]


def test_a_class_too_large_for_the_slot_is_offered_two_and_books_both(app: Flask, client: FlaskClient, world: World) -> None:
    book(world.boat_slot, party("4A", 9, 1))
    book(world.second_boat_slot, party("4B", 9, 1))
    form = a_form(pupils=31, adults=3)
    full = client.post(f"/slots/{world.boat_slot}/bookings", data=form)
    assert full.status_code == 409
    assert "Répartir la classe : 16 + 15" in text(full)
    prefilled = client.post(f"/slots/{world.boat_slot}/bookings/split/new", data=form)
    written = prefilled.get_data(as_text=True)
    assert [
        f'name="{name}" type="text" value="{value}"' in written for name, value in (("first_pupils", 16), ("second_pupils", 15))
    ] == [True] * 2
    halves = {
        "first_pupils": "16",
        "first_adults": "2",
        "second_pupils": "14",
        "second_adults": "1",
        "second_slot": str(world.second_boat_slot),
    }
    wrong = client.post(f"/slots/{world.boat_slot}/bookings/split", data=form | halves)
    assert (wrong.status_code, "font 30 ensemble : il en faut 31" in text(wrong)) == (422, True)
    before = bookings()
    for _ in range(2):
        made = client.post(f"/slots/{world.boat_slot}/bookings/split", data=form | halves | {"second_pupils": "15"})
        assert made.status_code == 303, text(made)
    assert bookings() == before + 2
    shown = text(client.get(made.location))
    assert "16 élèves + 2 adultes" in shown
    assert "15 élèves + 1 adulte" in shown


def test_each_half_has_its_own_entry_in_the_calendar(world: World) -> None:
    halves = split_over(world, "3A", [(16, 2), (15, 1)])
    entries = []
    for reference in halves:
        [mail] = mails(reference, Kind.BOOKING_CONFIRMED)
        entries.append(
            entry(calendar_bytes(opened(compose(mail, fresh(reference).link_nonce, (), SETTINGS, was_invited=True).content)))
        )
    assert entries[0]["UID"] != entries[1]["UID"]
    assert entries[1].start - entries[0].start == fresh(halves[1]).slot.starts_at - fresh(halves[0]).slot.starts_at
    in_transaction(lambda: cancel_booking(halves[0]))
    [gone] = mails(halves[0], Kind.BOOKING_CANCELLED)
    content = opened(compose(gone, fresh(halves[0]).link_nonce, (), SETTINGS, was_invited=True).content)
    assert b"METHOD:CANCEL" in calendar_bytes(content)
    assert entry(calendar_bytes(content))["UID"] == entries[0]["UID"]
    assert mails(halves[1], Kind.BOOKING_CANCELLED) == []
