"""Pools: places for some audiences, limits several slots share, and what everybody is told about them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from booking import clock
from booking.actions.book_places import book_places
from booking.actions.change_headcount import change_headcount
from booking.actions.remove_pool import remove_pool
from booking.actions.set_capacity import set_capacity
from booking.actions.sweep_waiting import due_pools, open_pool
from booking.actions.write_pool import change_pool, write_pool
from booking.db import db, in_transaction
from booking.errors import CapacityTaken, Invalid, NotFound, PoolChanged, PoolInUse, SlotFull
from booking.models import (
    Audience,
    Event,
    HistoryEntry,
    Offer,
    Party,
    Pool,
    PoolKind,
    Publication,
    Role,
    Slot,
    Status,
    Wait,
)
from booking.models.pool import all_places, places_in, reserved_in
from booking.models.pool_words import pool_said
from booking.models.slot_words import say_moment
from booking.queries import doctor, fetch
from booking.queries.pool_preview import preview
from booking.queries.pools import picture
from booking.queries.room import room_by_slot
from tests.test_waiting_list import HOST, book, cancel, party, state, terms, wait
from tests.workspaces import manager_of
from tests.world import World, a_form

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


def test_pools_change_while_parties_book_change_and_cancel_and_every_place_is_counted_once(app: Flask, world: World) -> None:
    slots = world.boat_slot, world.second_boat_slot
    first = [book(slots[n % 2], party(f"first {n}", 2, 1)) for n in range(4)]

    def comes_and_goes(n: int) -> str:
        with app.app_context():
            try:
                reference = book(slots[n % 2], party(f"party {n}", 2, 1))
                in_transaction(lambda: change_headcount(reference, 4, 1))
                if n % 3 == 0:
                    cancel(reference)
            except SlotFull:
                return "full"
            return "came"

    def leaves(reference: str) -> str:
        with app.app_context():
            cancel(reference)
            return "left"

    def writes(n: int) -> str:
        with app.app_context():
            pool = make(world.boat, "shared", 70 + n, *slots[: n % 2 + 1])
            change(world.boat, pool, slots=[str(slots[1])], capacity="60")
            if n % 2:
                in_transaction(lambda: remove_pool(world.boat, pool, HOST))
            return "written"

    with ThreadPoolExecutor(6) as crowd:
        deeds = [crowd.submit(comes_and_goes, n) for n in range(9)]
        deeds += [crowd.submit(writes, n) for n in range(4)] + [crowd.submit(leaves, one) for one in first]
        answers = {deed.result(60) for deed in deeds}
    assert {"came", "written", "left"} <= answers <= {"came", "full", "written", "left"}


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


def text_of(client: FlaskClient, path: str, **more: Any) -> str:
    """What a page says, spaces made plain."""
    answer = client.get(path, **more)
    assert answer.status_code == 200, path
    plain = re.sub(r"<[^>]+>", " ", answer.text)
    return " ".join(plain.replace("\u00a0", " ").replace("&#39;", "’").split())


def test_every_page_tells_the_truth_for_everybody_and_for_the_press(world: World, client: FlaskClient) -> None:
    page, form = f"/events/{world.visit}", f"/slots/{world.visit_slot}/bookings/new"
    admit(world.visit, Audience.PRESS, Audience.OFFICIAL)
    book(world.visit_slot, party("3A", 31))
    assert "Complet (31 places)" in text_of(client, page)
    assert "Ce créneau est complet" in text_of(client, f"{form}?party=person")
    pool = make(world.visit, "reserved", 5, world.visit_slot, opens_at=opening(OPENS))
    said = text_of(client, page)
    assert "Complet, sauf des places réservées + 5 pour la presse, ouvertes à tous le vendredi 20 novembre à 18 h" in said
    assert f'href="{form}?party=person"' in client.get(page).text
    alone = text_of(client, f"{form}?party=person")
    assert "Journaliste (5 places libres)" in alone
    assert "Élue ou élu (complet)" in alone
    assert "Ce créneau est complet" in text_of(client, form)
    answer = client.post(
        f"/slots/{world.visit_slot}/bookings",
        data={"audience": "press", "name": "Ada", "email": "ada@journal.example", "key": "one"},
    )
    assert answer.status_code == 303
    assert "Journaliste (4 places libres)" in text_of(client, f"{form}?party=person")
    change(world.visit, pool, audiences=["press", "official"], capacity="4")
    assert "+ 3 pour la presse et les élus" in text_of(client, page)
    with at(LAST_MOMENT):
        assert "+ 3 pour la presse et les élus" in text_of(client, page)
    with at(OPENS):
        assert "3 places libres sur 35" in text_of(client, page), "no worker has run"
        assert "pour la presse" not in text_of(client, page)
        assert "3 places libres" in text_of(client, form)
        assert client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(pupils=3, label="4C")).status_code == 303


def test_a_host_on_the_telephone_finds_the_places_of_the_press_too(app: Flask, world: World) -> None:
    admit(world.visit, Audience.PRESS, Audience.OFFICIAL)
    book(world.visit_slot, party("3A", 31))
    make(world.visit, "reserved", 5, world.visit_slot)
    client = manager_of(app, world.port).client
    form = f"/workspace/slots/{world.visit_slot}/bookings/new"
    assert "Journaliste (5 places libres)" in text_of(client, f"{form}?party=person")
    assert "toutes les places sont prises" in text_of(client, form)


def test_levels_whose_places_differ_say_each_number(world: World, client: FlaskClient) -> None:
    make(world.visit, "reserved", 10, world.visit_slot, audiences=["lycee"])
    form = text_of(client, f"/slots/{world.visit_slot}/bookings/new")
    assert "3e (31 places libres)" in form
    assert "2de (41 places libres)" in form
    assert "De 31 à 41 places libres, selon le niveau" in form
    refused = client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(pupils=35))
    assert refused.status_code == 409
    assert "Vous pouvez venir à 31" in refused.text
    assert client.post(f"/slots/{world.visit_slot}/bookings", data=a_form(pupils=35, level="2de")).status_code == 303


def test_programs_read_what_is_left_for_everybody_and_what_is_reserved(world: World, client: FlaskClient) -> None:
    admit(world.visit, Audience.PRESS)
    make(world.visit, "reserved", 5, world.visit_slot, opens_at=opening(OPENS))
    slot = client.get(f"/api/v1/slots/{world.visit_slot}").get_json()
    assert (slot["capacity"], slot["remaining"], slot["taken"]) == (36, 31, 0)
    assert slot["reserved"] == [{"audiences": ["press"], "remaining": 5, "opens_at": "2026-11-20T17:00:00Z"}]
    with at(OPENS):
        slot = client.get(f"/api/v1/slots/{world.visit_slot}").get_json()
        assert (slot["remaining"], slot["reserved"]) == (36, [])


# The company's picture


def test_a_number_is_tried_before_it_is_saved_and_does_what_was_said(app: Flask, world: World) -> None:
    staff = manager_of(app, world.port)
    page = f"/workspace/events/{world.visit}/places"
    first = book(world.visit_slot, party("3A", 31))
    whole, part, third = (
        wait(world.visit_slot, party("4A", 20)), wait(world.visit_slot, party("4B", 9), 4), wait(world.visit_slot, party("4C", 7)),
    )  # fmt: skip
    pool = own(world.visit_slot).id
    low = text_of(staff.client, f"{page}?pool={pool}&capacity=20")
    assert "il en faut au moins 31" in low
    assert f"{first} : 31 places, 3A, Collège du Port" in low
    high = text_of(staff.client, f"{page}?pool={pool}&capacity=56")
    assert "25 places libres de plus (0 → 25)" in high
    assert f"20 places, mardi 24 novembre, 14 h 30 : {whole} , 4A" in high
    assert f"5 places sur 9 demandées, mardi 24 novembre, 14 h 30 : {part} , 4B" in high
    assert "1 groupe attendrait encore." in high
    assert third not in high
    for off in ("0", "beaucoup", "99999999"):
        assert "Une réponse est à revoir" in text_of(staff.client, f"{page}?pool={pool}&capacity={off}")
    assert "Une réponse est à revoir" in text_of(staff.client, f"{page}?pool=999&capacity=5")
    assert [state(one)[0] for one in (whole, part, third)] == [Status.WAITING] * 3, "trying changes nothing"
    in_transaction(lambda: set_capacity(world.visit_slot, {"capacity": "56"}, HOST))
    assert [state(one) for one in (whole, part, third)] == [(Status.HELD, 20), (Status.HELD, 5), (Status.WAITING, 7)]


def test_a_preview_is_what_then_happens_on_many_random_queues(world: World) -> None:
    draw = random.Random(11)
    day = db.session.scalars(select(Pool).where(Pool.key == "boat-day")).one().id
    slots = (world.boat_slot, world.second_boat_slot)
    admit(world.boat, Audience.PRESS)
    make(world.boat, "reserved", 3, world.boat_slot)
    for slot in slots:
        book(slot, party(f"full {slot}", 28, 2))
    names = {}
    for n in range(14):
        size = draw.randint(2, 14)
        at_least, both = draw.choice([None, draw.randint(1, size)]), draw.random() < 0.4
        slot, other = draw.sample(slots, 2)
        names[wait(slot, party(f"w{n}", size, draw.randint(1, 3)), at_least, (other,) if both else ())] = n
    for capacity in (66, 71, 90):
        db.session.rollback()
        found = preview(picture(db.session.get_one(Event, world.boat)).pools[day], capacity, clock.now())
        expected = [(one.wait.booking_id, one.slot.id, one.places) for one in found.would_get]
        last = db.session.scalar(select(func.max(Offer.id))) or 0
        change(world.boat, day, capacity=str(capacity))
        made = select(Offer.booking_id, Offer.slot_id, Offer.places).where(Offer.id > last).order_by(Offer.id)
        assert [tuple(row) for row in db.session.execute(made)] == expected
        assert expected
        waiting = db.session.scalars(select(Wait.booking_id).distinct()).all()
        assert found.still_waiting == len(waiting)


def test_a_host_shares_and_reserves_places_on_pages(app: Flask, world: World) -> None:
    client = manager_of(app, world.port).client
    page = f"/workspace/events/{world.boat}/places"
    assert "A · 60 places sur le bateau vendredi (60)" in text_of(client, page)
    shared = {"key": "k", "kind": "shared", "name": "Quai", "capacity": "30", "slots": [world.boat_slot]}
    off = client.post(f"{page}/new", data=shared | {"capacity": "peu", "name": ""})
    assert off.status_code == 422
    assert 'id="capacity-wrong"' in off.text
    assert 'id="name-wrong"' in off.text
    for _ in range(2):
        assert client.post(f"{page}/new", data=shared).status_code == 303
    pool = db.session.scalars(select(Pool).where(Pool.name == "Quai")).one().id
    reference = book(world.boat_slot, party("3A", 20, 2))
    said = text_of(client, page)
    assert "B Quai" in said
    assert "8 places libres sur 30 (22 confirmées)" in said
    assert reference in said
    seen = str(said_of(pool)["seen"])
    low = client.post(f"{page}/{pool}", data=shared | {"capacity": "20", "seen": seen})
    assert low.status_code == 409
    assert reference in low.text
    change(world.boat, pool, name="Quai nord")
    stale = client.post(f"{page}/{pool}", data=shared | {"seen": seen})
    assert "Quelqu’un a modifié ces places" in stale.text
    again = str(said_of(pool)["seen"])
    assert again in stale.text, "sent once more, it is meant"
    assert 'value="45"' in client.get(f"{page}/{pool}?capacity=45").text
    assert client.post(f"{page}/{pool}/removal").status_code == 303
    assert client.get(f"{page}/{pool}").status_code == 404


def test_who_only_reads_sees_the_picture_and_writes_nothing_and_others_see_nothing(app: Flask, world: World) -> None:
    page = f"/workspace/events/{world.boat}/places"
    day = db.session.scalars(select(Pool).where(Pool.key == "boat-day")).one().id
    reader = manager_of(app, world.port, "lit@port.example", Role.READER).client
    said = reader.get(page)
    assert said.status_code == 200
    assert f"{page}/{day}" not in said.text
    assert reader.get(f"{page}/{day}").status_code == 404
    assert reader.post(f"{page}/new", data={}).status_code == 404
    manager = manager_of(app, world.port).client
    assert manager.get(f"/workspace/events/{world.visit}/places/{day}").status_code == 404, "not that event's"
    dating = db.session.get_one(Slot, world.dating_slot)
    agency = manager_of(app, dating.event.host_id, "agence@agence.example").client
    for path in (page, f"{page}/new", f"{page}/{day}"):
        assert agency.get(path).status_code == 404
    foreign = {"kind": "shared", "name": "x", "capacity": "9", "slots": [world.boat_slot], "key": "k"}
    assert agency.post(f"/workspace/events/{world.dating}/places/new", data=foreign).status_code == 422
