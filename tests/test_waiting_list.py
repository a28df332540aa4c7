"""The waiting list: who is offered what, when, and what becomes of it. The verbs; its pages stand in test_waiting_pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking import clock
from booking.actions import offer_places
from booking.actions.answer_offer import accept_offer, decline_offer
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_slot import cancel_slot
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.expire_holds import due_holds, expire_hold
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.actions.set_capacity import set_capacity
from booking.actions.sweep_waiting import offer_what_is_free
from booking.actions.waiting_ends import due_waits, end_wait
from booking.db import db, in_transaction
from booking.errors import AlreadyBooked, Invalid, NotFull, SlotFull, WrongState
from booking.models import Actor, Booking, HeldFor, Kind, Message, Offer, Outcome, Party, Slot, Status, Wait, Who
from booking.queries import doctor, fetch
from tests.world import World, a_class

UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)
HOST = Who(Actor.HOST)


def terms(key: str, **more: Any) -> Terms:
    return Terms(**({"key": more.pop("again", key), "locale": "fr", "limiter": UNLIMITED, "proven": True} | more))


def party(label: str, pupils: int, adults: int = 3) -> Party:
    return a_class(pupils, adults, label=label, email=f"{label}@college.example")


def book(slot_id: int, who: Party, **more: Any) -> str:
    return in_transaction(lambda: book_places(slot_id, who, terms(who.label, **more))).reference


def wait(slot_id: int, who: Party, at_least: int | None = None, also: tuple[int, ...] = (), **more: Any) -> str:
    return in_transaction(lambda: join_waiting_list(slot_id, who, terms(who.label, **more), at_least, also)).reference


def cancel(reference: str) -> None:
    in_transaction(lambda: cancel_booking(reference))


def state(reference: str) -> tuple[Status, int]:
    db.session.rollback()
    booking = fetch.booking(reference)
    return booking.status, booking.places


def taken(slot_id: int) -> int:
    db.session.rollback()
    return max(pool.taken for pool in fetch.slot(slot_id).pools)


@pytest.fixture(autouse=True)
def _all_rules_hold(app: object, request: pytest.FixtureRequest) -> Any:
    yield
    db.session.rollback()
    assert [finding for finding in doctor.examine() if finding.broken] == []


def test_freed_places_go_in_the_same_transaction_to_the_first_that_fits(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 15))
    other = book(world.visit_slot, party("3B", 16))
    large = wait(world.visit_slot, party("4A", 20))
    first = wait(world.visit_slot, party("4B", 10))
    second = wait(world.visit_slot, party("4C", 5))
    cancel(booked)
    assert state(large)[0] is Status.WAITING
    assert state(first) == (Status.HELD, 10)
    assert state(second) == (Status.HELD, 5)
    assert taken(world.visit_slot) == 31
    cancel(other)
    assert state(large)[0] is Status.WAITING, "16 places are too few for 20"
    offers = list(db.session.scalars(select(Offer).order_by(Offer.id)))
    assert [(offer.places, offer.free, offer.passed_over) for offer in offers] == [(10, 15, 1), (5, 5, 1)]


def test_a_part_is_offered_to_who_said_so_and_the_whole_where_it_fits(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    part = wait(world.visit_slot, party("4A", 28), at_least=20)
    in_transaction(lambda: change_headcount(booked, 10, 3))
    assert state(part) == (Status.HELD, 21)
    booking = fetch.booking(part)
    assert (booking.pupils, booking.asked_pupils, booking.held_for) == (21, 28, HeldFor.OFFER)


def test_an_offer_is_accepted_once_and_becomes_a_booking_with_an_invitation(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    waiting = wait(world.visit_slot, party("4A", 28))
    cancel(booked)
    for _ in range(2):
        in_transaction(lambda: accept_offer(waiting))
    assert state(waiting) == (Status.CONFIRMED, 28)
    kinds = list(
        db.session.scalars(select(Message.kind).where(Message.booking_id == fetch.booking(waiting).id).order_by(Message.id))
    )
    assert kinds[:2] == [Kind.WAITING_JOINED, Kind.PLACES_OFFERED]
    assert kinds.count(Kind.BOOKING_CONFIRMED) == 1
    assert [offer.outcome for offer in db.session.scalars(select(Offer))] == [Outcome.ACCEPTED]


def test_a_declined_offer_goes_to_the_next_and_an_expired_one_too(world: World, frozen: datetime) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    names = [wait(world.visit_slot, party(label, 31)) for label in ("4A", "4B", "4C")]
    cancel(booked)
    in_transaction(lambda: decline_offer(names[0]))
    assert state(names[0])[0] is Status.CANCELLED
    assert state(names[1])[0] is Status.HELD
    until = fetch.booking(names[1]).expires_at
    assert until is not None
    assert until == frozen + timedelta(hours=24)
    with clock.clock_at(until):
        assert due_holds() == [names[1]]
        with pytest.raises(WrongState):
            in_transaction(lambda: accept_offer(names[1]))
        assert in_transaction(lambda: expire_hold(names[1]))
        assert state(names[1])[0] is Status.EXPIRED
        assert state(names[2])[0] is Status.HELD
    assert [offer.outcome for offer in db.session.scalars(select(Offer).order_by(Offer.id))] == [
        Outcome.DECLINED, Outcome.EXPIRED, Outcome.OPEN,
    ]  # fmt: skip


def test_who_declines_a_part_may_wait_on_for_the_whole_with_the_same_rank(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    part = wait(world.visit_slot, party("4A", 28), at_least=20)
    later = wait(world.visit_slot, party("4B", 28))
    in_transaction(lambda: change_headcount(booked, 10, 3))
    in_transaction(lambda: decline_offer(part, stay=True))
    assert state(part) == (Status.WAITING, 28)
    cancel(booked)
    assert state(part) == (Status.HELD, 28)
    assert state(later)[0] is Status.WAITING


def test_any_of_these_slots_leaves_every_queue_at_once(world: World) -> None:
    booked = [book(slot, party(label, 30, 0)) for slot, label in ((world.boat_slot, "3A"), (world.second_boat_slot, "3B"))]
    either = wait(world.boat_slot, party("4A", 29, 1), also=(world.second_boat_slot,))
    assert len(list(db.session.scalars(select(Wait)))) == 2
    cancel(booked[1])
    assert fetch.booking(either).slot_id == world.second_boat_slot
    assert state(either)[0] is Status.HELD
    assert list(db.session.scalars(select(Wait))) == []


def test_raised_capacity_is_offered_too(world: World) -> None:
    book(world.visit_slot, party("3A", 31))
    waiting = wait(world.visit_slot, party("4A", 10))
    in_transaction(lambda: set_capacity(world.visit_slot, {"capacity": "41"}, HOST))
    assert state(waiting)[0] is Status.HELD


def test_nobody_waits_where_there_is_room_nor_for_what_can_never_be(world: World) -> None:
    with pytest.raises(NotFull):
        wait(world.visit_slot, party("4A", 31))
    book(world.visit_slot, party("3A", 31))
    with pytest.raises(Invalid) as refused:
        wait(world.visit_slot, party("4A", 32))
    assert refused.value.fields["pupils"].code == "never_fits"
    wait(world.visit_slot, party("4A", 32), at_least=20)
    with pytest.raises(AlreadyBooked):
        wait(world.visit_slot, party("4A", 32), at_least=20, again="another")


def test_an_unproven_request_has_no_rank_and_is_offered_nothing(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    unproven = wait(world.visit_slot, party("4A", 31), proven=False)
    proven = wait(world.visit_slot, party("4B", 31))
    cancel(booked)
    assert state(proven)[0] is Status.HELD
    assert state(unproven)[0] is Status.WAITING
    in_transaction(lambda: confirm_booking(unproven))
    assert fetch.booking(unproven).rank == 2
    in_transaction(lambda: decline_offer(proven))
    assert state(unproven)[0] is Status.HELD


def test_newcomers_find_the_slot_full_while_what_is_free_is_offered(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    wait(world.visit_slot, party("4A", 31))
    cancel(booked)
    with pytest.raises(SlotFull):
        book(world.visit_slot, party("4B", 1))


def test_a_cancelled_slot_keeps_those_who_also_wait_elsewhere(world: World) -> None:
    book(world.boat_slot, party("3A", 30, 0))
    book(world.second_boat_slot, party("3B", 10, 0))
    either = wait(world.boat_slot, party("4A", 29, 1), also=(world.second_boat_slot,))
    only = wait(world.boat_slot, party("4B", 29, 1))
    in_transaction(lambda: cancel_slot(world.boat_slot, "Brume.", HOST))
    assert state(only)[0] is Status.CANCELLED
    assert fetch.booking(either).slot_id == world.second_boat_slot
    assert state(either)[0] is Status.HELD, "the boat shares its day: what the cancelled tour held is free"


def test_an_offer_on_a_cancelled_slot_is_withdrawn_and_who_also_waits_elsewhere_keeps_the_rank(world: World) -> None:
    booked = book(world.boat_slot, party("3A", 30, 0))
    book(world.second_boat_slot, party("3B", 20, 0))
    either = wait(world.boat_slot, party("4A", 29, 1), at_least=15, also=(world.second_boat_slot,))
    only = wait(world.second_boat_slot, party("4B", 29, 1))
    cancel(booked)
    assert state(either) == (Status.HELD, 30)
    in_transaction(lambda: cancel_slot(world.boat_slot, "Brume.", HOST))
    booking = fetch.booking(either)
    assert (booking.slot_id, booking.at_least, booking.rank) == (world.second_boat_slot, 15, 1)
    assert state(either) == (Status.HELD, 20), "what the second tour has is offered to the first of its queue"
    assert state(only)[0] is Status.WAITING
    offers = select(Offer.outcome).where(Offer.booking_id == booking.id).order_by(Offer.id)
    assert list(db.session.scalars(offers)) == [Outcome.WITHDRAWN, Outcome.OPEN]
    told = select(Message.facts["closed"].as_string()).where(
        Message.kind == Kind.WAITING_JOINED, Message.booking_id == booking.id
    )
    assert [bool(closed) for closed in db.session.scalars(told.order_by(Message.id))] == [False, True]


def test_a_wait_ends_when_nothing_can_be_offered_any_more(world: World) -> None:
    book(world.visit_slot, party("3A", 31))
    waiting = wait(world.visit_slot, party("4A", 31))
    ends = fetch.booking(waiting).expires_at
    assert ends is not None
    with clock.clock_at(ends + timedelta(seconds=1)):
        assert due_waits() == [waiting]
        assert in_transaction(lambda: end_wait(waiting))
        assert not in_transaction(lambda: end_wait(waiting))
    assert state(waiting)[0] is Status.EXPIRED
    assert Kind.WAITING_ENDED in set(db.session.scalars(select(Message.kind)))


def test_the_history_tells_the_whole_way(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    waiting = wait(world.visit_slot, party("4A", 28))
    cancel(booked)
    in_transaction(lambda: accept_offer(waiting))
    from booking.models import HistoryEntry

    lines = db.session.execute(
        select(HistoryEntry.action, HistoryEntry.actor).join(Booking, Booking.id == HistoryEntry.booking_id)
        .where(Booking.reference == waiting).order_by(HistoryEntry.id)
    ).all()  # fmt: skip
    assert [tuple(line) for line in lines] == [
        ("booked", Actor.BOOKER), ("queued", Actor.BOOKER), ("offered", Actor.RULE), ("offer_accepted", Actor.BOOKER),
    ]  # fmt: skip


def test_one_party_stands_once_on_a_slot_whatever_else_it_asked_for(world: World) -> None:
    """Two requests of one person for the same tour would be one too many: what frees it goes to the next, and fails nobody."""
    someone = Party(audience="public", email="p@demo.example", name="P")
    book(world.boat_slot, party("3A", 38, 2))
    afternoon = book(world.second_boat_slot, party("3B", 18, 2))
    either = wait(world.boat_slot, someone, also=(world.second_boat_slot,))
    wait(world.boat_slot, replace(someone, name="Q"), again="Q in the morning")
    again = wait(world.second_boat_slot, someone, again="the other tour")
    with pytest.raises(AlreadyBooked):
        wait(world.second_boat_slot, replace(someone, name="Q"), also=(world.boat_slot,), again="Q everywhere")
    cancel(afternoon)
    assert (state(either)[0], state(again)[0]) == (Status.WAITING, Status.HELD)
    in_transaction(lambda: cancel_slot(world.boat_slot, "Brume.", HOST))
    assert state(either)[0] is Status.CANCELLED


def test_who_is_kept_from_one_slot_by_its_rule_is_offered_another(world: World) -> None:
    booked = [book(slot, party(label, 29, 1)) for slot, label in ((world.boat_slot, "3A"), (world.second_boat_slot, "3B"))]
    either = wait(world.boat_slot, party("4A", 20, 1), also=(world.second_boat_slot,))
    db.session.get_one(Slot, world.boat_slot).max_party = 10
    db.session.commit()
    cancel(booked[0])
    assert state(either)[0] is Status.WAITING
    cancel(booked[1])
    assert state(either)[0] is Status.HELD
    assert fetch.booking(either).slot_id == world.second_boat_slot


def test_the_sweep_looks_beyond_those_whom_a_rule_keeps_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer_places, "MOST_LOOKED_AT", 2)
    booked = book(world.visit_slot, party("3A", 31))
    for label in ("4A", "4B", "4C"):
        wait(world.visit_slot, party(label, 20))
    last = wait(world.visit_slot, party("4D", 5))
    db.session.get_one(Slot, world.visit_slot).max_party = 10
    db.session.commit()
    cancel(booked)
    assert state(last)[0] is Status.WAITING, "one transaction looks at so many and no more"
    assert in_transaction(lambda: offer_what_is_free(world.visit_slot)) == 1
    assert state(last)[0] is Status.HELD
    assert db.session.scalars(select(Offer)).one().passed_over == 3


def test_who_joins_is_not_told_of_room_that_those_before_are_offered_first(world: World) -> None:
    booked = book(world.visit_slot, party("3A", 31))
    first = wait(world.visit_slot, party("4A", 31))
    db.session.get_one(Slot, world.visit_slot).opens_at = fetch.slot(world.visit_slot).closes_at
    db.session.commit()
    cancel(booked)  # nothing is offered while bookings are closed
    db.session.get_one(Slot, world.visit_slot).opens_at = None
    db.session.commit()
    second = wait(world.visit_slot, party("4B", 31))
    assert (state(first)[0], state(second)[0]) == (Status.HELD, Status.WAITING)
