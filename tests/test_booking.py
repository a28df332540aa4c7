"""Booking places: what is taken, held, confirmed, changed and given back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from booking import clock
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.expire_holds import due_holds, expire_hold
from booking.actions.limits import PER_RECIPIENT_AND_HOUR, Limiter
from booking.db import db, in_transaction
from booking.errors import AlreadyBooked, BookingClosed, IdempotencyKeyReused, Invalid, SlotFull, TooLate, TooMany, WrongState
from booking.models import Actor, Booking, HistoryEntry, Holding, Kind, Message, Party, Pool, Status, Who
from tests.world import World, a_class

UNLIMITED = Limiter(secret="s", network="127.0.0.1", on=False)


def book(slot_id: int, party: Party, key: str = "k", **more: Any) -> Booking:
    terms = Terms(**({"key": key, "locale": "fr", "limiter": UNLIMITED} | more))
    return in_transaction(lambda: book_places(slot_id, party, terms))


def taken(world_slot: int) -> list[int]:
    db.session.commit()
    from booking.queries import fetch

    return [pool.taken for pool in fetch.slot(world_slot).pools]


def kinds(booking: Booking) -> list[tuple[Kind, int]]:
    rows = db.session.scalars(select(Message).where(Message.booking_id == booking.id).order_by(Message.id))
    return [(row.kind, row.sequence) for row in rows]


def test_class_of_31_takes_31_places_and_adults_are_not_counted_on_land(world: World) -> None:
    booking = book(world.visit_slot, a_class(31, 3))
    assert (booking.places, booking.status) == (31, Status.HELD)
    assert taken(world.visit_slot) == [31]


def test_everybody_counts_aboard_and_every_pool_is_drawn_on(world: World) -> None:
    book(world.boat_slot, a_class(31, 3))
    assert taken(world.boat_slot) == [34, 34]
    assert taken(world.second_boat_slot) == [0, 34] or taken(world.second_boat_slot) == [34, 0]


def test_shared_pool_refuses_what_the_own_pool_would_allow(world: World) -> None:
    book(world.boat_slot, a_class(31, 3))
    with pytest.raises(SlotFull) as refused:
        book(world.second_boat_slot, a_class(25, 3, label="4e C"), "k2")
    assert (refused.value.remaining, refused.value.wanted) == (26, 28)
    assert sum(taken(world.second_boat_slot)) == 34


def test_a_32nd_pupil_is_refused_and_leaves_no_trace(world: World) -> None:
    book(world.visit_slot, a_class(30, 3))
    with pytest.raises(SlotFull) as refused:
        book(world.visit_slot, a_class(2, 1, label="3e C"), "k2")
    assert refused.value.remaining == 1
    for table in (Booking, Message, HistoryEntry, Holding):
        assert db.session.scalar(select(func.count()).select_from(table)) == 1


def test_the_conditional_update_refuses_even_when_the_page_saw_places(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from booking.models import Slot

    monkeypatch.setattr(Slot, "refusal_for", lambda *_args, **_named: None)
    with pytest.raises(SlotFull):
        book(world.visit_slot, a_class(32, 3))
    assert taken(world.visit_slot) == [0]


def test_unproven_address_holds_for_two_hours_and_is_asked_to_confirm(world: World, frozen: datetime) -> None:
    booking = book(world.visit_slot, a_class())
    assert booking.expires_at == frozen + timedelta(hours=2)
    assert kinds(booking) == [(Kind.BOOKING_TO_PROVE, 0)]


def test_mail_to_an_unproven_address_carries_none_of_the_visitors_text(world: World) -> None:
    booking = book(world.visit_slot, a_class(name="http://evil.example", school_name="Buy now", label="cheap", commune="pills"))
    message = db.session.scalars(select(Message)).one()
    assert booking.name not in str(message.facts)
    assert not {"Buy now", "cheap", "pills"} & set(str(message.facts).split("'"))


def test_proven_address_books_in_one_step_with_invitation_and_notice(world: World) -> None:
    booking = book(world.visit_slot, a_class(), proven=True)
    assert booking.status is Status.CONFIRMED
    assert kinds(booking) == [(Kind.BOOKING_CONFIRMED, 0), (Kind.HOST_BOOKING_CONFIRMED, 0)]


def test_the_same_request_twice_books_once(world: World) -> None:
    assert book(world.visit_slot, a_class()).id == book(world.visit_slot, a_class()).id
    assert taken(world.visit_slot) == [31]


def test_another_payload_under_the_same_key_is_refused(world: World) -> None:
    book(world.visit_slot, a_class(10))
    with pytest.raises(IdempotencyKeyReused):
        book(world.visit_slot, a_class(11))
    with pytest.raises(IdempotencyKeyReused):
        book(world.boat_slot, a_class(10))


def test_the_same_class_does_not_book_twice_under_two_keys(world: World) -> None:
    book(world.visit_slot, a_class(10))
    with pytest.raises(AlreadyBooked):
        book(world.visit_slot, a_class(12, label="3E  b", email="PROF@college.example"), "k2")
    assert book(world.visit_slot, a_class(12, label="3e C"), "k3").places == 12


def test_confirming_sends_the_invitation_once(world: World) -> None:
    booking = book(world.visit_slot, a_class())
    for _ in range(2):
        booking = in_transaction(lambda: confirm_booking(booking.reference))
    assert booking.status is Status.CONFIRMED
    assert kinds(booking) == [(Kind.BOOKING_TO_PROVE, 0), (Kind.BOOKING_CONFIRMED, 0), (Kind.HOST_BOOKING_CONFIRMED, 0)]


def test_changes_raise_sequence_and_stamp_with_every_mail(world: World) -> None:
    booking = book(world.visit_slot, a_class(20), proven=True)
    first = booking.calendar_stamp
    booking = in_transaction(lambda: change_headcount(booking.reference, "25", "3"))
    assert first is not None
    assert booking.calendar_stamp is not None
    assert booking.calendar_stamp > first
    booking = in_transaction(lambda: cancel_booking(booking.reference))
    assert [sequence for kind, sequence in kinds(booking) if not kind.startswith("host")] == [0, 1, 2]


def test_headcount_up_takes_places_and_down_frees_them(world: World) -> None:
    booking = book(world.boat_slot, a_class(20, 2))
    in_transaction(lambda: change_headcount(booking.reference, 30, 4))
    assert taken(world.boat_slot) == [34, 34]
    in_transaction(lambda: change_headcount(booking.reference, 10, 1))
    assert taken(world.boat_slot) == [11, 11]
    with pytest.raises(SlotFull):
        in_transaction(lambda: change_headcount(booking.reference, 40, 1))
    assert taken(world.boat_slot) == [11, 11]


def test_headcount_is_closed_48_hours_before(world: World) -> None:
    booking = book(world.visit_slot, a_class(20), proven=True)
    with clock.clock_at(datetime.fromisoformat("2026-11-22T13:30:00+00:00")), pytest.raises(TooLate):
        in_transaction(lambda: change_headcount(booking.reference, 21, 2))


@pytest.mark.parametrize(
    "numbers", [("0", "1"), ("-1", "1"), ("1000000000", "1"), ("", "1"), ("x", "1"), (True, 1), (20, None), (20, "0")]
)
def test_a_wrong_headcount_gets_a_problem_beside_its_field(world: World, numbers: tuple[object, object]) -> None:
    booking = book(world.visit_slot, a_class(20))
    with pytest.raises(Invalid):
        in_transaction(lambda: change_headcount(booking.reference, *numbers))


def test_cancelling_gives_the_places_back_exactly_once(world: World) -> None:
    booking = book(world.boat_slot, a_class(20, 2), proven=True)
    for _ in range(2):
        in_transaction(lambda: cancel_booking(booking.reference, why="grève"))
    assert taken(world.boat_slot) == [0, 0]
    assert kinds(booking)[2:] == [(Kind.BOOKING_CANCELLED, 1), (Kind.HOST_BOOKING_CANCELLED, 1)]


def test_who_was_never_invited_gets_no_cancellation(world: World) -> None:
    booking = book(world.visit_slot, a_class())
    in_transaction(lambda: cancel_booking(booking.reference))
    assert kinds(booking) == [(Kind.BOOKING_TO_PROVE, 0)]


def test_an_expired_hold_gives_back_and_tells_the_person(world: World, frozen: datetime) -> None:
    booking = book(world.visit_slot, a_class())
    assert due_holds() == []
    with clock.clock_at(frozen + timedelta(hours=2)):
        with pytest.raises(WrongState):
            in_transaction(lambda: confirm_booking(booking.reference))
        assert due_holds() == [booking.reference]
        assert in_transaction(lambda: expire_hold(booking.reference))
        assert not in_transaction(lambda: expire_hold(booking.reference))
    assert taken(world.visit_slot) == [0]
    assert kinds(booking)[1:] == [(Kind.BOOKING_EXPIRED, 0)]


def test_an_expired_party_books_again_without_waiting_for_the_worker(world: World, frozen: datetime) -> None:
    book(world.visit_slot, a_class())
    with clock.clock_at(frozen + timedelta(hours=3)):
        with pytest.raises(SlotFull):
            book(world.visit_slot, a_class(label="3e C"), "k2")
        assert book(world.visit_slot, a_class(), "k3").status is Status.HELD
    assert taken(world.visit_slot) == [31]


@pytest.mark.parametrize(
    ("at", "why"),
    [("2026-11-24T11:30:00+00:00", "too_late"), ("2026-11-24T13:30:00+00:00", "past"), ("2026-12-14T00:00:00+01:00", "archived")],
)
def test_a_closed_slot_says_why(world: World, at: str, why: str) -> None:
    with clock.clock_at(datetime.fromisoformat(at)), pytest.raises(BookingClosed) as refused:
        book(world.visit_slot, a_class())
    assert refused.value.why == why


def test_a_level_the_site_does_not_admit_is_refused_beside_its_field(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        book(world.visit_slot, a_class(level="6e"))
    assert refused.value.fields["level"].code == "level_not_admitted"


def test_a_stranger_cannot_flood_one_mailbox_but_a_proven_teacher_may_book_on(world: World) -> None:
    limiter = Limiter(secret="s", network="192.0.2.1")
    for n in range(PER_RECIPIENT_AND_HOUR):
        book(world.visit_slot, a_class(1, 1, label=str(n)), f"k{n}", limiter=limiter)
    with pytest.raises(TooMany):
        book(world.visit_slot, a_class(1, 1, label="x"), "kx", limiter=limiter)
    assert book(world.visit_slot, a_class(1, 1, label="y"), "ky", limiter=limiter, proven=True).status is Status.CONFIRMED


def test_counters_equal_sums(world: World) -> None:
    book(world.boat_slot, a_class(10, 1))
    book(world.second_boat_slot, a_class(12, 1, label="b"), "k2")
    rows = db.session.execute(select(Holding.pool_id, func.sum(Holding.places)).group_by(Holding.pool_id))
    sums = {row[0]: row[1] for row in rows}
    assert {pool.id: pool.taken for pool in db.session.scalars(select(Pool)) if pool.taken} == sums


def test_a_host_on_the_telephone_writes_to_no_stranger_without_end(world: World) -> None:
    on_the_telephone: dict[str, Any] = {
        "who": Who(Actor.HOST), "proven": True, "limiter": Limiter(secret="s", network="127.0.0.1", on=True)
    }  # fmt: skip
    for number in range(PER_RECIPIENT_AND_HOUR):
        book(world.boat_slot, a_class(1, 1, label=f"3e {number}"), f"k{number}", **on_the_telephone)
    with pytest.raises(TooMany):
        book(world.boat_slot, a_class(1, 1, label="3e Z"), "one more", **on_the_telephone)
    book(world.boat_slot, a_class(1, 1, label="3e Z", email="autre@college.example"), "another mailbox", **on_the_telephone)
