"""Readers of one mailbox: many at once, one without its guard, and one that dies at every point of its way."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Engine, event, select

from booking.config import Settings
from booking.db import db
from booking.mail import inbox
from booking.mail.inbox import read_inbox
from booking.mailboxes import Maildir
from booking.models import Decision, HistoryEntry, Inbound, Kind, Message
from tests.imap import deliver, maildir
from tests.incoming import OUR_SERVER
from tests.race import site
from tests.race.clients import inside
from tests.race.crowd import Client
from tests.race.deeds import PAUSE
from tests.race.mortal import buried, writes

Mails = dict[str, bytes]
ENDS = {Decision.PLACES_FREED: 1, Decision.PASSED_ON: 1, Decision.ADDRESS_FLAGGED: 1}
"""What becomes of the three mails of a sweep."""


def settings() -> Settings:
    """The application's settings, which believe our own server."""
    return replace(current_app.config["SETTINGS"], inbox_authserv_id=OUR_SERVER)


def read(folder: str) -> str:
    """Read a Maildir as the command does."""
    return str(read_inbox(settings(), Maildir(Path(folder))).total())


def through_quick_readers(url: str) -> Client:
    """Readers as they are."""
    return inside(url, read)


def through_readers(url: str) -> Client:
    """Readers that take their time over each mail, so that others come in between."""
    reading = inbox.read_mail

    def slowly(raw: bytes) -> Any:
        time.sleep(PAUSE)
        return reading(raw)

    inbox.read_mail = slowly
    return inside(url, read)


def through_readers_without_a_look(url: str) -> Client:
    """The same, where nobody looks whether a mail was decided about meanwhile."""
    inbox._locked = lambda number: db.session.scalars(select(Inbound).where(Inbound.id == number)).one()
    return through_readers(url)


def filled(folder: Path, mails: Mails) -> Path:
    """A Maildir with just these mails."""
    shutil.rmtree(folder, ignore_errors=True)
    maildir(folder)
    for name, raw in mails.items():
        deliver(folder, raw, name)
    return folder


def sweep_reader(url: str, mails: Mails, outcome: Connection) -> None:
    """Kill a reader at each writing statement, each commit and around each mark in the mailbox; sends points and faults."""
    file = Path(url.removeprefix("sqlite:///"))
    template, folder = file.with_suffix(".template"), file.with_suffix(".mails")
    shutil.copy(file, template)
    app, faults = site.open_app(url), list[str]()
    for point in count(1):
        file.with_name(file.name + "-journal").unlink(missing_ok=True)
        shutil.copy(template, file)
        filled(folder, mails)
        survived = _lives(app, folder, point)
        with app.app_context():
            faults += [f"point {point}: {fault}" for fault in _aftermath(folder)]
            db.session.remove()
            db.engine.dispose()
        if survived:
            outcome.send((point, faults))
            return


def _lives(app: Any, folder: Path, point: int) -> bool:
    reports, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException), app.app_context():
            _die_at(point)
            read(str(folder))
            os._exit(0)
        os._exit(1)
    os.close(mouth)
    return buried(pid, reports)[0]


def _die_at(point: int) -> None:
    """Kill this process at its so many-th point.

    Points are, of each transaction that writes, its first statement, every fifth after that and the commit; and each mark in
    the mailbox, once made. What lies between leaves behind what one of these does.
    """
    points, written, marking = count(1), [0], Maildir.done

    def pass_by() -> None:
        if next(points) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def pass_statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if writes(statement):
            if written[0] % 5 == 0:
                pass_by()
            written[0] += 1

    def pass_commit(_connection: object) -> None:
        if written[0]:
            pass_by()
        written[0] = 0

    def pass_mark(mailbox: Maildir, arrival: Any) -> None:
        marking(mailbox, arrival)
        pass_by()

    event.listen(Engine, "before_cursor_execute", pass_statement)
    event.listen(Engine, "commit", pass_commit)
    Maildir.done = pass_mark  # type: ignore[method-assign]


def _aftermath(folder: Path) -> list[str]:
    """What is wrong once the next reader has been there, too."""
    read(str(folder))
    rows = list(db.session.scalars(select(Inbound)))
    decided = Counter(row.decision for row in rows)
    faults = [] if decided == ENDS and all(row.decided_at for row in rows) else [f"decided {decided}"]
    if max(row.attempts for row in rows) > 2:
        faults.append("tried too often")
    queued = Counter(db.session.scalars(select(Message.kind)))
    wanted = (Kind.BOOKING_DECLINED, Kind.PLACES_OFFERED, Kind.MAIL_RECEIVED)
    faults += [f"{queued[kind]} times {kind}" for kind in wanted if queued[kind] != 1]
    lines = Counter(db.session.scalars(select(HistoryEntry.action)))
    faults += [f"{lines[action]} times {action}" for action in ("declined", "mail_bounced", "offered") if lines[action] != 1]
    if list((folder / "new").iterdir()) or not all(path.name.endswith(":2,S") for path in (folder / "cur").iterdir()):
        faults.append("a mail was left in the mailbox")
    return faults + site.found_by_the_doctor()
