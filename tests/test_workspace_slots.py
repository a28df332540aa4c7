"""Slots in a company's workspace: opening them, running them, and what their bookers hear of it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from werkzeug.test import TestResponse

from booking import clock
from booking.actions import book_places as booking_verb
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.confirm_booking import confirm_booking
from booking.actions.set_capacity import set_capacity
from booking.db import db, in_transaction
from booking.errors import CapacityTaken, SlotFull
from booking.links import MANAGE, make_token
from booking.mail.compose import compose
from booking.models import (
    Booking,
    Event,
    HistoryEntry,
    Kind,
    Label,
    LabelDecision,
    Message,
    Pool,
    Publication,
    Slot,
    Status,
    Subject,
)
from booking.queries import doctor
from booking.queries.label_checks import seen_of
from tests.conftest import NOW
from tests.mails import body, opened
from tests.test_booking import UNLIMITED, book
from tests.test_languages import assert_english
from tests.workspaces import Staff, a_member, an_organisation, manager_of, sign_in
from tests.world import World, a_class

TUESDAY = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
"""When the visit begins: 14:30 in Paris."""
A_SLOT = {"first": "2026-12-01", "times": "10 h", "minutes": "90", "capacity": "31", "key": "form-1"}


@pytest.fixture
def staff(app: Flask, world: World) -> Staff:
    return manager_of(app, world.port)


@pytest.fixture
def host(staff: Staff) -> FlaskClient:
    return staff.client


def words(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text))).replace("\u00a0", " ")


def the_slot(slot_id: int) -> Slot:
    db.session.rollback()
    return db.session.scalars(select(Slot).where(Slot.id == slot_id), execution_options={"populate_existing": True}).one()


def messages(kind: Kind) -> list[Message]:
    db.session.rollback()
    return list(db.session.scalars(select(Message).where(Message.kind == kind).order_by(Message.id)))


def lines(action: str, subject: Subject = Subject.SLOT) -> list[HistoryEntry]:
    of = HistoryEntry.action == action, HistoryEntry.subject == subject
    return list(db.session.scalars(select(HistoryEntry).where(*of).order_by(HistoryEntry.id)))


def all_is_well() -> None:
    db.session.rollback()
    assert [(finding.rule.name, finding.broken) for finding in doctor.examine() if finding.broken] == []


def anyway(answer: TestResponse) -> str:
    """The value of the button that goes on in spite of the warnings."""
    found = re.search(r'name="anyway" value="([0-9a-f]+)"', answer.text)
    assert found, words(answer)
    return found[1]


def visit_full_of(world: World, number: int, **more: Any) -> list[str]:
    """So many confirmed bookings of one pupil each on the visit; their references in order."""
    return [
        book(
            world.visit_slot, a_class(1, 1, label=f"classe {n}", email=f"prof{n}@college.example"), f"k{n}", proven=True, **more
        ).reference
        for n in range(number)
    ]


# Opening slots


def test_a_series_is_opened_with_a_pool_for_each_slot_and_once_for_two_clicks(host: FlaskClient, world: World) -> None:
    where = f"/workspace/events/{world.boat}/slots/new"
    series = A_SLOT | {
        "days": ["1", "3"],
        "last": "2026-12-10",
        "times": "10 h, 14 h 30",
        "counts_adults": "1",
        "pupils_per_adult": "15",
    }
    for _ in range(2):
        answer = host.post(where, data=series)
        assert (answer.status_code, answer.location) == (303, f"/workspace/events/{world.boat}?note=slots")
    slots = [slot for slot in db.session.scalars(select(Slot).order_by(Slot.id)) if slot.key]
    assert [clock.in_paris(slot.starts_at).strftime("%a %d %H:%M") for slot in slots] == [
        "Tue 01 10:00", "Tue 01 14:30", "Thu 03 10:00", "Thu 03 14:30", "Tue 08 10:00", "Tue 08 14:30", "Thu 10 10:00", "Thu 10 14:30",
    ]  # fmt: skip
    assert len({pool.id for slot in slots for pool in slot.pools}) == 8
    assert {(slot.capacity, slot.counts_adults, slot.pupils_per_adult) for slot in slots} == {(31, True, 15)}
    assert [line.subject_id for line in lines("written")] == [slot.id for slot in slots]
    assert book(slots[0].id, a_class(20, 2), proven=True).places == 22
    again = host.get(where).text
    for said in ('value="90"', 'value="31"', 'value="15"', 'name="counts_adults" value="1" checked'):
        assert said in again, "the last slot is proposed, so that nothing is asked twice"
    all_is_well()


def test_unusual_days_are_said_before_anything_is_saved_and_never_refused(host: FlaskClient, world: World) -> None:
    where = f"/workspace/events/{world.boat}/slots/new"
    wednesday = A_SLOT | {"first": "2026-12-02", "times": "14 h"}
    count = db.session.scalar(select(func.count(Slot.id)))
    warned = host.post(where, data=wednesday)
    assert warned.status_code == 200
    assert "mercredi 2 décembre" in words(warned)
    assert "la plupart des collèges n’ont pas cours" in words(warned)
    assert 'value="14 h"' in warned.text, "nothing typed is lost"
    assert db.session.scalar(select(func.count(Slot.id))) == count
    other = host.post(where, data=wednesday | {"times": "21 h", "anyway": anyway(warned)})
    assert "entre 20 h et 7 h" in words(other), "other warnings than those that were read are shown first"
    assert host.post(where, data=wednesday | {"anyway": anyway(warned)}).status_code == 303
    assert db.session.scalar(select(func.count(Slot.id))) == (count or 0) + 1
    outside = host.post(where, data=A_SLOT | {"first": "2026-12-21", "key": "k2"})
    assert "vacances de Noël" in words(outside)
    assert "hors de la période de label" in words(outside)
    summer = host.post(where, data=A_SLOT | {"first": "2027-03-28", "key": "k3"})
    assert "dimanche 28 mars 2027, 10 h" in words(summer)


def test_slots_that_fall_together_are_named(host: FlaskClient, world: World) -> None:
    where = f"/workspace/events/{world.boat}/slots/new"
    same_time = A_SLOT | {"first": "2026-11-24", "times": "15 h"}
    assert "Visite des activités portuaires , 14 h 30 – 16 h" in words(host.post(where, data=same_time))
    inside = host.post(f"/workspace/events/{world.visit}/slots/new", data=same_time | {"times": "16 h 30"})
    assert inside.status_code == 303, "a visit inside a debate is meant to fall together with it"
    twice = host.post(where, data=A_SLOT | {"times": "10 h, 11 h"})
    assert "Deux de ces créneaux se chevauchent" in words(twice)
    theirs = {"first": "2026-11-26", "times": "10 h"}
    assert "Rencontres de l'emploi" in words(host.post(where, data=A_SLOT | theirs)), "another host, the same address"
    draft = update(Event).where(Event.id == world.dating).values(publication=Publication.DRAFT)
    db.session.execute(draft)
    db.session.commit()
    assert host.post(where, data=A_SLOT | theirs).status_code == 303, "what others prepare is nobody's business"


def test_what_is_wrong_with_new_slots_is_said_beside_its_field(host: FlaskClient, world: World, app: Flask) -> None:
    where = f"/workspace/events/{world.boat}/slots/new"
    past = host.post(where, data=A_SLOT | {"first": "2026-11-16", "times": "9 h"})
    assert past.status_code == 422
    assert "Ce moment est déjà passé." in words(past)
    wrong = host.post(where, data=A_SLOT | {"times": "", "capacity": "beaucoup", "min_party": "9", "max_party": "3"})
    assert 'id="times-wrong"' in wrong.text
    assert 'id="capacity-wrong"' in wrong.text
    assert 'id="max_party-wrong"' in wrong.text
    theirs = sign_in(app, a_member("chef@agence.example", an_organisation("agence")).account.email)
    for path in (
        f"/workspace/events/{world.boat}/slots/new",
        f"/workspace/slots/{world.boat_slot}",
        f"/workspace/slots/{world.boat_slot}/time",
    ):
        assert theirs.client.get(path).status_code == 404
    assert theirs.client.post(f"/workspace/slots/{world.boat_slot}/closing").status_code == 404
    assert host.get("/workspace/slots/999999").status_code == 404
    db.session.execute(update(Event).where(Event.id == world.boat).values(cancelled_at=NOW))
    db.session.commit()
    refused = host.post(where, data=A_SLOT)
    assert refused.status_code == 409


# The page of a slot


def test_a_slots_page_shows_who_comes_and_what_can_be_done(host: FlaskClient, world: World, app: Flask) -> None:
    one = book(world.visit_slot, a_class(20, 2, needs={"motor": 1}), proven=True)
    book(world.visit_slot, a_class(5, 1, label="4e C", level="4e"), "k2")
    gone = book(world.visit_slot, a_class(3, 1, label="3e Z"), "k3", proven=True)
    in_transaction(lambda: cancel_booking(gone.reference))
    page = host.get(f"/workspace/slots/{world.visit_slot}")
    for said in (
        "6 places libres sur 31",
        "3e B, Collège du Port",
        "2 réservations",
        "1 réservation annulée",
        "Écrire aux inscrits",
    ):
        assert said in words(page)
    for link in (
        f"/workspace/bookings/{one.reference}",
        f"/workspace/slots/{world.visit_slot}/bookings/new",
        "/day-sheet",
        "/capacity",
        "/time",
    ):
        assert link in page.text
    greeter = sign_in(app, "lecture@port.example")
    a_member("lecture@port.example", an_organisation("port"), role="reader")  # type: ignore[arg-type]
    reading = greeter.client.get(f"/workspace/slots/{world.visit_slot}")
    assert "3e B, Collège du Port" in words(reading)
    assert "/capacity" not in reading.text, "who only reads is offered nothing to change"


# Moving


def test_twenty_bookers_of_a_moved_slot_get_twenty_updates_and_nobody_gets_two(
    host: FlaskClient, world: World, app: Flask
) -> None:
    references = visit_full_of(world, 21)
    held = book(world.visit_slot, a_class(1, 1, label="tenue", email="tenue@college.example"), "held")
    in_transaction(lambda: cancel_booking(references.pop()))
    before = {one.booking_id: one for one in messages(Kind.BOOKING_CONFIRMED)}
    where = f"/workspace/slots/{world.visit_slot}/time"
    assert 'value="14:30"' in host.get(where).text
    moved = {"day": "2026-11-26", "time": "9 h 15", "minutes": "60", "why": "Le quai est en travaux"}
    later = NOW + timedelta(hours=1)
    with clock.clock_at(later):
        warned = host.post(where, data=moved)
        assert "Rencontres de l'emploi" in words(warned)
        moved["anyway"] = anyway(warned)
        assert host.post(where, data=moved).location == f"/workspace/slots/{world.visit_slot}?note=moved&told=20"
        assert host.post(where, data=moved).status_code == 303
    start = datetime(2026, 11, 26, 8, 15, tzinfo=UTC)
    slot = the_slot(world.visit_slot)
    assert (slot.starts_at, slot.ends_at, slot.cancel_until) == (start, start + timedelta(minutes=60), start)
    assert (slot.closes_at, slot.headcount_until) == (start - timedelta(hours=2), start - timedelta(hours=48))
    told = messages(Kind.BOOKING_RESCHEDULED)
    assert [one.booking.reference for one in told if one.booking] == references, "one each, in the order they booked"
    for one in told:
        calendar, first = one.facts["calendar"], before[one.booking_id].facts["calendar"]
        assert (calendar["method"], calendar["uid"], calendar["sequence"]) == ("REQUEST", first["uid"], 1)
        assert calendar["dtstamp"] > first["dtstamp"]
        assert one.facts["slot"]["starts_at"] == start.isoformat()
        assert (one.facts["was"]["starts_at"], one.facts["why"]) == (TUESDAY.isoformat(), "Le quai est en travaux")
    mail = opened(compose(told[0], told[0].booking.link_nonce, (), app.config["SETTINGS"]).content)  # type: ignore[union-attr]
    assert "jeudi 26 novembre, 9 h 15" in body(mail, "plain").replace("\u00a0", " ")
    of_held = [line.status_after for line in lines("rescheduled", Subject.BOOKING) if line.booking_id == held.id]
    assert of_held == [Status.HELD], "the history knows, and no mail went out"
    changes = lines("moved")[0].details["changes"]
    assert changes["starts_at"] == [TUESDAY.isoformat(), start.isoformat()]
    assert "opens_at" not in changes
    assert len(lines("moved")) == 1, "the same time again is no change"
    all_is_well()


def test_a_moved_booking_can_be_cancelled_until_the_new_beginning_and_a_held_one_confirmed(
    host: FlaskClient, world: World
) -> None:
    held = book(world.visit_slot, a_class(5, 1))
    confirmed = visit_full_of(world, 1)[0]
    db.session.execute(update(Slot).where(Slot.id == world.visit_slot).values(cancel_until=NOW - timedelta(hours=1)))
    db.session.commit()
    data = {"day": "2026-11-26", "time": "16 h", "minutes": "90"}
    assert host.post(f"/workspace/slots/{world.visit_slot}/time", data=data).status_code == 303
    in_transaction(lambda: confirm_booking(held.reference))
    [invitation] = [one for one in messages(Kind.BOOKING_CONFIRMED) if one.booking_id == held.id]
    assert invitation.facts["slot"]["starts_at"] == "2026-11-26T15:00:00+00:00"
    with clock.clock_at(datetime(2026, 11, 26, 14, 59, tzinfo=UTC)):
        assert in_transaction(lambda: cancel_booking(confirmed)).status is Status.CANCELLED
    all_is_well()


def test_a_slot_moves_over_a_night_when_clocks_change_and_never_into_the_past(host: FlaskClient, world: World) -> None:
    where = f"/workspace/slots/{world.visit_slot}/time"
    spring = {"day": "2027-03-28", "time": "10 h", "minutes": "90"}
    warned = host.post(where, data=spring)
    assert "On change d’heure" in words(warned)
    assert host.post(where, data=spring | {"anyway": anyway(warned)}).status_code == 303
    slot = the_slot(world.visit_slot)
    assert slot.starts_at == datetime(2027, 3, 28, 8, tzinfo=UTC)
    assert slot.starts_at - slot.headcount_until == timedelta(hours=48)
    past = host.post(where, data={"day": "2026-11-16", "time": "9 h", "minutes": "90"})
    assert (past.status_code, "Ce moment est déjà passé." in words(past)) == (422, True)
    assert host.post(where, data=spring | {"day": ""}).status_code == 422
    slot.cancelled_at = NOW
    db.session.commit()
    refused = host.post(where, data={"day": "2026-11-26", "time": "16 h", "minutes": "90"})
    assert (refused.status_code, "a été annulé" in words(refused)) == (409, True)


def test_a_booking_made_while_its_slot_moves_tells_the_new_time(
    world: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the slot and writing the booking the host moves it (on PostgreSQL; SQLite lets nobody in between)."""
    if db.engine.dialect.name == "sqlite":
        return
    make, times = booking_verb.new_booking, iter(range(1))

    def move_meanwhile(*given: Any) -> Booking:
        for _ in times:
            with db.engine.connect() as other:
                other.execute(
                    update(Slot).where(Slot.id == world.visit_slot).values(starts_at=TUESDAY - timedelta(hours=1), version=2)
                )
                other.commit()
        return make(*given)

    monkeypatch.setattr(booking_verb, "new_booking", move_meanwhile)
    book(world.visit_slot, a_class(5, 1), proven=True)
    [mail] = messages(Kind.BOOKING_CONFIRMED)
    assert mail.facts["slot"]["starts_at"] == (TUESDAY - timedelta(hours=1)).isoformat()
    all_is_well()


