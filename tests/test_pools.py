"""Pools: places for some audiences, limits several slots share, and what everybody is told about them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking import clock
from booking.actions.book_places import book_places
from booking.actions.change_headcount import change_headcount
from booking.actions.remove_pool import remove_pool
from booking.actions.sweep_waiting import due_pools, open_pool
from booking.actions.write_pool import change_pool, write_pool
from booking.db import db, in_transaction
from booking.errors import CapacityTaken, Invalid, NotFound, PoolChanged, PoolInUse, SlotFull
from booking.models import (
    Audience,
    Event,
    HistoryEntry,
    Party,
    Pool,
    PoolKind,
    Publication,
    Slot,
    Status,
)
from booking.models.pool import all_places, places_in, reserved_in
from booking.models.pool_words import pool_said
from booking.models.slot_words import say_moment
from booking.queries import doctor, fetch
from booking.queries.room import room_by_slot
from tests.test_waiting_list import HOST, book, cancel, party, state, terms, wait
from tests.world import World

OPENS = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
"""Friday, 18:00 in Paris."""
LAST_MOMENT = OPENS - timedelta(microseconds=1)


@pytest.fixture
def world(world: World) -> Iterator[World]:
    """The world, in which every rule holds at the end of each test."""
    yield world
    db.session.rollback()
    assert [finding for finding in doctor.examine() if finding.broken] == []


def raw(kind: str, capacity: int, slots: tuple[int, ...], **more: Any) -> dict[str, object]:
    of_kind = {"audiences": ["press"]} if kind == "reserved" else {}
    return {"kind": kind, "name": "Presse", "capacity": str(capacity), "slots": [str(one) for one in slots]} | of_kind | more


def make(event: int, kind: str, capacity: int, *slots: int, **more: Any) -> int:
    return in_transaction(lambda: write_pool(event, raw(kind, capacity, slots, **more), f"key-{random.random()}", HOST)).id


def change(event: int, pool: int, **more: Any) -> None:
    said = said_of(pool) | more
    in_transaction(lambda: change_pool(event, pool, said, str(said["seen"]), HOST))


def said_of(pool_id: int) -> dict[str, object]:
    pool = fresh(pool_id)
    drawing = db.session.scalars(select(Slot).join(Slot.pools).where(Pool.id == pool_id))
    return pool_said(pool, [slot.id for slot in drawing])


def fresh(pool_id: int) -> Pool:
    db.session.rollback()
    return db.session.get_one(Pool, pool_id, populate_existing=True)


def own(slot_id: int) -> Pool:
    db.session.rollback()
    return next(pool for pool in fetch.slot(slot_id).pools if pool.kind is PoolKind.OWN)


def journalist(name: str) -> Party:
    return Party(audience="press", email=f"{name}@journal.example", name=name)


def come(slot_id: int, who: Party) -> str:
    return in_transaction(lambda: book_places(slot_id, who, terms(f"{who.name}-{who.label}"))).reference


def admit(event_id: int, *audiences: Audience) -> None:
    event = db.session.get_one(Event, event_id)
    event.audiences = (*event.audiences, *audiences)
    db.session.commit()


def at(instant: datetime) -> Any:
    return clock.clock_at(instant)


def opening(instant: datetime | None) -> str:
    return say_moment(instant) if instant else ""


# The verbs


def test_the_press_has_its_five_places_until_they_open_to_everybody_to_the_second(world: World) -> None:
    admit(world.visit, Audience.PRESS)
    pool = make(world.visit, "reserved", 5, world.visit_slot, opens_at=opening(OPENS))
    slot = fetch.slot(world.visit_slot)
    assert [slot.places_left(frozenset(whom)).remaining for whom in ((), ("press",), ("college",))] == [31, 36, 31]
    assert [(one.audiences, one.remaining, one.opens_at) for one in slot.reserved_left] == [(("press",), 5, OPENS)]
    come(world.visit_slot, journalist("Ada"))
    assert (fresh(pool).taken, own(world.visit_slot).taken) == (1, 0), "who has places of their own takes those first"
    with pytest.raises(SlotFull) as full:
        book(world.visit_slot, party("3A", 32))
    assert full.value.remaining == 31
    with at(LAST_MOMENT), pytest.raises(SlotFull):
        book(world.visit_slot, party("3A", 32))
    with at(OPENS):
        spanning = book(world.visit_slot, party("3A", 32))
        assert (fresh(pool).taken, own(world.visit_slot).taken) == (2, 31), "the own ones first, then what has opened"
        assert fetch.slot(world.visit_slot).reserved_left == []
        in_transaction(lambda: change_headcount(spanning, 30, 3))
        assert (fresh(pool).taken, own(world.visit_slot).taken) == (1, 30), "given back in the opposite order"
        cancel(spanning)
        assert (fresh(pool).taken, own(world.visit_slot).taken) == (1, 0)


def test_what_opens_by_time_is_offered_by_the_worker_to_those_who_wait(world: World) -> None:
    admit(world.visit, Audience.PRESS)
    pool = make(world.visit, "reserved", 5, world.visit_slot, opens_at=opening(OPENS))
    book(world.visit_slot, party("3A", 31))
    waiting = wait(world.visit_slot, party("4A", 5))
    with at(LAST_MOMENT):
        assert due_pools() == []
    with at(OPENS):
        assert due_pools() == [pool]
        assert in_transaction(lambda: open_pool(pool))
        assert state(waiting) == (Status.HELD, 5)
        assert fresh(pool).opened_at == OPENS
        change(world.visit, pool, opens_at=opening(OPENS + timedelta(days=1)))
        assert fresh(pool).opened_at is None, "it will open once more"
    with at(OPENS + timedelta(days=1)):
        assert due_pools() == [pool]


def test_a_pool_that_opens_in_the_past_or_grows_is_offered_at_once(world: World, frozen: datetime) -> None:
    admit(world.visit, Audience.PRESS)
    book(world.visit_slot, party("3A", 31))
    first, second = wait(world.visit_slot, party("4A", 5)), wait(world.visit_slot, party("4B", 2))
    pool = make(world.visit, "reserved", 5, world.visit_slot)
    assert state(first)[0] is Status.WAITING
    change(world.visit, pool, opens_at=opening(frozen - timedelta(days=2)))
    assert fresh(pool).opens_at == fresh(pool).opened_at == frozen, "what is past means now"
    assert state(first) == (Status.HELD, 5)
    change(world.visit, pool, capacity="7")
    assert fresh(pool).opens_at == frozen, "the form's minutes do not open it anew"
    assert state(second) == (Status.HELD, 2)


def test_a_shared_pool_binds_who_has_booked_already_all_or_nothing(world: World) -> None:
    one, other = book(world.boat_slot, party("3A", 20, 2)), book(world.second_boat_slot, party("3B", 10, 2))
    with pytest.raises(CapacityTaken) as refused:
        make(world.boat, "shared", 33, world.boat_slot, world.second_boat_slot)
    assert (refused.value.smallest, refused.value.bookings) == (34, ((one, 22), (other, 12)))
    assert db.session.scalars(select(Pool).where(Pool.name == "Presse")).all() == []
    pool = make(world.boat, "shared", 34, world.boat_slot)
    assert fresh(pool).taken == 22
    change(world.boat, pool, slots=[str(world.boat_slot), str(world.second_boat_slot)])
    assert fresh(pool).taken == 34
    with pytest.raises(SlotFull):
        book(world.second_boat_slot, party("3C", 1, 1))
    waiting = wait(world.second_boat_slot, party("3C", 5, 1))
    with pytest.raises(CapacityTaken) as refused:
        change(world.boat, pool, capacity="30")
    assert (refused.value.smallest, len(refused.value.bookings)) == (34, 2)
    change(world.boat, pool, slots=[str(world.second_boat_slot)], capacity="12")
    assert fresh(pool).taken == 12, "the place the first tour held is given back"
    assert state(waiting)[0] is Status.WAITING
    change(world.boat, pool, slots=[])
    assert (fresh(pool).taken, state(waiting)) == (0, (Status.HELD, 6)), (
        "its slot is bound by nothing more: it is offered a place"
    )
    in_transaction(lambda: remove_pool(world.boat, pool, HOST))
    assert db.session.get(Pool, pool) is None


def test_removing_a_shared_pool_offers_what_it_kept_back(world: World) -> None:
    pool = make(world.boat, "shared", 12, world.boat_slot)
    book(world.boat_slot, party("3A", 10, 2))
    waiting = wait(world.boat_slot, party("3B", 10, 2))
    in_transaction(lambda: remove_pool(world.boat, pool, HOST))
    assert state(waiting) == (Status.HELD, 12)
    with pytest.raises(NotFound):
        in_transaction(lambda: remove_pool(world.boat, pool, HOST))


def test_a_reserved_place_stays_with_who_has_it(world: World) -> None:
    admit(world.visit, Audience.PRESS)
    pool = make(world.visit, "reserved", 5, world.visit_slot)
    held = come(world.visit_slot, journalist("Ada"))
    for act in (
        lambda: change(world.visit, pool, slots=[]),
        lambda: in_transaction(lambda: remove_pool(world.visit, pool, HOST)),
    ):
        with pytest.raises(PoolInUse) as refused:
            act()
        assert refused.value.bookings == ((held, 1),)
    come(world.visit_slot, journalist("Bo"))
    with pytest.raises(CapacityTaken):
        change(world.visit, pool, capacity="1")
    change(world.visit, pool, capacity="2")
    cancel(held)
    come(world.visit_slot, journalist("Cy"))
    assert (fresh(pool).taken, own(world.visit_slot).taken) == (2, 0)


def test_slots_of_an_event_inside_draw_on_its_parents_places(world: World) -> None:
    pool = make(world.debate, "shared", 25, world.visit_slot, world.debate_slot, name="Entrées du port")
    with pytest.raises(SlotFull) as full:
        book(world.visit_slot, party("3A", 31))
    assert full.value.remaining == 25
    book(world.visit_slot, party("3A", 20))
    assert (fresh(pool).taken, own(world.visit_slot).taken) == (20, 20)
    assert fetch.slot(world.debate_slot).remaining == 5
    with pytest.raises(NotFound):
        change(world.visit, pool)  # it is the debate's
    with pytest.raises(Invalid) as invalid:
        change(world.debate, pool, slots=[str(world.boat_slot)])
    assert set(invalid.value.fields) == {"slots"}


def test_what_is_off_is_said_by_field_and_nobody_overwrites_what_they_have_not_seen(world: World) -> None:
    with pytest.raises(Invalid) as invalid:
        make(world.visit, "reserved", 0, world.dating_slot, name=" ", audiences=[], opens_at="demain")
    assert set(invalid.value.fields) == {"name", "capacity", "audiences", "opens_at"}
    with pytest.raises(Invalid) as invalid:
        make(world.visit, "reserved", 5, world.dating_slot)
    assert {name: problem.code for name, problem in invalid.value.fields.items()} == {
        "slots": "not_a_choice", "audiences": "audience_not_admitted",
    }  # fmt: skip
    fields = raw("shared", 40, (world.visit_slot,))
    twice = [in_transaction(lambda: write_pool(world.visit, fields, "one form", HOST)).id for _ in range(2)]
    assert twice[0] == twice[1]
    seen = said_of(twice[0])
    change(world.visit, twice[0], capacity="35")
    with pytest.raises(PoolChanged):
        in_transaction(lambda: change_pool(world.visit, twice[0], seen, str(seen["seen"]), HOST))
    lines = db.session.scalars(select(HistoryEntry).where(HistoryEntry.subject_id == twice[0]).order_by(HistoryEntry.id)).all()
    assert [line.action for line in lines] == ["pool_written", "pool_drawn", "pool_changed"]
    assert lines[2].details["changes"] == {"capacity": [40, 35]}


# The truth for everybody


def test_sql_and_python_count_the_same_on_many_random_pools(world: World) -> None:
    draw = random.Random(7)
    words = ["college", "lycee", "press", "public"]
    now = clock.now()
    event = db.session.get_one(Event, world.visit)
    event.publication = Publication.DRAFT
    slots = []
    for _ in range(120):
        pools = []
        for kind in draw.choices(list(PoolKind), k=draw.randint(0, 4)):
            capacity = draw.randint(0, 30)
            reserved = kind is PoolKind.RESERVED
            opens_at = draw.choice([None, now, now - timedelta(hours=1), now + timedelta(hours=1)]) if reserved else None
            audiences = tuple(draw.sample(words, draw.randint(1, 3))) if reserved else ()
            pools.append(Pool(kind=kind, capacity=capacity, audiences=audiences, opens_at=opens_at))
        starts_at = now + timedelta(days=9)
        slots.append(
            Slot(
                event=event, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), pools=pools, closes_at=starts_at,
                headcount_until=starts_at, cancel_until=starts_at,
            )
        )  # fmt: skip
    db.session.add_all(slots)
    db.session.commit()
    for whom in (frozenset[str](), frozenset({"press"}), frozenset({"college", "lycee"}), None):
        rows = db.session.execute(room_by_slot(whom, now)).all()
        counted = {row.slot_id: row.remaining for row in rows}
        for slot in slots:
            left = all_places(slot.pools) if whom is None else places_in(slot.pools, whom, now)
            assert max(0, counted.get(slot.id, 0)) == left.remaining, [(p.kind, p.capacity, p.audiences) for p in slot.pools]
    db.session.rollback()


def test_what_is_reserved_is_said_within_the_limits() -> None:
    now = datetime(2026, 11, 16, tzinfo=UTC)
    pools = [
        Pool(id=1, kind=PoolKind.OWN, capacity=10, taken=4, audiences=()),
        Pool(id=2, kind=PoolKind.RESERVED, capacity=5, taken=1, audiences=("press",), opens_at=OPENS),
        Pool(id=3, kind=PoolKind.RESERVED, capacity=3, taken=0, audiences=("press",), opens_at=OPENS),
        Pool(id=4, kind=PoolKind.RESERVED, capacity=3, taken=3, audiences=("official",)),
    ]
    assert [tuple(one) for one in reserved_in(pools, now)] == [(("press",), 7, OPENS)]
    assert reserved_in(pools, OPENS) == []
    bound = [*pools, Pool(id=5, kind=PoolKind.SHARED, capacity=8, taken=0, audiences=())]
    assert [one.remaining for one in reserved_in(bound, now)] == [2], "6 are for everybody, and only 8 may come"
