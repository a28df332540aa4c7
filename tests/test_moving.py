"""Moving a booking to another slot of its event: places, rules, invitation, waiting list, pages and API."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from booking import clock
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.actions.move_booking import move_booking
from booking.db import db, in_transaction
from booking.errors import AlreadyBooked, BookingClosed, Invalid, NotFound, SlotFull, TooLate, WrongState
from booking.links import MANAGE, make_token
from booking.mail.compose import compose
from booking.models import Actor, Booking, Event, HeldFor, HistoryEntry, Kind, Message, Party, PoolKind, Slot, Status, Who
from booking.queries import doctor, fetch
from tests.mails import SETTINGS, calendar_bytes, entry, opened
from tests.workspaces import manager_of
from tests.world import World, a_class

UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)
HOST = Who(Actor.HOST)


def terms(key: str, **more: Any) -> Terms:
    return Terms(**({"key": key, "locale": "fr", "limiter": UNLIMITED, "proven": True} | more))


def party(label: str, pupils: int, adults: int = 3) -> Party:
    return a_class(pupils, adults, label=label, email=f"{label}@college.example")


def book(slot_id: int, who: Party, **more: Any) -> str:
    return in_transaction(lambda: book_places(slot_id, who, terms(f"{slot_id} {who.label}", **more))).reference


def wait(slot_id: int, who: Party) -> str:
    return in_transaction(lambda: join_waiting_list(slot_id, who, terms(f"{slot_id} {who.label}"))).reference


def move(reference: str, slot_id: int, who: Who | None = None) -> Booking:
    return in_transaction(lambda: move_booking(reference, slot_id, *([who] if who else [])))


def fresh(reference: str) -> Booking:
    db.session.rollback()
    return fetch.booking(reference)


def taken(slot_id: int) -> list[int]:
    """What is taken of the slot's pools, its limits first."""
    db.session.rollback()
    return [pool.taken for pool in sorted(fetch.slot(slot_id).pools, key=lambda pool: pool.kind, reverse=True)]


def mails(reference: str, *kinds: Kind) -> list[Message]:
    of_booking = Message.booking_id == fetch.booking(reference).id, Message.kind.in_(kinds)
    return list(db.session.scalars(select(Message).where(*of_booking).order_by(Message.id)))


@pytest.fixture(autouse=True)
def _all_rules_hold(app: object) -> Any:
    yield
    db.session.rollback()
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_a_moved_booking_keeps_its_names_and_its_invitation_follows(world: World) -> None:
    reference = book(world.boat_slot, party("3A", 20))
    before = fresh(reference)
    uid, nonce, stamp, starts_at = before.uid, before.link_nonce, before.calendar_stamp, before.slot.starts_at
    for _ in range(2):
        move(reference, world.second_boat_slot)
    moved = fresh(reference)
    assert (moved.slot_id, moved.status, moved.places) == (world.second_boat_slot, Status.CONFIRMED, 23)
    assert (moved.uid, moved.link_nonce, moved.sequence) == (uid, nonce, 1)
    assert moved.calendar_stamp is not None
    assert stamp is not None
    assert moved.calendar_stamp > stamp
    assert taken(world.boat_slot) == [23, 0]
    assert taken(world.second_boat_slot) == [23, 23]
    [mail] = mails(reference, Kind.BOOKING_RESCHEDULED)
    assert mail.facts["calendar"] | {"dtstamp": None} == {"method": "REQUEST", "uid": uid, "sequence": 1, "dtstamp": None}
    assert mail.facts["was"]["starts_at"] == starts_at.isoformat()
    assert mail.facts["slot"]["id"] == world.second_boat_slot
    assert len(mails(reference, Kind.HOST_BOOKING_CHANGED)) == 1
    lines = db.session.scalars(select(HistoryEntry).where(HistoryEntry.action == "changed_slot")).all()
    assert [line.details["was"]["starts_at"] for line in lines] == [starts_at.isoformat()]


def test_a_full_shared_boat_does_not_stop_moving_within_it_and_a_refusal_changes_nothing(world: World) -> None:
    moves, stays = book(world.boat_slot, party("3A", 17)), book(world.boat_slot, party("3B", 17))
    book(world.second_boat_slot, party("3C", 17))
    assert taken(world.boat_slot) == [60, 40]
    move(moves, world.second_boat_slot)
    assert taken(world.second_boat_slot) == [60, 40]
    with pytest.raises(SlotFull) as full:
        move(stays, world.second_boat_slot)
    assert (full.value.remaining, full.value.wanted) == (0, 20)
    assert (fresh(stays).slot_id, fresh(stays).sequence, len(mails(stays, Kind.BOOKING_RESCHEDULED))) == (world.boat_slot, 0, 0)
    assert taken(world.boat_slot) == [60, 20]