def test_another_meeting_point_is_told_too_and_the_same_one_is_not(host: FlaskClient, world: World) -> None:
    visit_full_of(world, 2)
    where = f"/workspace/slots/{world.visit_slot}/place"
    quay = {"meeting_point": "Quai n° 3", "arrive_minutes_before": "15", "why": ""}
    for _ in range(2):
        assert host.post(where, data=quay).status_code == 303
    told = messages(Kind.BOOKING_RESCHEDULED)
    assert [one.facts["slot"]["meeting_point"] for one in told] == ["Quai n° 3"] * 2
    assert [one.facts["was"] for one in told] == [{"meeting_point": "Accueil, bâtiment A"}] * 2
    assert host.post(where, data=quay | {"arrive_minutes_before": "30"}).status_code == 303
    assert [one.facts["was"] for one in messages(Kind.BOOKING_RESCHEDULED)[2:]] == [{}, {}], "earlier: told, and nothing is void"
    assert [line.details["told"] for line in lines("meeting_point_moved")] == [2, 2]
    assert host.post(where, data=quay | {"arrive_minutes_before": "x"}).status_code == 422
    all_is_well()


def test_a_labelled_event_whose_days_change_goes_back_for_a_look(host: FlaskClient, world: World) -> None:
    event = db.session.get_one(Event, world.visit)
    event.label = Label(decision=LabelDecision.LABELLED, requested_at=NOW, decided_at=NOW, seen=seen_of(event))
    db.session.commit()
    data = {"day": "2026-11-24", "time": "16 h 30", "minutes": "60"}
    host.post(f"/workspace/slots/{world.visit_slot}/time", data=data)
    assert db.session.scalars(select(Label.review_since)).one() is None, "another hour of the same day is no other date"
    host.post(f"/workspace/slots/{world.visit_slot}/time", data=data | {"day": "2026-11-27", "time": "16 h"})
    db.session.rollback()
    assert db.session.scalars(select(Label.review_since)).one() == NOW


