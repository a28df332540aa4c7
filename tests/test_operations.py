"""Running it: signs of life, logs without people in them, and one command that starts everything and stops it."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from booking import logs
from booking.app import create_app
from booking.cli.serve import database_said
from booking.config import ROOT
from booking.db import db
from tests.databases import settings_for
from tests.world import World


def test_healthz_says_ok_and_asks_nothing_of_the_database(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db.engine, "connect", None)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert "Set-Cookie" not in answer.headers


def test_readyz_says_ready_when_every_migration_is_applied(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")
    assert "Set-Cookie" not in answer.headers


def test_readyz_says_which_migration_is_missing(app: Flask, client: FlaskClient) -> None:
    newest = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    _set_migration("0000")
    try:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (
            503,
            f"the database is at migration 0000, this code needs {newest}: run db upgrade\n",
        )
        assert client.get("/healthz").status_code == 200
    finally:
        _set_migration(newest)


def _set_migration(revision: str) -> None:
    db.session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    db.session.commit()


@pytest.mark.parametrize("url", ["postgresql://nobody:hunter2@127.0.0.1:1/none", "sqlite:////nowhere/at/all.sqlite3"])
def test_readyz_says_so_when_the_database_does_not_answer(url: str) -> None:
    with create_app(settings_for(url)).test_client() as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the database does not answer\n")


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Configures the logs, and gives what has gone to standard error since; afterwards everything is as before."""
    root, alembic = logging.getLogger(), logging.getLogger("alembic")
    before = list(root.handlers), root.level, alembic.level
    logs.configure_logs()
    yield lambda: capsys.readouterr().err
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    alembic.setLevel(before[2])


def _read(written: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.splitlines()]


def test_a_log_is_one_json_object_a_line(logged: Callable[[], str]) -> None:
    logging.getLogger("booking.worker").warning(
        "two\nlines", extra={"kind": "booking_confirmed", "count": 2, "email": "a@b.example"}
    )
    (line,) = _read(logged())
    assert line.pop("time").endswith("+00:00")  # type: ignore[attr-defined]
    assert line == {
        "level": "warning",
        "logger": "booking.worker",
        "message": "two\nlines",
        "kind": "booking_confirmed",
        "count": 2,
    }


def test_a_request_is_logged_by_its_route(logged: Callable[[], str]) -> None:
    logs.log_request("POST", "/bookings/<reference>/cancellation", 303, 12.345)
    (line,) = _read(logged())
    fields = {name: line[name] for name in ("method", "route", "status", "ms")}
    assert fields == {"method": "POST", "route": "/bookings/<reference>/cancellation", "status": 303, "ms": 12.3}


def test_configuring_twice_logs_once(logged: Callable[[], str]) -> None:
    logs.configure_logs()
    logging.getLogger("booking").info("once")
    assert len(_read(logged())) == 1


@pytest.mark.parametrize(
    "secret",
    [
        "camille.martin@college.example",
        "<prof+visite@ac-versailles.fr>",
        "token=s3cr3t-s3cr3t",
        "/feeds/7-2RJfSp7AOgWV9St7iRZXjOLi1xpr3LDCk2GqSGPwbjM.ics",
        "01 23 45 67 89",
        "+33123456789",
        "A" * 20 + "_" + "b-3" * 7 + "Z",
        "postgresql://booking:hunter2@db.example/name",
    ],
)
def test_addresses_numbers_and_tokens_never_reach_the_log(logged: Callable[[], str], secret: str) -> None:
    logging.getLogger("somebody.else").error("could not do it for %s, sorry", secret, extra={"route": secret})
    try:
        raise ValueError(f"no such thing: {secret}")
    except ValueError:
        logging.getLogger("somebody.else").exception("it broke")
    written = logged()
    assert secret not in written
    assert "hunter2" not in written
    assert "s3cr3t" not in written
    assert "sorry" in written
    assert "no such thing" in written