def test_what_a_move_frees_is_offered_and_who_waits_for_the_new_slot_goes_first(world: World) -> None:
    first, other = book(world.boat_slot, party("3A", 17)), book(world.boat_slot, party("3B", 17))
    waits_here = wait(world.boat_slot, party("4A", 17))
    move(first, world.second_boat_slot)
    assert (fresh(waits_here).status, fresh(waits_here).held_for) == (Status.HELD, HeldFor.OFFER)
    assert taken(world.second_boat_slot) == [60, 20]
    waits_there = wait(world.second_boat_slot, party("4B", 17))
    for pool in fetch.slot(world.second_boat_slot).pools:
        pool.capacity = 80 if pool.kind is PoolKind.SHARED else 50  # more than before, and nobody has offered it yet
    db.session.commit()
    with pytest.raises(SlotFull):
        move(other, world.second_boat_slot)
    assert (fresh(waits_there).status, fresh(other).slot_id) == (Status.WAITING, world.boat_slot), "a refusal has no effect"


def test_rules_and_deadlines_hold_for_a_move(world: World, frozen: datetime) -> None:
    db.session.get_one(Event, world.boat).one_per_class = False
    db.session.commit()
    held = book(world.boat_slot, party("3A", 10), proven=False)
    booked = book(world.boat_slot, party("3B", 10))
    with pytest.raises(NotFound):
        move(booked, world.visit_slot)
    other = book(world.second_boat_slot, party("3B", 5))
    with pytest.raises(AlreadyBooked):
        move(booked, world.second_boat_slot)
    in_transaction(lambda: cancel_booking(other))
    assert move(held, world.second_boat_slot).status is Status.HELD
    assert (fresh(held).sequence, mails(held, Kind.BOOKING_RESCHEDULED)) == (0, []), "nothing stands in a calendar yet"
    slot = db.session.get_one(Slot, world.boat_slot)
    slot.min_party, slot.cancel_until = 20, slot.starts_at - timedelta(hours=24)
    starts_at, until = slot.starts_at, slot.cancel_until
    db.session.commit()
    with pytest.raises(Invalid):
        move(held, world.boat_slot)
    with clock.clock_at(until):
        with pytest.raises(TooLate) as late:
            move(booked, world.second_boat_slot)
        assert late.value.what == "move"
    with clock.clock_at(starts_at), pytest.raises(BookingClosed):
        move(booked, world.second_boat_slot, HOST)
    in_transaction(lambda: cancel_booking(booked))
    with pytest.raises(WrongState):
        move(booked, world.second_boat_slot)


def token(app: Flask, reference: str) -> str:
    return make_token(app.config["SETTINGS"].secret_key, MANAGE, fetch.booking(reference).link_nonce)


def text(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))).replace("\u00a0", " ")


def test_the_mail_of_a_moved_booking_moves_the_entry_of_the_first_invitation(world: World) -> None:
    reference = book(world.boat_slot, party("3A", 20))
    move(reference, world.second_boat_slot)
    first, moved = mails(reference, Kind.BOOKING_CONFIRMED, Kind.BOOKING_RESCHEDULED)
    nonce = fresh(reference).link_nonce
    before, after = (opened(compose(mail, nonce, (), SETTINGS, was_invited=True).content) for mail in (first, moved))
    old, new = (entry(calendar_bytes(mail)) for mail in (before, after))
    assert (new["UID"], int(old["SEQUENCE"]), int(new["SEQUENCE"])) == (old["UID"], 0, 1)
    assert new["DTSTAMP"].dt > old["DTSTAMP"].dt
    assert (new.start, new.end) == (old.start + timedelta(hours=4), old.end + timedelta(hours=4))
    assert b"METHOD:REQUEST" in calendar_bytes(after)
    words = after.get_body(("plain",))
    assert words is not None
    said = words.get_content()
    assert "votre réservation est déplacée" in said
    assert "L’organisateur a changé" not in said
    assert "Ne vaut plus" in said
    [to_host] = mails(reference, Kind.HOST_BOOKING_CHANGED)
    notice = opened(compose(to_host, nonce, (), SETTINGS, was_invited=True).content)
    plain = notice.get_body(("plain",))
    assert plain is not None
    assert "Ne vaut plus" in plain.get_content()
    assert "Effectif" not in str(notice["Subject"])