# Places


def test_capacity_goes_up_and_down_but_never_below_what_is_taken(host: FlaskClient, world: World) -> None:
    big, small = book(world.visit_slot, a_class(20, 2), proven=True), book(world.visit_slot, a_class(5, 1, label="b"), "k2")
    where = f"/workspace/slots/{world.visit_slot}/capacity"
    assert "25 places sont prises sur 31." in words(host.get(where))
    refused = host.post(where, data={"capacity": "20"})
    assert refused.status_code == 409
    assert "il en faut au moins 25" in words(refused)
    assert 'autofocus id="problems"' in refused.text, "the reader starts at what was refused, with and without JavaScript"
    for booking, places in ((big, 20), (small, 5)):
        assert f'href="/workspace/bookings/{booking.reference}"' in refused.text
        assert f"{places} places, {booking.class_label}, {booking.school_name}" in words(refused)
        assert f"{booking.reference} : {places} places" in words(refused)
    for capacity in ("25", "60", "60"):
        assert host.post(where, data={"capacity": capacity}).status_code == 303
        assert the_slot(world.visit_slot).capacity == int(capacity)
    assert [line.details["changes"]["capacity"] for line in lines("resized")] == [[31, 25], [25, 60]]
    assert host.post(where, data={"capacity": "0"}).status_code == 422
    shared = host.post(f"/workspace/slots/{world.boat_slot}/capacity", data={"capacity": "45"})
    assert shared.status_code == 303
    db.session.rollback()
    assert sorted(db.session.scalars(select(Pool.capacity))) == [12, 40, 45, 60, 60, 120], "the pool others share stays"
    all_is_well()


