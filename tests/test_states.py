"""Histories played by chance keep every rule after every step; and what once broke one is played again, word for word."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from booking.actions import answer_offer, cancel_booking, expire_holds, offer_places
from booking.actions.places import give_back
from booking.db import db
from booking.queries.waiting import first_who_fits
from tests.states.arena import Arena
from tests.states.history import Fault
from tests.states.play import play, replay

STEPS, HISTORIES = 14, 12
"""How long a history is, and how many `make test` plays on each database; `python -m tests.states` plays more and longer ones."""
SEES_SOON = 4
"""Chance that meets each of the broken engines within six histories; any other does within some hundred, and takes longer."""


def test_histories_keep_every_rule_after_every_step(app: Flask) -> None:
    play(Arena.build(), histories=HISTORIES, steps=STEPS)


def test_who_is_free_of_a_rule_is_offered_what_it_kept_them_from(app: Flask) -> None:
    """A colleague's booking kept the class from another slot, whose places came free meanwhile; then the colleague cancels."""
    replay(
        Arena.build(),
        ("begin", {"full": 3, "second": 0, "waiting": []}),
        ("wait", {"slot": 3, "name": "3A again", "pupils": 2, "adults": 1, "at_least": None, "also": False, "proven": True}),
        ("book", {"slot": 2, "name": "3A", "pupils": 2, "adults": 1, "by": "itself"}),
        ("cancel", {"number": 0, "by_host": False}),
        ("cancel", {"number": 2, "by_host": False}),
        ("accept", {"number": 0}),
    )


def test_who_declines_one_slot_is_offered_another_that_came_free_meanwhile(app: Flask) -> None:
    replay(
        Arena.build(),
        ("begin", {"full": 2, "second": 0, "waiting": []}),
        ("book", {"slot": 3, "name": "3A", "pupils": 5, "adults": 1, "by": "itself"}),
        ("wait", {"slot": 2, "name": "Public", "pupils": 1, "adults": 1, "at_least": None, "also": True, "proven": True}),
        ("headcount", {"number": 0, "pupils": 3, "adults": 2, "by_host": True}),
        ("cancel", {"number": 2, "by_host": False}),
        ("decline", {"number": 0, "stay": True}),
        ("accept", {"number": 0}),
    )


def _offers_nothing(bookings: Any, now: Any, places: int | None = None) -> list[Any]:
    for booking in bookings:
        give_back(booking, places, now)
    return []


def _gives_back_twice(booking: Any, places: int | None = None, now: Any = None) -> None:
    give_back(booking, places, now)
    for pool in booking.slot.pools:
        db.session.refresh(pool)
        pool.taken = max(0, pool.taken - 1)


def _lets_the_first_wait(slot_ids: Any, now: Any, passed: Any = None, most: int | None = None) -> Any:
    first = first_who_fits(slot_ids, now, passed, most)
    if first is None:
        return None
    wait = first[1].wait
    return first_who_fits(slot_ids, now, dict(passed or {}) | {wait.slot_id: (wait.rank, wait.booking_id)}, most) or first


BROKEN: dict[str, list[tuple[Any, str, Any]]] = {
    "what comes free is not offered": [(cancel_booking, "free_places", _offers_nothing)],
    "what was given back is given back again": [(offer_places, "give_back", _gives_back_twice)],
    "the second of a queue comes first": [(offer_places, "first_who_fits", _lets_the_first_wait)],
    "an offer is not ended": [(module, "end_offer", lambda *_: None) for module in (answer_offer, expire_holds, cancel_booking)],
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("what", BROKEN)
def test_the_machine_sees_an_engine_that_is_broken(app: Flask, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, broken in BROKEN[what]:
        monkeypatch.setattr(module, name, broken)
    with pytest.raises(Fault):
        play(Arena.build(), histories=6, steps=STEPS, seed=SEES_SOON, shrink=False)