def test_the_booker_moves_on_the_page_and_nothing_is_lost_when_it_cannot_be(
    app: Flask, client: FlaskClient, world: World
) -> None:
    reference = book(world.boat_slot, party("3A", 20))
    opens = {"token": token(app, reference)}
    page = f"/bookings/{reference}"
    assert f"{page}/slot" in client.get(page, query_string=opens).get_data(as_text=True)
    listed = text(client.get(f"{page}/slot", query_string=opens))
    assert "40 places pour vous" in listed, "the 23 it holds of the boat they share count for it"
    assert client.get(f"{page}/slot").status_code == 404
    nothing = client.post(f"{page}/slot", data=opens)
    assert (nothing.status_code, "Choisissez une des réponses" in text(nothing)) == (422, True)
    other = book(world.second_boat_slot, party("3B", 30, 2))
    full = client.post(f"{page}/slot", data=opens | {"slot": str(world.second_boat_slot)})
    assert (full.status_code, "Votre réservation reste comme elle est" in text(full)) == (409, True)
    assert "Aucun autre créneau" in text(full)
    larger = client.post(f"{page}/headcount", data=opens | {"pupils": "39", "adults": "3"})
    assert larger.status_code == 409
    assert re.search(rf'peut-être assez de places : <a href="{page}/slot', larger.text.replace("\u00a0", " ")), "a way on"
    in_transaction(lambda: cancel_booking(other))
    done = client.post(f"{page}/slot", data=opens | {"slot": str(world.second_boat_slot)}, follow_redirects=True)
    assert "est passée sur ce créneau" in text(done)
    assert fresh(reference).slot_id == world.second_boat_slot
    with clock.clock_at(fresh(reference).slot.cancel_until):
        assert "Cette réservation ne change plus de créneau" not in text(client.get(f"{page}/slot", query_string=opens))


def test_the_host_moves_a_booking_after_the_deadline_of_bookers(app: Flask, world: World) -> None:
    reference = book(world.boat_slot, party("3A", 20))
    slot = db.session.get_one(Slot, world.boat_slot)
    slot.cancel_until = slot.starts_at - timedelta(days=30)
    db.session.commit()
    staff = manager_of(app, world.port)
    path = f"/workspace/bookings/{reference}/slot"
    assert "40 places pour vous" in text(staff.client.get(path))
    answer = staff.client.post(path, data={"slot": str(world.second_boat_slot), "why": "Le quai ferme à midi."})
    assert answer.status_code == 303, text(answer)
    shown = text(staff.client.get(answer.location))
    assert "Réservation passée sur un autre créneau" in shown
    assert "C’était le vendredi 27 novembre" in shown
    [mail] = mails(reference, Kind.BOOKING_RESCHEDULED)
    assert (mail.facts["by"], mail.facts["why"]) == ("host", "Le quai ferme à midi.")


def test_programs_move_and_split(app: Flask, client: FlaskClient, world: World) -> None:
    reference = book(world.boat_slot, party("3A", 20))
    bearer = {"Authorization": f"Bearer {token(app, reference)}"}
    path = f"/api/v1/bookings/{reference}"
    assert client.get(path, headers=bearer).get_json()["together"] == [reference]
    assert client.post(f"{path}/slot", json={"slot_id": world.second_boat_slot}).status_code == 401
    for body in ({}, {"slot_id": "2"}, {"slot_id": world.second_boat_slot, "why": "x"}):
        assert client.post(f"{path}/slot", headers=bearer, json=body).get_json()["code"] == "invalid"
    for _ in range(2):
        moved = client.post(f"{path}/slot", headers=bearer, json={"slot_id": world.second_boat_slot})
        assert (moved.status_code, moved.get_json()["slot"]["id"]) == (200, world.second_boat_slot)
    assert client.post(f"{path}/slot", headers=bearer, json={"slot_id": world.visit_slot}).status_code == 404
    wanted = {"slot_id": world.boat_slot, "pupils": 8, "adults": 1}
    first, again = (client.post(f"{path}/split", headers=bearer, json=wanted) for _ in range(2))
    half = first.get_json()
    assert (first.status_code, half["pupils"], half["together"]) == (201, 8, [reference, half["reference"]])
    assert again.get_json()["reference"] == half["reference"]
    assert client.get(path, headers=bearer).get_json()["pupils"] == 12
    assert client.get(f"/api/v1/bookings/{half['reference']}", headers=bearer).status_code == 200
    refused = client.post(f"{path}/split", headers=bearer, json=wanted | {"pupils": 2})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "already_split")