def test_places_are_never_fewer_than_taken_while_people_book(world: World, app: Flask, staff: Staff) -> None:
    def place(n: int) -> str:
        with app.app_context():
            terms = Terms(key=f"r{n}", locale="fr", limiter=UNLIMITED, proven=True)
            try:
                in_transaction(lambda: book_places(world.visit_slot, a_class(3, 1, label=f"c{n}"), terms))
            except SlotFull:
                return "full"
            return "booked"

    def shrink(capacity: int) -> str:
        with app.app_context():
            try:
                in_transaction(lambda: set_capacity(world.visit_slot, {"capacity": capacity}, staff.who))
            except CapacityTaken as refused:
                named = sum(places for _, places in refused.bookings)
                return "taken" if named == refused.smallest > capacity else f"{named} named, {refused.smallest} taken"
            return "shrunk"

    with ThreadPoolExecutor(6) as crowd:
        bookings = [crowd.submit(place, n) for n in range(12)]
        sizes = [crowd.submit(shrink, capacity) for capacity in (28, 22, 16, 10, 4)]
        answers = [one.result(60) for one in [*bookings, *sizes]]
    slot = the_slot(world.visit_slot)
    assert slot.taken == 3 * answers.count("booked") <= slot.capacity
    assert set(answers) <= {"booked", "full", "shrunk", "taken"}
    all_is_well()


