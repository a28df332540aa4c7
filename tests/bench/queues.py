"""How long it takes to free places beside a long waiting list, and beside a short one: it should hardly matter."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text

from booking import clock
from booking.actions.answer_offer import decline_offer
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.join_waiting_list import join_waiting_list
from booking.db import db, in_transaction
from booking.models import Booking, Status, Wait
from tests.databases import migrate
from tests.race import site
from tests.race.clients import NO_LIMIT

SHORT, LONG = 10, 10_000
SAMPLES = 24
PLACES, PART = 31, 11


def ratios(postgresql: str) -> dict[str, float]:
    """By database and by what is freed, the time with a long queue over that with a short one; medians of taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"sqlite:///{Path(folder) / 'queues.sqlite3'}"
        return {
            f"{name}, {what}": ratio
            for name, url in (("SQLite", file), ("PostgreSQL", postgresql))
            for what, ratio in _on(url).items()
        }


def _on(url: str) -> dict[str, float]:
    migrate(url)
    with site.opened(url):
        pools = {f"pool {number}": PLACES for number in range(4)}
        first_fits, far_down = [], []
        slots = site.build(pools, [[name] for name in pools])
        for slot, waiting in zip(slots, (SHORT, LONG, SHORT, LONG), strict=True):
            queue = Queue(slot)
            (first_fits if slot in slots[:2] else far_down).append(queue)
            if slot in slots[:2]:
                queue.everybody_fits(waiting)
            else:
                queue.only_the_last_fits(waiting)
        db.session.commit()
        db.session.execute(text("ANALYZE"))
        db.session.commit()
        return {"the first fits": _ratio(first_fits), "only the last fits": _ratio(far_down)}


def _ratio(queues: list[Queue]) -> float:
    """Short and long in turn, so that a busy machine is busy for both."""
    times: list[list[float]] = [[], []]
    for _ in range(SAMPLES):
        for queue, seconds in zip(queues, times, strict=True):
            seconds.append(queue.free())
    short, long = (statistics.median(seconds[2:]) for seconds in times)  # the first ones warm what is kept
    return long / short


class Queue:
    """One full slot with a queue, and somebody who frees places on it again and again."""

    def __init__(self, slot_id: int) -> None:
        self.slot_id = slot_id
        self.offered = ""

    def everybody_fits(self, waiting: int) -> None:
        """All places go from one to the next, and each time one more joins at the end."""
        self.offered = self._book(PLACES)
        self._let_wait(waiting + SAMPLES, PLACES)

    def only_the_last_fits(self, waiting: int) -> None:
        """Too few places for all but the last of them come free."""
        self._book(PLACES - PART)
        self.offered = self._book(PART)
        self._let_wait(waiting, PLACES)
        self._let_wait(SAMPLES, PART)

    def free(self) -> float:
        """Free places that somebody who waits gets in the same transaction; says how many seconds it took."""
        began = time.perf_counter()
        if db.session.scalar(select(Booking.status).where(Booking.reference == self.offered)) is Status.CONFIRMED:
            in_transaction(lambda: cancel_booking(self.offered))
        else:
            in_transaction(lambda: decline_offer(self.offered))
        took = time.perf_counter() - began
        of_slot = Booking.slot_id == self.slot_id, Booking.status == Status.HELD
        self.offered = db.session.scalars(select(Booking.reference).where(*of_slot)).one()
        db.session.commit()
        db.session.expunge_all()
        return took

    def _book(self, places: int) -> str:
        party = site.party(places, f"{self.slot_id}-{places}")
        terms = Terms(key=f"{self.slot_id}-{places}", locale="fr", limiter=NO_LIMIT, proven=True)
        return in_transaction(lambda: book_places(self.slot_id, party, terms)).reference

    def _let_wait(self, number: int, places: int) -> None:
        """One joins by the verb, and the others are copies of it."""
        label = f"{self.slot_id} waits for {places}"
        terms = Terms(key=label, locale="fr", limiter=NO_LIMIT, proven=True)
        booking = in_transaction(lambda: join_waiting_list(self.slot_id, site.party(places, label), terms))
        table: Any = Booking.__table__
        one = dict(db.session.execute(select(table).where(table.c.id == booking.id)).one()._mapping)
        wait = dict(db.session.execute(select(Wait.__table__).where(Wait.booking_id == booking.id)).one()._mapping)
        first = (db.session.scalar(select(func.max(Booking.id))) or 0) + 1
        rank = db.session.scalar(select(func.max(Booking.rank))) or 0
        named = f"{self.slot_id}-{places}"
        bookings = [
            one
            | {
                "id": first + n, "reference": "{:04}-{:04}".format(*divmod(first + n, 10_000)), "rank": rank + 1 + n, "party_key": f"{named}-{n}",
                "class_key": f"{named}|3e|{n}", "uid": f"{named}-{n}", "idempotency_key": f"{named}-{n}", "created_at": clock.now(),
            }
            for n in range(number - 1)
        ]  # fmt: skip
        db.session.execute(insert(table), bookings)
        db.session.execute(insert(Wait), [wait | {"booking_id": copy["id"], "rank": copy["rank"]} for copy in bookings])
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("SELECT setval(pg_get_serial_sequence('bookings', 'id'), max(id)) FROM bookings"))
        db.session.commit()
