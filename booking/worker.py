"""The worker: keeps deadlines (holds, offers, reserved pools, waits, reminders), delivers and reads mail, imports, purges.

Any number may run over one database.

It survives what it depends on: while the database, the mail server or the mailbox is away it logs, waits a little longer
each time and goes on. SIGTERM and SIGINT end it after the message under way.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import TypeVar

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from booking import clock
from booking.actions.expire_holds import due_holds, expire_hold
from booking.actions.import_programme import due_imports, give_up_import, import_step, tidy_imports
from booking.actions.limits import forget_old_counts
from booking.actions.purge import purge
from booking.actions.remind_bookers import due_visits, remind_booker
from booking.actions.remind_heads import due_reminders, remind_head
from booking.actions.sweep_waiting import due_pools, offer_what_is_free, open_pool, slots_to_look_at
from booking.actions.tell_host import due_host_entries, tell_host
from booking.actions.tell_hosts_of_day import due_host_days, tell_hosts_of_day
from booking.actions.thank_bookers import due_thanks, thank_booker
from booking.actions.waiting_ends import due_waits, end_wait
from booking.config import Settings
from booking.db import db, in_transaction
from booking.mail.delivery import Attempt, Outcome, Transport, deliver_next
from booking.mail.inbox import decide_all
from booking.mailboxes import MAILS_A_VISIT, Watch

T = TypeVar("T")

log = logging.getLogger("coulisses.worker")

IDLE_SECONDS = 1.0
LONGEST_PAUSE = 60.0
MESSAGES_A_ROUND = 50
TIDY_EVERY = timedelta(hours=1)
SWEEP_EVERY = timedelta(minutes=1)
"""How often the waiting lists are looked through for what time alone has freed; everything else is offered where it is freed."""
REMIND_EVERY = timedelta(minutes=1)
"""How often visits are looked through for bookers to remind or to thank, while there are none."""

DIGEST_EVERY = timedelta(minutes=5)
"""How often tomorrow's visits are looked through for hosts to tell of them."""