# Terms, closing


def test_terms_change_for_those_to_come_and_two_hosts_never_overwrite_each_other(host: FlaskClient, world: World) -> None:
    reference = visit_full_of(world, 1)[0]
    where = f"/workspace/slots/{world.visit_slot}/terms"
    form = host.get(where)
    version = re.search(r'name="version" value="(\d+)"', form.text)
    assert version
    terms = {"version": version[1], "min_party": "2", "max_party": "20", "pupils_per_adult": "10", "closes_hours": "24"}
    terms |= {"headcount_hours": "48", "cancel_hours": "0"}
    assert host.post(where, data=terms).status_code == 303
    slot = the_slot(world.visit_slot)
    assert (slot.min_party, slot.max_party, slot.pupils_per_adult) == (2, 20, 10)
    assert slot.closes_at == TUESDAY - timedelta(hours=24)
    assert (slot.headcount_until, slot.cancel_until) == (TUESDAY - timedelta(hours=48), TUESDAY)
    assert set(lines("edited")[0].details["changes"]) == {"min_party", "max_party", "pupils_per_adult", "closes_at"}
    late = host.post(where, data=terms | {"max_party": "12"})
    assert late.status_code == 409
    for said in ("Quelqu’un a modifié ce créneau", "de 2 à 20 places"):
        assert said in words(late)
    assert 'value="12"' in late.text, "what the second wrote is not lost"
    assert the_slot(world.visit_slot).max_party == 20, "and nothing is overwritten"
    counted = host.post(where, data=terms | {"version": "2", "counts_adults": "1"})
    assert "Des réservations ont été comptées ainsi" in words(counted)
    assert db.session.scalars(select(Booking.status).where(Booking.reference == reference)).one() is Status.CONFIRMED
    assert messages(Kind.BOOKING_RESCHEDULED) == []
    all_is_well()


