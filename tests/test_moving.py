"""Moving a booking to another slot of its event: places, rules, invitation, waiting list, pages and API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking import clock
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.actions.move_booking import move_booking
from booking.db import db, in_transaction
from booking.errors import AlreadyBooked, BookingClosed, Invalid, NotFound, SlotFull, TooLate, WrongState
from booking.models import Actor, Booking, Event, HeldFor, HistoryEntry, Kind, Message, Party, PoolKind, Slot, Status, Who
from booking.queries import doctor, fetch
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
