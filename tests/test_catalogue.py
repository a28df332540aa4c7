"""The catalogue: what is found, in which order, with how many statements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import insert, text, update

from booking import clock
from booking.db import add_rows, db
from booking.errors import NotFound
from booking.models import Audience, Edition, Event, EventType, Pool, Publication, Slot, slot_pools
from booking.models.event import plain
from booking.queries import catalogue
from booking.queries.catalogue import Filters
from tests.world import World

TUESDAY, THURSDAY, FRIDAY = date(2026, 11, 24), date(2026, 11, 26), date(2026, 11, 27)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement sent inside the block, BEGIN and COMMIT aside."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "PRAGMA")):
            sent.append(statement)

    sqlalchemy_event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sqlalchemy_event.remove(db.engine, "before_cursor_execute", note)


def found(world: World, **more: Any) -> set[str]:
    return {one.event.key for one in catalogue.search(Filters(world.edition, **more)).found}


def change(table: Any, identity: int, **values: Any) -> None:
    db.session.execute(update(table).where(table.id == identity).values(**values))
    db.session.commit()


def fill(slot_id: int, remaining: int) -> None:
    """Leave so many places on a slot's first pool."""
    db.session.commit()
    slot = db.session.get(Slot, slot_id)
    assert slot is not None
    change(Pool, slot.pools[0].id, taken=slot.pools[0].capacity - remaining)


def more_events(world: World, count: int) -> None:
    """So many workshops of three slots each, written as rows: as objects they would take seconds."""
    events, slots = [], []
    for n in range(count):
        events.append({
            "id": 1000 + n, "edition_id": world.edition, "host_id": world.port, "key": f"more-{n}", "title": f"Atelier {n:04}",
            "type": EventType.WORKSHOP, "audiences": (Audience.COLLEGE,), "publication": Publication.PUBLISHED,
            "commune": "Colombes", "search_text": plain(f"Atelier {n}"), "updated_at": clock.now(),
        })  # fmt: skip
        for hours in range(3):
            begins = datetime(2026, 11, 25, 8 + hours, tzinfo=UTC) + timedelta(minutes=n)
            ends = {"starts_at": begins, "ends_at": begins + timedelta(hours=1)}
            until = dict.fromkeys(("closes_at", "headcount_until", "cancel_until"), begins)
            slots.append({"id": 1000 + 3 * n + hours, "event_id": 1000 + n, **ends, **until})
    add_rows(Event, events)
    add_rows(Slot, slots)
    add_rows(Pool, [{"id": slot["id"], "capacity": 30} for slot in slots])
    db.session.execute(insert(slot_pools), [{"slot_id": slot["id"], "pool_id": slot["id"]} for slot in slots])
    db.session.commit()


def test_everything_published_is_found_and_the_soonest_bookable_comes_first(world: World) -> None:
    page = catalogue.search(Filters(world.edition))
    assert [one.event.key for one in page.found] == ["debate", "visit", "dating", "boat"]
    assert (page.total, page.page, page.pages) == (4, 1, 1)
    fill(world.debate_slot, 0)
    assert [one.event.key for one in catalogue.search(Filters(world.edition)).found] == ["visit", "dating", "boat", "debate"]


@pytest.mark.parametrize("publication", [Publication.DRAFT, Publication.WITHDRAWN])
def test_what_is_not_published_is_nowhere(world: World, publication: Publication) -> None:
    change(Event, world.visit, publication=publication)
    assert found(world) == {"debate", "boat", "dating"}
    assert "visit" not in {one.event.key for one in catalogue.with_room(world.edition)}
    assert catalogue.event_days(db.session.get_one(Edition, world.edition))[TUESDAY] == 1
    assert catalogue.event(world.debate).children == []
    with pytest.raises(NotFound):
        catalogue.event(world.visit)