def test_bookings_are_closed_at_once_and_opened_again_until_a_moment(host: FlaskClient, world: World) -> None:
    for _ in range(2):
        assert host.post(f"/workspace/slots/{world.visit_slot}/closing").status_code == 303
    assert the_slot(world.visit_slot).closes_at == NOW
    assert len(lines("bookings_closed")) == 1
    assert "Les réservations sont closes" in words(host.get(f"/events/{world.visit}"))
    where = f"/workspace/slots/{world.visit_slot}/opening"
    assert 'value="2026-11-24T14:30"' in host.get(where).text, "until the beginning, unless somebody says otherwise"
    for wrong in ("", "2026-11-16T09:00", "2026-11-24T14:31", "bientôt"):
        assert host.post(where, data={"closes_at": wrong}).status_code == 422
    assert host.post(where, data={"closes_at": "2026-11-23T18:00"}).status_code == 303
    assert the_slot(world.visit_slot).closes_at == datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert "31 places libres sur 31" in words(host.get(f"/events/{world.visit}"))


# Cancelling


def test_a_cancelled_slot_tells_everybody_once_with_the_reason_and_where_else(
    host: FlaskClient, world: World, app: Flask
) -> None:
    confirmed = book(world.boat_slot, a_class(20, 2), proven=True)
    held = book(world.boat_slot, a_class(10, 1, label="http://evil.example", email="inconnu@college.example"), "k2")
    where = f"/workspace/slots/{world.boat_slot}/cancellation"
    assert "2 personnes seront prévenues" in words(host.get(where))
    assert host.post(where, data={"why": " "}).status_code == 422
    public = host.get(f"/events/{world.boat}")
    for _ in range(2):
        assert host.post(where, data={"why": "La Seine est en crue"}).status_code == 303
    told = messages(Kind.BOOKING_CANCELLED)
    assert [one.booking_id for one in told] == [confirmed.id, held.id]
    second = {"starts_at": "2026-11-27T13:00:00+00:00", "title": "Le port vu du fleuve", "event_id": world.boat}
    for one in told:
        assert (one.facts["by"], one.facts["why"]) == ("host", "La Seine est en crue")
        assert one.facts["elsewhere"][0] == second, "another slot of the same event comes first"
        assert one.facts["elsewhere"][1]["event_id"] == world.visit
    assert (told[0].facts["calendar"]["method"], told[0].sequence) == ("CANCEL", 1)
    mail = opened(compose(told[1], held.link_nonce, (), app.config["SETTINGS"]).content)
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "evil.example" not in str(told[1].facts) + body(mail, "plain") + body(mail, "html"), "nobody has proven this address"
    assert "La Seine est en crue" in body(mail, "plain")
    assert make_token(app.config["SETTINGS"].secret_key, MANAGE, held.link_nonce) not in body(mail, "plain")
    assert messages(Kind.HOST_BOOKING_CANCELLED) == [], "the host did it, and needs no notice for each"
    assert the_slot(world.boat_slot).taken == 0
    assert {one.ended_by for one in db.session.scalars(select(Booking))} == {"host"}
    assert [line.details["bookings"] for line in lines("cancelled")] == [2]
    after = host.get(f"/events/{world.boat}")
    assert "La Seine est en crue" in words(after)
    assert "La Seine" not in words(public)
    assert "La Seine est en crue" in words(host.get(f"/workspace/slots/{world.boat_slot}"))
    all_is_well()