class Worker:
    """One worker of one application. Call `run` to serve until a signal, or `empty` to do what is due and return."""

    def __init__(self, app: Flask, transport: Transport) -> None:
        self._settings: Settings = app.config["SETTINGS"]
        self._transport = transport
        self._inbox = Watch(self._settings.inbox_url)
        self._stopping = threading.Event()
        self._tidied_at: datetime | None = None
        self._swept_at: datetime | None = None
        self._reminded_at: datetime | None = None
        self._digested_at: datetime | None = None
        self.counts: Counter[str] = Counter()

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End after the message under way. Safe to call from a signal handler or another thread."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("worker started")
        trouble = 0
        while not self._stopping.is_set():
            busy, healthy = self._guarded_round()
            trouble = 0 if healthy else trouble + 1
            if trouble:
                self._stopping.wait(min(IDLE_SECONDS * 2**trouble, LONGEST_PAUSE))
            elif not busy:
                self._stopping.wait(IDLE_SECONDS)
        log.info("worker stopped")

    def _guarded_round(self) -> tuple[bool, bool]:
        """One round; says whether there was something to do and whether everything answered."""
        try:
            busy = self._keep_deadlines() > 0
            attempts = self._deliver(MESSAGES_A_ROUND)
            busy = self._import() > 0 or busy
            busy = self._read_inbox() > 0 or busy
            self._tidy()
            return busy or bool(attempts), not any(attempt.unreachable for attempt in attempts)
        except SQLAlchemyError as error:
            log.error("the database does not answer: %s", type(error).__name__)
        except Exception:
            log.exception("a round failed")
        finally:
            with suppress(SQLAlchemyError):
                db.session.remove()
        return False, False

    def empty(self) -> None:
        """Do everything that is due now, once, and return. Errors of the database are raised."""
        try:
            self._keep_deadlines()
            while not self._stopping.is_set() and self._import():
                pass
            while not self._stopping.is_set() and self._read_inbox():
                pass
            while not self._stopping.is_set() and self._deliver(MESSAGES_A_ROUND, patient=True):
                pass
            self._tidy()
        finally:
            db.session.remove()

    def _keep_deadlines(self) -> int:
        """What is due by the clock, in the order in which it frees places for others; says how much it was."""
        expired = self._each(due_holds(), expire_hold, "a hold could not expire")
        if expired:
            self.counts["expired"] += expired
            log.info("holds expired=%s", expired)
        done = expired + self._each(due_pools(), open_pool, "a pool could not open")
        now = clock.now()
        if self._swept_at is None or now - self._swept_at >= SWEEP_EVERY:
            done += self._each(slots_to_look_at(), offer_what_is_free, "what is free could not be offered")
            self._swept_at = now
        done += self._each(due_waits(), end_wait, "a wait could not end")
        done += self._each(due_reminders(), remind_head, "a school's head could not be reminded")
        return done + self._remind(now) + self._tell_hosts(now)

    def _remind(self, now: datetime) -> int:
        """Remind and thank bookers, some at a time: as long as there are any, the next round goes on. Clocks may go back."""
        if self._reminded_at is not None and abs(now - self._reminded_at) < REMIND_EVERY:
            return 0
        done = self._each(due_visits(), remind_booker, "a booker could not be reminded")
        done += self._each(due_thanks(), thank_booker, "a booker could not be thanked")
        self._reminded_at = None if done else now
        return done

    def _tell_hosts(self, now: datetime) -> int:
        """Tell hosts where their slots stand, and on the day before who comes."""
        done = self._each(due_host_entries(), tell_host, "a host could not be told of a slot")
        if self._digested_at is None or abs(now - self._digested_at) >= DIGEST_EVERY:
            done += self._each(due_host_days(), tell_hosts_of_day, "a host could not be told of tomorrow")
            self._digested_at = now
        return done

    def _each(self, things: Iterable[T], verb: Callable[[T], int], trouble: str) -> int:
        """One transaction for each thing, so that one in trouble keeps no other; says how often something was done."""
        done = 0
        for thing in things:
            if self._stopping.is_set():
                break
            try:
                done += in_transaction(partial(verb, thing))
            except SQLAlchemyError:
                raise
            except Exception:
                log.exception(trouble)
        db.session.commit()
        return done

    def _deliver(self, most: int, *, patient: bool = False) -> list[Attempt]:
        """Attempt up to `most` messages. Unless `patient`, stop at the first sign that the server is away."""
        attempts: list[Attempt] = []
        while len(attempts) < most and not self._stopping.is_set():
            attempt = deliver_next(self._settings, self._transport)
            if attempt is None:
                break
            attempts.append(attempt)
            self.counts[attempt.outcome] += 1
            if attempt.unreachable and not patient:
                break
        return attempts

    def _read_inbox(self) -> int:
        """Take what is new in the mailbox, if it is time to look, and decide about what is undecided; says how much it was."""
        taken = self._inbox.look(self._stopping.is_set)
        decided = decide_all(self._settings, MAILS_A_VISIT, self._stopping.is_set).total()
        self.counts["decided"] += decided
        return taken + decided

    def _import(self) -> int:
        """One step of every import that waits for the worker, so that mail never waits for a long file; says how many."""
        steps = 0
        for number in due_imports():
            if self._stopping.is_set():
                break
            try:
                steps += in_transaction(lambda number=number: import_step(number, clock.now()))  # type: ignore[misc]
            except SQLAlchemyError:
                raise
            except Exception:  # it would fail again for ever
                log.exception("an import failed")
                in_transaction(lambda number=number: give_up_import(number, "crashed", clock.now()))  # type: ignore[misc]
        db.session.commit()
        return steps

    def _tidy(self) -> None:
        now = clock.now()
        if self._tidied_at is None or now - self._tidied_at >= TIDY_EVERY:
            in_transaction(lambda: forget_old_counts(now))
            in_transaction(lambda: tidy_imports(now))
            self._tidied_at = now
            self._purge(now)

    def _purge(self, now: datetime) -> None:
        try:
            taken = purge(now, in_transaction, self._stopping.is_set)
        except SQLAlchemyError:
            raise
        except Exception:  # no reason to keep the mail waiting; the next hour tries again
            log.exception("the purge failed")
        else:
            if total := taken.total():
                self.counts["purged"] += total
                log.info("purged %s", " ".join(f"{what}={number}" for what, number in taken.items()))

    @property
    def summary(self) -> str:
        """What was done, in one line."""
        sent, later, dead = (self.counts[outcome] for outcome in (Outcome.SENT, Outcome.LATER, Outcome.DEAD))
        decided = f" {self.counts['decided']} decided." if self.counts["decided"] else ""
        return f"{sent} sent, {later} to try again, {dead} dead; {self.counts['expired']} holds expired.{decided}"
