"""Many people at one booking, one key or two shared pools at once: one effect each, and the books balance."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from booking.db import db
from booking.models import Booking, Status
from tests.race import site
from tests.race.clients import Ask, book, through_acts, through_pairs, through_verbs
from tests.race.conftest import Prepare
from tests.race.crowd import Answer, run

pytestmark = pytest.mark.race


def words(answers: list[Answer]) -> list[str]:
    return sorted(answer.word for answer in answers)


def test_one_key_from_20_processes_books_once_and_answers_all_alike(visit: int, database_url: str) -> None:
    answers = run(through_verbs, database_url, [Ask(visit, 12, "3e B", "one-key")] * 20, processes=20)
    assert words(answers) == ["done"] * 20
    assert len({answer.detail for answer in answers}) == 1
    assert site.booked() == {answers[0].detail: 12}
    assert site.broken_rules() == []


def test_two_tabs_of_one_class_book_once_and_the_other_is_told(visit: int, database_url: str) -> None:
    tabs = [Ask(visit, 6, f"3e {pair}", f"tab-{tab}-{pair}") for pair in range(5) for tab in range(2)]
    answers = run(through_verbs, database_url, tabs, processes=2)
    for pair in range(5):
        assert words([answer for answer in answers if answer.ask.label == f"3e {pair}"]) == ["already_booked", "done"]
    assert sorted(site.booked().values()) == [6] * 5
    assert site.broken_rules() == []


def test_headcounts_changing_while_bookings_are_cancelled_keep_the_counters_true(visit: int, database_url: str) -> None:
    references = [book(Ask(visit, 6, f"3e {n}", f"key-{n}")) for n in range(5)]
    sizes = (1, 12, 6, 9, 3, 2, 8, 4)
    deeds = [("pupils", reference, size) for size in sizes for reference in references]
    deeds[20:20] = [("cancel", references[0], 0), ("cancel", references[0], 0), ("confirm", references[1], 0)]
    answers = run(through_acts, database_url, deeds, processes=4)
    assert set(words(answers)) <= {"done", "slot_full", "wrong_state"}, [a for a in answers if a.word == "error"]
    assert site.broken_rules() == []
    assert references[0] not in site.booked()
    assert set(references[1:]) == set(site.booked())


def test_of_expiry_and_confirmation_exactly_one_wins(prepare: Prepare, database_url: str) -> None:
    (slot_id,) = prepare({"visit": 100}, [["visit"]])
    references = [book(Ask(slot_id, 5, f"3e {n}", f"key-{n}")) for n in range(20)]
    deeds = [(name, reference, 0) for reference in references for name in ("confirm", "expire")]
    answers = run(through_acts, database_url, deeds, processes=4)
    assert set(words(answers)) <= {"done", "wrong_state"}, [a for a in answers if a.word == "error"]
    won = {reference: set[str]() for reference in references}
    for answer in answers:
        if answer.word == "done" and answer.detail != "False":
            won[answer.ask[1]].add(answer.ask[0])
    states = site.states()
    for reference, winners in won.items():
        assert winners == {"confirm" if states[reference] is Status.CONFIRMED else "expire"}
    assert site.broken_rules() == []


def test_slots_sharing_a_pool_never_show_a_deadlock(prepare: Prepare, database_url: str) -> None:
    """The shared pool lies between the two own ones, so that each slot meets the three in another order."""
    first, second = prepare({"morning": 40, "day": 60, "noon": 40}, [["day", "morning"], ["noon", "day"]])
    asks = [Ask((first, second)[n % 2], 1 + n % 7, f"3e {n}", f"key-{n}") for n in range(60)]
    answers = run(through_verbs, database_url, asks, processes=4)
    assert set(words(answers)) == {"done", "slot_full"}, [a for a in answers if a.word == "error"]
    assert site.broken_rules() == []
    assert site.pools()[2] == (sum(site.booked().values()), 60)


def test_two_slots_booked_at_once_in_opposite_order_both_or_neither(prepare: Prepare, database_url: str) -> None:
    first, second = prepare({"morning": 10, "noon": 10}, [["morning"], ["noon"]])
    pairs = []
    for n in range(6):
        there, back = (Ask(slot, 3, f"3e {n}-{slot}", f"key-{n}-{slot}") for slot in (first, second))
        pairs.append((there, back) if n % 2 else (back, there))
    answers = run(through_pairs, database_url, pairs, processes=2)
    assert words(answers) == ["done"] * 3 + ["slot_full"] * 3, [a for a in answers if a.word == "error"]
    assert site.broken_rules() == []
    assert site.pools() == {1: (9, 10), 2: (9, 10)}
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 6