def test_the_doctor_sees_who_was_not_told_and_who_still_waits(host: FlaskClient, world: World) -> None:
    book(world.boat_slot, a_class(20, 2))
    book(world.boat_slot, a_class(10, 1, label="b"), "k2", proven=True)
    host.post(f"/workspace/slots/{world.boat_slot}/cancellation", data={"why": "crue"})
    all_is_well()
    for hand, found in (
        (
            "DELETE FROM messages WHERE kind = 'booking_cancelled' AND booking_id = 1",
            "booking 1 (was not told that its slot is cancelled)",
        ),
        ("UPDATE bookings SET status = 'confirmed' WHERE id = 2", "booking 2 (still waits for a slot that is cancelled)"),
    ):
        db.session.execute(text(hand))
        assert found in {broken for finding in doctor.examine() if finding.rule.name == "messages" for broken in finding.broken}
        db.session.rollback()


def test_a_bookings_page_says_what_the_host_did_and_offers_other_slots(
    host: FlaskClient, client: FlaskClient, world: World, app: Flask
) -> None:
    booking = book(world.boat_slot, a_class(20, 2), proven=True)
    link = f"/bookings/{booking.reference}?token={make_token(app.config['SETTINGS'].secret_key, MANAGE, booking.link_nonce)}"
    assert "L’organisateur" not in words(client.get(link))
    data = {"day": "2026-11-27", "time": "16 h 30", "minutes": "60", "why": "Marée basse"}
    assert host.post(f"/workspace/slots/{world.boat_slot}/time", data=data).status_code == 303
    moved = words(client.get(link))
    for said in (
        "L’organisateur a changé cette visite",
        "vendredi 27 novembre, 16 h 30, et non plus le vendredi 27 novembre, 10 h",
        "Marée basse",
        "sans vous justifier",
        "14 h – 15 h",
    ):
        assert said in moved
    host.post(f"/workspace/slots/{world.boat_slot}/cancellation", data={"why": "Crue"})
    cancelled = words(client.get(link))
    for said in ("L’organisateur a dû annuler", "Raison donnée : Crue", "Il reste de la place ici", "14 h – 15 h"):
        assert said in cancelled


# Letters


