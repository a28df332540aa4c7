"""Offers, queues, capacities and halves of classes, all at once: one effect each. Each race has a control without its guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text

from booking.db import db
from booking.models import Booking, HistoryEntry, Offer, Status, Wait
from tests.race import deeds, site
from tests.race.clients import Ask, book
from tests.race.conftest import Prepare
from tests.race.crowd import Answer, Client, run

pytestmark = pytest.mark.race

Clients = Callable[[str], Client]


def own_pools(prepare: Prepare, *capacities: int) -> list[int]:
    """Slots with places of their own."""
    names = {f"pool {n}": capacity for n, capacity in enumerate(capacities)}
    slots = prepare(names, [[name] for name in names])
    db.session.execute(text("UPDATE pools SET kind = 'own'"))
    db.session.commit()
    return slots


def offered(slot_id: int, number: int) -> list[str]:
    """So many parties of five, each of which is offered five places of a slot that has just these."""
    booked = [book(Ask(slot_id, 5, f"3e {n}", f"key-{n}")) for n in range(number)]
    waiting = [deeds.wait(Ask(slot_id, 5, f"4e {n}", f"wait-{n}")) for n in range(number)]
    for reference in booked:
        deeds.do(("cancel", reference))
    return waiting


def assert_sound(answers: list[Answer], *words: str) -> None:
    """Nobody was told anything but these words, and every rule is kept."""
    assert {answer.word for answer in answers} <= {"done", *words}, [answer for answer in answers if answer.word == "error"]
    assert site.found_by_the_doctor() == []


def accepted_and_expired(clients: Clients, url: str, slot_id: int) -> tuple[list[Answer], list[int]]:
    """Each of six offers is accepted and expires at one moment; how often each ended."""
    waiting = offered(slot_id, 6)
    acts = [(name, reference) for reference in waiting for name in ("accept", "expire")]
    answers = run(clients, url, acts, processes=2)
    db.session.commit()
    ends = HistoryEntry.action.in_(["offer_accepted", "expired"])
    statement = select(func.count()).where(ends).group_by(HistoryEntry.booking_id)
    return answers, list(db.session.scalars(statement))


def test_of_acceptance_and_expiry_exactly_one_wins(prepare: Prepare, database_url: str) -> None:
    answers, ends = accepted_and_expired(deeds.through_deeds, database_url, own_pools(prepare, 30)[0])
    assert_sound(answers, "wrong_state")
    assert ends == [1] * 6
    assert db.session.scalar(select(func.count()).where(Offer.outcome == "open")) == 0


def test_both_win_where_nobody_looks_at_the_version(prepare: Prepare, database_url: str) -> None:
    answers, ends = accepted_and_expired(deeds.through_deeds_without_versions, database_url, own_pools(prepare, 30)[0])
    assert max(ends) > 1, answers


def test_who_is_offered_places_while_leaving_the_list_is_gone_and_the_places_are_free(
    prepare: Prepare, database_url: str
) -> None:
    full, empty = own_pools(prepare, 30, 30)
    booked = [book(Ask(full, 5, f"3e {n}", f"key-{n}")) for n in range(6)]
    waiting = [deeds.wait(Ask(full, 5, f"4e {n}", f"wait-{n}")) for n in range(6)]
    acts = [("cancel", reference) for pair in zip(booked, waiting, strict=True) for reference in pair]
    answers = run(deeds.through_deeds, database_url, acts, processes=4)
    assert_sound(answers)
    assert set(site.states().values()) == {Status.CANCELLED}
    assert site.pools()[1] == (0, 30)
    assert db.session.scalar(select(func.count()).select_from(Wait)) == 0
    assert empty not in {booking.slot_id for booking in db.session.scalars(select(Booking))}


def test_a_capacity_is_lowered_while_people_book_and_never_below_them(prepare: Prepare, database_url: str) -> None:
    (slot,) = own_pools(prepare, 40)
    acts: list[Any] = [("book", Ask(slot, 5, f"3e {n}", f"key-{n}")) for n in range(10)]
    for n, capacity in enumerate((35, 30, 25, 20)):
        acts.insert(3 * n, ("capacity", slot, str(capacity)))
    answers = run(deeds.through_deeds, database_url, acts, processes=4)
    assert_sound(answers, "slot_full", "capacity_taken")
    ((taken, capacity),) = site.pools().values()
    assert sum(site.booked().values()) == taken <= capacity


def test_without_its_condition_a_capacity_falls_on_those_who_book(prepare: Prepare, database_url: str) -> None:
    (slot,) = own_pools(prepare, 40)
    acts: list[Any] = [("book", Ask(slot, 5, f"3e {n}", f"key-{n}")) for n in range(8)]
    acts[:0] = [("capacity", slot, "20"), ("capacity", slot, "30")]
    answers = run(deeds.through_deeds_without_a_condition, database_url, acts, processes=4)
    assert "error" in {answer.word for answer in answers}, (
        "the CHECK stands behind it, and says no to somebody who did nothing wrong"
    )


def test_who_splits_over_two_slots_in_opposite_order_never_meets_a_deadlock(prepare: Prepare, database_url: str) -> None:
    slots = own_pools(prepare, 27, 27)
    assert_sound(run(deeds.through_deeds, database_url, splits(slots), processes=4), "slot_full")
    halves = list(db.session.scalars(select(Booking).where(Booking.group_key.is_not(None))))
    assert len(halves) >= 4
    assert {sum(half.pupils for half in halves if half.group_key == one.group_key) for one in halves} == {6}
    assert sum(site.booked().values()) == 48


def test_who_locks_pools_as_they_come_does(prepare: Prepare, database_url: str) -> None:
    if db.engine.dialect.name == "sqlite":
        return  # it has one writer, and no deadlock
    slots = own_pools(prepare, 48, 48)
    answers = run(deeds.through_deeds_without_order, database_url, splits(slots), processes=4)
    assert any("deadlock" in answer.detail.lower() for answer in answers if answer.word == "error"), answers


def splits(slots: list[int]) -> list[Any]:
    """Four classes on each of two slots, each of which sends half of itself to the other."""
    acts = []
    for n in range(8):
        here, there = slots if n % 2 else slots[::-1]
        acts.append(("split", book(Ask(here, 6, f"3e {n}", f"key-{n}")), there, 3))
    return acts


def joined_and_freed(clients: Clients, url: str, prepare: Prepare, cancel: str = "cancel") -> tuple[list[Answer], int]:
    """On each of six full slots somebody joins the queue while the places come free; how many wait beside free places."""
    slots = own_pools(prepare, *[5] * 6)
    booked = [book(Ask(slot, 5, f"3e {slot}", f"key-{slot}")) for slot in slots]
    acts: list[Any] = []
    for slot, reference in zip(slots, booked, strict=True):
        acts += [("wait", Ask(slot, 5, f"4e {slot}", f"wait-{slot}")), (cancel, reference)]
    answers = run(clients, url, acts, processes=2)
    db.session.commit()
    free = {pool for pool, (taken, capacity) in site.pools().items() if taken < capacity}
    waits = db.session.scalars(select(Wait.slot_id))
    return answers, sum(slots.index(slot) + min(site.pools()) in free for slot in waits)


def test_who_joins_a_queue_while_places_come_free_is_offered_them(prepare: Prepare, database_url: str) -> None:
    answers, left = joined_and_freed(deeds.through_deeds, database_url, prepare)
    assert_sound(answers, "not_full")
    assert left == 0


def test_who_joins_without_a_lock_waits_beside_free_places(prepare: Prepare, database_url: str) -> None:
    answers, left = joined_and_freed(deeds.through_deeds_without_locks, database_url, prepare, "cancel later")
    assert left > 0, answers
