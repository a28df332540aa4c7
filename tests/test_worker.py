"""The worker: empties what is due, serves until a signal, and survives what it depends on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from booking import clock, worker
from booking.config import ROOT
from booking.db import db, in_transaction
from booking.mail.delivery import TemporaryFailure
from booking.models import Booking, Delivery, Edition, LimitCounter, Message, Status
from booking.models.edition_words import SWITCHES
from booking.worker import Worker
from tests.databases import ENVIRONMENT
from tests.smtp import Server, smtp_server
from tests.test_booking import book, taken
from tests.world import World, a_class


class Post:
    """A transport that keeps what it is given, or fails as told."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.failure: Exception | None = None

    def send(self, envelope_from: str, recipient: str, content: bytes) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(content)


def test_once_empties_what_is_due_and_says_so_in_a_line(app: Flask, world: World, frozen: datetime) -> None:
    book(world.visit_slot, a_class(10))
    book(world.boat_slot, a_class(10), "k2", proven=True)
    with clock.clock_at(frozen + timedelta(hours=2)):
        result = app.test_cli_runner().invoke(args=["worker", "--once"])
    assert result.exit_code == 0
    assert result.stdout == "4 sent, 0 to try again, 0 dead; 1 holds expired.\n"
    assert taken(world.visit_slot) == [0]
    assert set(db.session.scalars(select(Message.delivery))) == {Delivery.SENT}
    again = app.test_cli_runner().invoke(args=["worker", "--once"])
    assert again.stdout == "0 sent, 0 to try again, 0 dead; 0 holds expired.\n"


def test_once_ends_although_the_mail_server_is_away(app: Flask, world: World) -> None:
    for n in range(3):
        book(world.boat_slot, a_class(2, 1, label=str(n)), f"k{n}")
    post = Post()
    post.failure = TemporaryFailure("down", unreachable=True)
    empties = Worker(app, post)
    empties.empty()
    assert empties.summary == "0 sent, 3 to try again, 0 dead; 0 holds expired."


def test_a_hold_expires_once_however_many_workers_look(app: Flask, world: World, frozen: datetime) -> None:
    booking = book(world.visit_slot, a_class())
    with clock.clock_at(frozen + timedelta(hours=3)):
        workers = [Worker(app, Post()) for _ in range(2)]
        for one in workers:
            one.empty()
    assert [one.counts["expired"] for one in workers] == [1, 0]
    db.session.commit()
    assert db.session.scalar(select(Booking.status).where(Booking.id == booking.id)) is Status.EXPIRED


def test_one_hold_in_trouble_does_not_keep_the_others(
    app: Flask, world: World, frozen: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = book(world.visit_slot, a_class()).reference
    second = book(world.boat_slot, a_class(), "k2").reference
    expiring = worker.expire_hold

    def troubled(reference: str) -> bool:
        if reference == first:
            raise RuntimeError("bug")
        return expiring(reference)

    monkeypatch.setattr(worker, "expire_hold", troubled)
    with clock.clock_at(frozen + timedelta(hours=3)):
        Worker(app, Post()).empty()
    assert db.session.scalar(select(Booking.status).where(Booking.reference == second)) is Status.EXPIRED
    assert "a hold could not expire" in caplog.text


def test_counters_of_past_hours_are_forgotten(app: Flask, frozen: datetime) -> None:
    def count(hours: int) -> None:
        db.session.add(LimitCounter(subject=str(hours), hour=frozen - timedelta(hours=hours), count=1))

    in_transaction(lambda: [count(hours) for hours in (0, 1, 5)])
    Worker(app, Post()).empty()
    assert db.session.scalar(select(func.count()).select_from(LimitCounter)) == 2


@contextmanager
def running(app: Flask, served: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Thread]:
    """The worker's loop in a thread, where signals cannot be set up."""
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)

    def serve() -> None:
        with app.app_context():
            served.run()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield thread
    finally:
        served.stop()
        thread.join(20)
        assert not thread.is_alive()


def eventually(holds: Any) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.01)


def test_the_loop_survives_a_database_that_is_away(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    book(world.visit_slot, a_class())
    looking, failures = worker.due_holds, [OperationalError("SELECT", {}, Exception("secret values")), RuntimeError("bug")]

    def flaky() -> list[str]:
        if failures:
            raise failures.pop(0)
        return looking()

    monkeypatch.setattr(worker, "due_holds", flaky)
    post = Post()
    with running(app, Worker(app, post), monkeypatch):
        eventually(lambda: post.sent)
    assert "the database does not answer: OperationalError" in caplog.text
    assert "a round failed" in caplog.text
    assert "secret values" not in caplog.text


def test_the_loop_tries_one_mail_at_a_time_while_the_server_is_away(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        book(world.boat_slot, a_class(2, 1, label=str(n)), f"k{n}")
    post = Post()
    post.failure = TemporaryFailure("down", unreachable=True)
    served = Worker(app, post)
    assert len(served._deliver(50)) == 1, "the backlog keeps its place while nobody answers"
    post.failure = None
    with running(app, served, monkeypatch):
        eventually(lambda: len(post.sent) == 4)


def test_logs_name_no_person(app: Flask, world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    book(world.visit_slot, a_class(), proven=True)
    post = Post()
    Worker(app, post).empty()
    post.failure = TemporaryFailure("451 try later, prof@college.example")
    book(world.boat_slot, a_class(), "k2")
    Worker(app, post).empty()
    assert "outcome=sent" in caplog.text
    assert "kind=booking_confirmed" in caplog.text
    assert "outcome=later" in caplog.text
    for personal in ("prof", "Camille", "Collège", "accueil@"):
        assert personal not in caplog.text


@contextmanager
def process(url: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The worker as operators start it."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    more = ENVIRONMENT | {"DATABASE_URL": url, "PYTHONUNBUFFERED": "1"} | environment
    started = subprocess.Popen(command, cwd=ROOT, env=os.environ | more, stderr=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()
        assert started.stderr is not None
        started.stderr.close()


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_worker_after_the_message_under_way(
    app: Flask, world: World, database_url: str, signal_name: str
) -> None:
    book(world.visit_slot, a_class(), proven=True)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)  # the other process has the real clock
    db.session.query(Message).update({"next_attempt_at": long_ago})
    db.session.query(Edition).update(dict.fromkeys(SWITCHES, False))  # by which the visit may be tomorrow
    db.session.commit()
    with smtp_server() as server:
        server.behaviour.slow = 1.0
        environment = {"DEMO": "off", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(server.port), "MAIL_USE_TLS": "off"}
        with process(database_url, **environment) as started:
            _wait_for_a_mail(server)
            started.send_signal(getattr(signal, signal_name))
            _, log = started.communicate(timeout=30)
    assert started.returncode == 0
    assert "worker stopped" in log
    assert len(server.received) == 1, "the second was left for the next worker"
    db.session.commit()
    states = list(db.session.scalars(select(Message.delivery).order_by(Message.id)))
    assert states == [Delivery.SENT, Delivery.QUEUED]


def _wait_for_a_mail(server: Server) -> None:
    eventually(lambda: server.received)
