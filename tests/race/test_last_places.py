"""31 places and 200 customers at once, in real processes: never a 32nd, and whoever fits gets in."""

from __future__ import annotations

import json
import random

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from booking.db import db, in_transaction
from booking.models import Booking, Holding, Pool
from tests.bench import servers
from tests.databases import ENVIRONMENT
from tests.race import site
from tests.race.clients import Ask, through_api, through_verbs
from tests.race.crowd import Answer, run
from tests.race.unguarded import through_unguarded_verbs

pytestmark = pytest.mark.race

PLACES = 31
PROCESSES = 8


def two_hundred(slot_id: int) -> list[Ask]:
    """200 classes of 1 to 12, the same ones every time."""
    sizes = random.Random(31)
    return [Ask(slot_id, sizes.randint(1, 12), f"3e {n}", f"race-key-{n}") for n in range(200)]


def assert_never_a_32nd(answers: list[Answer]) -> None:
    """Nobody met an error, the books balance, and no refused party would still fit."""
    assert {answer.word for answer in answers} == {"done", "slot_full"}, [a for a in answers if a.word == "error"]
    assert site.broken_rules() == []
    ((taken, capacity),) = site.pools().values()
    assert capacity == PLACES
    assert site.booked() == {answer.detail: answer.ask.places for answer in answers if answer.word == "done"}
    assert sum(site.booked().values()) == taken <= PLACES
    assert min(answer.ask.places for answer in answers if answer.word == "slot_full") > PLACES - taken
    assert db.session.scalar(select(func.count()).select_from(Booking)) == len(site.booked())


def test_200_clients_in_8_processes_never_take_a_32nd_place(visit: int, database_url: str) -> None:
    answers = run(through_verbs, database_url, two_hundred(visit), PROCESSES)
    assert_never_a_32nd(answers)
    told = [json.loads(answer.detail) for answer in answers if answer.word == "slot_full"]
    assert all(facts["remaining"] < facts["wanted"] for facts in told)


def test_200_programs_at_the_api_of_4_server_processes_never_take_a_32nd_place(visit: int, database_url: str) -> None:
    environ = ENVIRONMENT | {"DATABASE_URL": database_url, "RATE_LIMITS": "off"}
    with servers.web("wsgi:app", environ, "/healthz", workers=4, threads=4) as web:
        answers = run(through_api, web.address, two_hundred(visit), PROCESSES)
    assert_never_a_32nd(answers)


def test_the_check_stands_behind_the_guard(visit: int) -> None:
    with pytest.raises(IntegrityError):
        in_transaction(lambda: db.session.execute(update(Pool).values(taken=PLACES + 1)))


def test_the_same_crowd_oversells_once_the_guard_is_removed(visit: int, database_url: str) -> None:
    answers = run(through_unguarded_verbs, database_url, two_hundred(visit), PROCESSES)
    assert "error" not in {answer.word for answer in answers}
    sold = db.session.scalar(select(func.sum(Holding.places)))
    assert sold is not None
    assert sold > PLACES
    assert site.broken_rules() != []
