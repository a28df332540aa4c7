"""Processes that die on purpose in the middle of a booking's life, and what they had reported by then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import DBAPIError

from booking.db import db
from booking.models import Booking, HistoryEntry
from tests.race import site
from tests.race.clients import Ask, act, book

FILE_CALLS = {"pwrite64": 13, "fdatasync": 3, "ftruncate": 3}
"""The system calls by which SQLite writes to a file, and how many are passed by from one kill to the next.

Those that end a phase (the journal is written, the file is, the journal is gone) are hit more often than the pages
inside one. No step divides what a transaction writes, so that the transactions of a life are hit in different places.
"""

Report = Callable[[str], object]


def asks(slot_id: int) -> list[Ask]:
    """The two requests a life begins with."""
    return [Ask(slot_id, 12, f"3e {name}", f"life-{name}") for name in "AB"]


def live(slot_id: int, report: Report) -> None:
    """Everything that can happen to a booking. A step is reported where its success would have left for the visitor."""
    first, second = (_reported(book(ask), report) for ask in asks(slot_id))
    deeds = [("confirm", first, 0), ("pupils", first, 15), ("pupils", first, 3), ("cancel", first, 0), ("expire", second, 0)]
    for deed in deeds:
        _reported(act(deed), report)


def _reported(result: str, report: Report) -> str:
    report("!")
    return result


def sweep_statements(url: str, slot_id: int, outcome: Connection) -> None:
    """Kill a life before each writing statement, before and after each commit, until one survives; sends points and faults.

    After a statement the database is what it is before the next one.
    """
    _sweep(url, slot_id, outcome, _killed_at_statement)


def sweep_file_calls(url: str, slot_id: int, outcome: Connection) -> None:
    """The same at each system call that writes to the file, with strace."""
    _sweep(url, slot_id, outcome, _killed_at_file_call)


def _sweep(url: str, slot_id: int, outcome: Connection, killings: Callable[..., Iterator[tuple[str, str]]]) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    template = file.with_suffix(".template")
    shutil.copy(file, template)
    app, faults, points = site.open_app(url), list[str](), 0
    with app.app_context():  # a first life for warmth: what is compiled once need not be in every child
        live(slot_id, lambda _: None)
        db.session.remove()
        db.engine.dispose()
    for where, reported in killings(app, slot_id, lambda: _fresh(template, file)):
        points += 1
        with app.app_context():
            faults += [f"{where}: {fault}" for fault in _aftermath(slot_id, reported)]
            db.session.remove()
            db.engine.dispose()
    outcome.send((points, faults))


def _fresh(template: Path, file: Path) -> None:
    file.with_name(file.name + "-journal").unlink(missing_ok=True)
    shutil.copy(template, file)


def _aftermath(slot_id: int, reported: str) -> list[str]:
    """What is wrong after a kill, and after the same requests came again under the same keys."""
    faults = site.broken_rules()
    steps = db.session.scalar(select(func.count()).select_from(HistoryEntry)) or 0
    if steps not in {len(reported), len(reported) + 1}:
        faults.append(f"{len(reported)} steps were reported, {steps} are in the database")
    again = {book(ask) for ask in asks(slot_id)}
    if again != set(db.session.scalars(select(Booking.reference))) or len(again) != 2:
        faults.append(f"the same requests made {again}")
    return faults + [f"asked again: {fault}" for fault in site.broken_rules()]


def _killed_at_statement(app: Flask, slot_id: int, fresh: Callable[[], None]) -> Iterator[tuple[str, str]]:
    for point in count(1):
        fresh()
        pid, reports = _fork(app, slot_id, lambda: _die_at(point))
        survived, reported = buried(pid, reports)
        if survived:
            return
        yield f"statement point {point}", reported


def _killed_at_file_call(app: Flask, slot_id: int, fresh: Callable[[], None]) -> Iterator[tuple[str, str]]:
    for call, stride in FILE_CALLS.items():
        for point in count(1, stride):
            fresh()
            gate, opener = os.pipe()
            pid, reports = _fork(app, slot_id, lambda: os.read(gate, 1))
            tracer = _trace(pid, f"inject={call}:signal=KILL:when={point}")
            os.write(opener, b"!")
            survived, reported = buried(pid, reports)
            tracer.wait(10)
            os.close(gate)
            os.close(opener)
            if survived:
                break
            yield f"{call} {point}", reported


def _fork(app: Flask, slot_id: int, prepare: Callable[[], object]) -> tuple[int, int]:
    """Start a life in a child; returns its id and the pipe of its reports."""
    reports, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException), app.app_context():
            prepare()
            live(slot_id, lambda step: os.write(mouth, step.encode()))
            os._exit(0)
        os._exit(1)
    os.close(mouth)
    return pid, reports


def buried(pid: int, reports: int) -> tuple[bool, str]:
    """Wait for the end of a life: whether it survived, and what it had reported."""
    status = os.waitpid(pid, 0)[1]
    with os.fdopen(reports) as pipe:
        reported = pipe.read()
    survived = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
    assert survived or os.WIFSIGNALED(status), "a life ended with an exception of its own"
    return survived, reported


def _die_at(point: int) -> None:
    points = count(1)

    def pass_by(*_: object) -> None:
        if next(points) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def pass_statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if writes(statement):
            pass_by()

    event.listen(Engine, "before_cursor_execute", pass_statement)
    event.listen(Engine, "commit", pass_by)
    event.listen(db.session, "after_commit", pass_by)


def writes(statement: str) -> bool:
    """Whether a statement changes rows."""
    return statement.split(None, 1)[0] in {"INSERT", "UPDATE", "DELETE"}


def _trace(pid: int, inject: str) -> subprocess.Popen[bytes]:
    call = inject.removeprefix("inject=").partition(":")[0]
    command = ["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", f"trace={call}", "-e", inject]
    tracer = subprocess.Popen(command)
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        time.sleep(0.001)
    return tracer


def load(url: str, number: int, slot_id: int, mouth: Connection) -> None:
    """Book, confirm, change and cancel without pause until the database or the process goes; report what was answered."""
    with site.open_app(url).app_context():
        book(Ask(slot_id, 1, f"{number}", f"load-{number}"))
        mouth.send(("ready", ""))
        for n in count():
            ask = Ask(slot_id, 1 + n % 9, f"{number}-{n}", f"load-{number}-{n}")
            mouth.send(("asked", ask))
            try:
                reference = book(ask)
                mouth.send(("booked", reference))
                act(("confirm", reference, 0))
                mouth.send(("confirmed", reference))
                act(("pupils", reference, 1 + (n + 4) % 9))
                if n % 3 == 0:
                    act(("cancel", reference, 0))
                    mouth.send(("cancelled", reference))
            except DBAPIError:
                mouth.send(("cut", ""))
                return