def test_a_letter_reaches_every_confirmed_booker_once_and_three_a_day_are_enough(
    host: FlaskClient, world: World, app: Flask
) -> None:
    where = f"/workspace/slots/{world.visit_slot}/letter"
    assert "Personne n’a de réservation confirmée" in words(host.post(where, data={"letter": "Bonjour", "key": "k"}))
    references = visit_full_of(world, 2)
    book(world.visit_slot, a_class(1, 1, label="tenue"), "held")
    letter = "Bonjour,\r\n\r\nprenez un manteau : il vente.\nÀ mardi"
    for _ in range(2):
        assert host.post(where, data={"letter": letter, "key": "k1"}).location.endswith("note=written&told=2")
    sent = messages(Kind.BOOKER_LETTER)
    assert [one.booking.reference for one in sent if one.booking] == references
    assert sent[0].facts["letter"] == ["Bonjour,", "prenez un manteau : il vente.", "À mardi"]
    mail = opened(compose(sent[0], b"n" * 16, (), app.config["SETTINGS"]).content)
    assert "prenez un manteau : il vente." in body(mail, "plain").replace("\u00a0", " ")
    assert [part.get_content_type() for part in mail.walk() if "calendar" in part.get_content_type()] == []
    [line] = lines("letter_sent")
    assert line.details["told"] == 2
    assert "manteau" not in str(line.details), "the history keeps how many, and not what"
    for n in (2, 3):
        assert host.post(where, data={"letter": "Encore", "key": f"k{n}"}).status_code == 303
    enough = host.post(where, data={"letter": "Toujours", "key": "k4"})
    assert (enough.status_code, "a déjà reçu 3 messages aujourd’hui" in words(enough)) == (429, True)
    assert len(messages(Kind.BOOKER_LETTER)) == 6
    with clock.clock_at(NOW + timedelta(days=1)):
        assert sign_in(app, "visites@port.example").client.post(where, data={"letter": "Demain", "key": "k5"}).status_code == 303
    for wrong in ("", "  \r\n ", "x" * 2001, "a\u202eb"):
        assert host.post(where, data={"letter": wrong, "key": "k6"}).status_code == 422
    all_is_well()


def test_an_organisation_writes_twenty_letters_a_day(host: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booking.actions.write_to_bookers.PER_ORGANISATION_AND_DAY", 2)
    book(world.boat_slot, a_class(2, 1), "boat", proven=True)
    visit_full_of(world, 1)
    for slot in (world.visit_slot, world.boat_slot):
        assert host.post(f"/workspace/slots/{slot}/letter", data={"letter": "Bonjour", "key": "a"}).status_code == 303
    enough = host.post(f"/workspace/slots/{world.boat_slot}/letter", data={"letter": "Bonjour", "key": "b"})
    assert (enough.status_code, "Vous avez déjà envoyé 2 messages" in words(enough)) == (429, True)


# Both languages


def test_the_pages_of_slots_in_english_say_nothing_in_french(host: FlaskClient, world: World) -> None:
    reference = book(world.visit_slot, a_class(20, 2), proven=True).reference
    slot, form = f"/workspace/slots/{world.visit_slot}", f"/workspace/events/{world.visit}/slots/new"
    for path, expected in {
        form: "Repeat on several days", slot: "Write to everyone booked", f"{slot}/time": "Move this slot", f"{slot}/place": "Meeting point",
        f"{slot}/capacity": "20 of 31 places are taken.", f"{slot}/terms": "Smallest group", f"{slot}/opening": "Reopen bookings",
        f"{slot}/cancellation": "1 person will be told", f"{slot}/letter": "Send to everyone",
    }.items():  # fmt: skip
        assert_english(host.get(f"{path}?lang=en").text, expected)
    assert_english(
        host.post(form, data=A_SLOT | {"first": "2026-12-02", "times": "14 h, 15 h"}).text, "deserve a second look", "overlap"
    )
    assert_english(host.post(f"{slot}/capacity", data={"capacity": "3"}).text, "at least 20", reference)
    host.post(f"{slot}/cancellation", data={"why": "crue"})
    assert_english(host.get(f"{slot}?note=cancelled&told=1").text, "Slot cancelled", "1 person is being told.")