def test_a_child_does_not_show_a_parent_that_is_not_published(world: World) -> None:
    assert catalogue.event(world.visit).parent is not None
    change(Event, world.debate, publication=Publication.DRAFT)
    assert catalogue.event(world.visit).parent is None


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("port fleuve", {"boat"}),
        ("FLEUVE", {"boat"}),
        ("réunion", {"debate"}),
        ("reunion-debat", {"debate"}),
        ("l’emploi", {"dating"}),
        ("l'emploi", {"dating"}),
        ("gennevilliers", {"debate", "visit", "boat", "dating"}),
        ("port absent", set()),
        ("%", set()),
        ("_", set()),
        ("\\", set()),
        ("fleuve\x00", {"boat"}),
        ("\ud800", {"debate", "visit", "boat", "dating"}),
        ("fleuve " + "x" * 10_000, set()),
        ("fleuve " * 10_000, {"boat"}),
    ],
)
def test_every_word_must_occur_whatever_its_accents_and_case(world: World, words: str, keys: set[str]) -> None:
    assert found(world, words=words) == keys


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"day": TUESDAY}, {"debate", "visit"}),
        ({"day": date(2026, 11, 25)}, set()),
        ({"day": date.min}, set()),
        ({"day": date.max}, set()),
        ({"commune": "Gennevilliers"}, {"debate", "visit", "boat", "dating"}),
        ({"commune": "Nanterre\x00"}, set()),
        ({"type": "company_visit"}, {"visit", "boat"}),
        ({"type": "no such type"}, set()),
        ({"audience": "school"}, {"visit", "boat"}),
        ({"audience": "public"}, {"debate", "boat"}),
        ({"audience": "|"}, set()),
        ({"level": "3e"}, {"visit", "boat"}),
        ({"level": "6e"}, {"boat"}),
        ({"level": "CAP"}, set()),
        ({"level": "3"}, set()),
        ({"places": 31}, {"visit", "debate", "boat"}),
        ({"places": 32}, {"debate", "boat"}),
        ({"places": 10**30}, set()),
        ({"places": 31, "day": FRIDAY, "audience": "school", "words": "port"}, {"boat"}),
    ],
)
def test_each_filter_narrows_and_they_add_up(world: World, filters: dict[str, Any], keys: set[str]) -> None:
    assert found(world, **filters) == keys


def test_a_day_is_a_day_in_paris(world: World) -> None:
    change(Slot, world.dating_slot, starts_at=datetime(2026, 11, 25, 23, 0, tzinfo=UTC))
    assert found(world, day=THURSDAY) == {"dating"}
    change(Slot, world.dating_slot, starts_at=datetime(2026, 11, 25, 22, 59, 59, 999_999, tzinfo=UTC))
    assert found(world, day=THURSDAY) == set()


def test_a_shared_pool_counts_as_much_as_the_slots_own(world: World) -> None:
    db.session.commit()
    shared = max(db.session.get_one(Slot, world.boat_slot).pools, key=lambda pool: pool.capacity)
    change(Pool, shared.id, taken=40)
    assert "boat" in found(world, places=20)
    assert "boat" not in found(world, places=21)


def test_places_and_day_must_hold_for_the_same_slot(world: World) -> None:
    change(Slot, world.second_boat_slot, starts_at=datetime(2026, 11, 26, 13, 0, tzinfo=UTC))
    fill(world.second_boat_slot, 3)
    assert found(world, day=THURSDAY, places=31) == set()
    assert found(world, day=FRIDAY, places=31) == {"boat"}


CLOSINGS: list[tuple[str, dict[str, Any]]] = [
    ("slot", {"cancelled_at": datetime(2026, 11, 1, tzinfo=UTC)}),
    ("slot", {"opens_at": datetime(2026, 11, 17, tzinfo=UTC)}),
    ("slot", {"closes_at": datetime(2026, 11, 16, 9, tzinfo=UTC)}),
    ("slot", {"starts_at": datetime(2026, 11, 16, 9, tzinfo=UTC)}),
    ("slot", {"max_party": 9}),
    ("event", {"cancelled_at": datetime(2026, 11, 1, tzinfo=UTC)}),
    ("edition", {"label_from": date(2026, 11, 2), "label_until": date(2026, 11, 15), "starts_on": date(2026, 11, 9), "ends_on": date(2026, 11, 15)}),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "values"), CLOSINGS)
def test_the_database_and_the_slot_agree_on_what_can_be_booked(world: World, thing: str, values: dict[str, Any]) -> None:
    ten = Filters(world.edition, places=10)
    assert next(one for one in catalogue.search(ten).found if one.event.key == "dating").next_slot
    table, identity = {"slot": (Slot, world.dating_slot), "event": (Event, world.dating), "edition": (Edition, world.edition)}[
        thing
    ]
    change(table, identity, **values)
    assert "dating" not in {one.event.key for one in catalogue.search(ten).found}
    listed = next(one for one in catalogue.search(replace(ten, places=None)).found if one.event.key == "dating")
    slot = listed.event.slots[0]
    assert slot.closed_because() or (slot.max_party or 0) < 10
    assert listed.next_slot is (slot if slot.starts_at > clock.now() and not slot.cancelled_at else None)


def test_the_next_slot_is_the_first_that_can_be_booked_else_the_first_to_come(world: World) -> None:
    def boat(**more: Any) -> Slot | None:
        return next(one for one in catalogue.search(Filters(world.edition, **more)).found if one.event.key == "boat").next_slot

    first, second = boat(), db.session.get(Slot, world.second_boat_slot)
    assert first is not None
    assert first.id == world.boat_slot
    own = min(first.pools, key=lambda pool: pool.capacity)
    change(Pool, own.id, taken=30)
    assert boat(places=10) is first
    assert boat(places=11) is second
    change(Pool, max(first.pools, key=lambda pool: pool.capacity).id, taken=60)
    assert boat() is first