def test_what_a_statement_was_about_does_not_reach_the_log(world: World, logged: Callable[[], str]) -> None:
    twice = text("INSERT INTO organisations (key, kind, name, commune, invented) VALUES ('port', 'company', :name, '', :no)")
    values = {"name": "Camille Martin", "no": False}
    try:
        db.session.execute(twice, values)
    except IntegrityError:
        logging.getLogger("booking").exception("it broke")
    written = logged()
    assert "organisations" in written
    assert "Camille" not in written
    assert "(key)=(port)" not in written


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://booking:hunter2@db.example:5432/coulisses", "PostgreSQL, coulisses at db.example"),
        ("postgresql+psycopg:///coulisses", "PostgreSQL, coulisses at this machine"),
    ],
)
def test_the_database_is_named_without_its_password(url: str, said: str) -> None:
    assert database_said(url) == said


@dataclass
class Started:
    """A `serve` of our own: its process, its port, and what it writes."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path
    worked: float = 0
    """Seconds of processor time until it answered: the wall clock of a busy machine measures its neighbours."""

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, ""

    @property
    def said(self) -> str:
        return self.output.read_text()

    def wait_until_said(self, words: str) -> None:
        deadline = time.monotonic() + 40
        while words not in self.said and time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.05)
        assert words in self.said

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in listed.split()]


def _processor_time(process: int) -> float:
    """Seconds, of a process and of its children that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spawn(folder: Path, **environment: str) -> Started:
    port = int(environment.setdefault("PORT", str(_free_port())))
    settings = {
        "DATABASE_URL": f"sqlite:///{folder / 'var' / 'serve.sqlite3'}",
        "SECRET_KEY": "a key for this one test",
        "DEMO": "on",
    }
    settings |= {"WORKERS": "1", "BASE_URL": "", "MAIL_SERVER": ""}
    output = folder / f"output-{time.monotonic_ns()}"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
            cwd=ROOT, env=os.environ | settings | environment, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
    return Started(process, port, output)


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Started]:
    deadline = time.monotonic() + 60
    started = _spawn(folder, **environment)
    try:
        while started.process.poll() is None and time.monotonic() < deadline:
            with suppress(URLError, ConnectionError, TimeoutError):
                if started.get("/healthz")[0] == 200:
                    break
            time.sleep(0.02)
        started.worked = sum(_processor_time(process) for process in (started.process.pid, *started.children()))
        started.wait_until_said("Ctrl-C stops it.")
        yield started
    finally:
        if started.process.poll() is None:
            started.process.send_signal(signal.SIGTERM)
        started.process.wait(60)


def test_serve_starts_from_nothing_stops_in_order_and_starts_again_with_the_data(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        assert first.get("/readyz") == (200, "ready\n")
        assert first.get("/")[0] == 200
        children = first.children()
    assert first.process.returncode == 0
    assert f"Coulisses is at http://127.0.0.1:{first.port}\n" in first.said
    assert f"Mail is shown at http://127.0.0.1:{first.port}/mailbox\n" in first.said
    for step in ("Database: SQLite", "Applying migrations", "Demo world loaded: 3 editions", "Stopping", "Stopped."):
        assert step in first.said
    assert len(children) >= 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)

    with serving(tmp_path, MAIL_SERVER="127.0.0.1", MAIL_PORT="1") as second:
        assert second.get("/readyz") == (200, "ready\n")
    assert second.process.returncode == 0
    assert second.worked < 3, "the second start is to take less than three seconds"
    assert "Applying migrations" not in second.said
    assert "nothing was changed" in second.said
    assert "Mail goes out through 127.0.0.1:1.\n" in second.said
    assert "mailbox" not in second.said


def test_serve_ends_with_1_when_a_child_dies_and_takes_the_other_with_it(tmp_path: Path) -> None:
    with serving(tmp_path, DEMO="off", MAIL_SERVER="127.0.0.1") as started:
        web, worker = started.children()
        os.kill(worker, signal.SIGKILL)
        assert started.process.wait(60) == 1
        assert not Path(f"/proc/{web}").exists()
    assert "The worker has ended (status -9); stopping the rest." in started.said
    assert "emo world" not in started.said


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        started = _spawn(tmp_path, PORT=str(port))
        assert started.process.wait(60) == 1
    assert f"Port {port} cannot be used" in started.said
    assert "Traceback" not in started.said


def test_a_database_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    started = _spawn(tmp_path, DATABASE_URL="postgresql://nobody:hunter2@127.0.0.1:1/none")
    assert started.process.wait(60) == 1
    assert "The database does not answer" in started.said
    assert "hunter2" not in started.said
    assert "Traceback" not in started.said