def test_pages_part_what_was_found_and_forgive_a_page_past_the_end(world: World) -> None:
    more_events(world, 9)
    pages = [catalogue.search(Filters(world.edition), page, per_page=5) for page in (1, 2, 3)]
    assert [(page.total, page.pages, len(page.found)) for page in pages] == [(13, 3, 5), (13, 3, 5), (13, 3, 3)]
    assert len({one.event.id for page in pages for one in page.found}) == 13
    assert catalogue.search(Filters(world.edition), 10**30, per_page=5).page == 3
    assert catalogue.search(Filters(world.edition), -1, per_page=0).page == 1
    nothing = catalogue.search(Filters(world.edition, words="absent"))
    assert (nothing.total, nothing.page, nothing.pages, nothing.found) == (0, 1, 1, [])


@pytest.mark.parametrize("count", [1, 3, 50])
def test_a_list_costs_four_statements_for_one_event_and_for_fifty(world: World, count: int) -> None:
    more_events(world, count)
    db.session.remove()
    with statements() as sent:
        page = catalogue.search(Filters(world.edition, commune="Colombes"), per_page=50)
        for one in page.found:
            assert one.event.host.name
            assert one.event.edition.key
            assert one.event.label is None
            assert [slot.closed_because() for slot in one.event.slots] == [None] * 3
            assert [slot.remaining for slot in one.event.slots] == [30] * 3
    assert (len(page.found), len(sent)) == (count, 4)


def test_one_event_with_everything_costs_four_statements(world: World) -> None:
    db.session.remove()
    with statements() as sent:
        event = catalogue.event(world.debate)
        assert event.parent is None
        assert [child.key for child in event.children] == ["visit"]
        assert [slot.remaining for slot in event.slots] == [120]
        assert (event.host.key, event.edition.key, event.label) == ("port", "2026", None)
    assert len(sent) == 4


@pytest.mark.parametrize("unknown", [0, -1, 999_999, 10**30])
def test_an_unknown_event_is_not_found(world: World, unknown: int) -> None:
    with pytest.raises(NotFound):
        catalogue.event(unknown)


def test_days_count_events_not_slots_and_leave_cancelled_ones_out(world: World) -> None:
    edition = db.session.get_one(Edition, world.edition)
    assert catalogue.event_days(edition) == {TUESDAY: 2, THURSDAY: 1, FRIDAY: 1}
    change(Slot, world.dating_slot, cancelled_at=clock.now())
    change(Event, world.visit, cancelled_at=clock.now())
    assert catalogue.event_days(edition) == {TUESDAY: 1, FRIDAY: 1}


def test_filter_lists_hold_what_is_in_use(world: World) -> None:
    more_events(world, 1)
    change(Event, world.dating, commune="Évry")
    assert catalogue.communes(world.edition) == ["Colombes", "Évry", "Gennevilliers"]
    assert catalogue.types_in_use(world.edition) == ["company_visit", "workshop", "round_table", "job_dating"]


def test_with_room_leaves_out_what_is_full(world: World) -> None:
    fill(world.visit_slot, 0)
    assert [one.event.key for one in catalogue.with_room(world.edition)] == ["debate", "dating", "boat"]
    assert [one.event.key for one in catalogue.with_room(world.edition, limit=1)] == ["debate"]


def test_similar_events_share_an_audience_and_have_room_the_nearest_first(world: World) -> None:
    more_events(world, 3)
    visit = catalogue.event(world.visit)
    assert [one.event.key for one in catalogue.similar(visit, 30)] == ["boat", "more-0", "more-1"]
    assert [one.event.key for one in catalogue.similar(visit, 31)] == ["boat"]
    assert [one.event.key for one in catalogue.similar(visit, 30, limit=1)] == ["boat"]


def test_the_current_edition_is_one_that_is_not_over_else_the_latest(world: World) -> None:
    old = Edition(
        key="2011", number=1, year=2011, name="2011", starts_on=date(2011, 4, 4), ends_on=date(2011, 4, 10), label_from=date(2011, 4, 1),
        label_until=date(2011, 4, 30), department="92", territory="Hauts-de-Seine",
    )  # fmt: skip
    db.session.add(old)
    db.session.commit()
    assert [edition.key for edition in catalogue.editions()] == ["2026", "2011"]
    for year in (2026, 2010, 2040):
        with clock.clock_at(datetime(year, 11, 16, tzinfo=UTC)):
            current = catalogue.current_edition()
            assert current is not None
            assert current.key == "2026"


def test_no_edition_at_all_is_no_current_edition(app: Any) -> None:
    assert catalogue.current_edition() is None


def test_thousands_of_events_answer_at_once(world: World) -> None:
    more_events(world, 1500)
    db.session.execute(text("ANALYZE"))  # a PostgreSQL that runs does so by itself within a minute
    db.session.commit()
    db.session.remove()
    took = []
    for _ in range(3):
        start = time.perf_counter()
        assert catalogue.search(Filters(world.edition, places=20, audience="school"), page=9).total == 1502
        took.append(time.perf_counter() - start)
    assert min(took) < 0.15
