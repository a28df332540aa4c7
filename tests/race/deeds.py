"""What people, hosts and the clock do at once to places that are offered, split or waited for; and the same without its guard."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine, event, select, update
from sqlalchemy.exc import InvalidRequestError

import booking.db
from booking import clock
from booking.actions import answer_offer, cancel_booking, expire_holds, join_waiting_list, offer_places, places, set_capacity
from booking.actions.book_places import Terms
from booking.actions.move_booking import move_booking
from booking.actions.offer_by_hand import offer_by_hand
from booking.actions.split_booking import split_booking
from booking.db import db, in_transaction
from booking.models import Actor, Booking, Pool, Who
from booking.queries import fetch
from tests.race.clients import NO_LIMIT, Ask, book, inside
from tests.race.crowd import Client
from tests.race.site import party

_HOST = Who(Actor.HOST)
PAUSE = 0.5
"""Seconds a control waits where its guard is missing, so that somebody else surely comes in between."""


def wait(ask: Ask, *, at_least: int | None = None) -> str:
    """Wait for a slot with a proven address, and return the reference."""
    terms = Terms(key=ask.key, locale="fr", limiter=NO_LIMIT, proven=True)
    return in_transaction(
        lambda: join_waiting_list.join_waiting_list(ask.slot_id, party(ask.places, ask.label), terms, at_least)
    ).reference


def _expire(reference: str) -> str:
    expire_holds.clock = SimpleNamespace(now=lambda: clock.now() + timedelta(hours=25))  # type: ignore[assignment]  # for this one alone
    return str(in_transaction(lambda: expire_holds.expire_hold(reference)))


DEEDS: dict[str, Callable[..., str]] = {
    "book": book,
    "wait": wait,
    "accept": lambda reference: in_transaction(lambda: answer_offer.accept_offer(reference)).status,
    "expire": _expire,
    "cancel": lambda reference: in_transaction(lambda: cancel_booking.cancel_booking(reference)).status,
    "cancel later": lambda reference: (time.sleep(PAUSE / 2), DEEDS["cancel"](reference))[1],
    "offer": lambda reference, slot_id, pupils: in_transaction(lambda: offer_by_hand(reference, slot_id, pupils, _HOST)).status,
    "capacity": lambda slot_id, number: str(
        in_transaction(lambda: set_capacity.set_capacity(slot_id, {"capacity": number}, _HOST))
    ),
    "split": lambda reference, slot_id, pupils: in_transaction(lambda: split_booking(reference, slot_id, pupils, 1)).reference,
    "move": lambda reference, slot_id: in_transaction(lambda: move_booking(reference, slot_id)).reference,
}


def do(deed: tuple[Any, ...]) -> str:
    """Do one thing, named first, to what is named after it."""
    return DEEDS[deed[0]](*deed[1:])


def through_deeds(url: str) -> Client:
    """Clients that do such things."""
    return inside(url, do)


def through_deeds_without_versions(url: str) -> Client:
    """The same, where nobody looks whether a booking is still what it was when it was read."""
    _without_its_one_writer(url)
    Booking.__mapper__.version_id_col = None
    answer_offer.end_offer = expire_holds.end_offer = _slowly(offer_places.end_offer)
    return inside(url, do)


def through_deeds_without_locks(url: str) -> Client:
    """The same, where who joins a queue locks nothing between the look at what is free and the place in the queue."""
    _without_its_one_writer(url)
    join_waiting_list.lock_around = lambda _pools: None
    join_waiting_list.stand_in_queues = _slowly(join_waiting_list.stand_in_queues)
    join_waiting_list.offer_places = lambda *_: []
    return inside(url, do)


def through_deeds_without_a_condition(url: str) -> Client:
    """The same, where a capacity is set by what was read before."""
    _without_its_one_writer(url)
    set_capacity.lock_around = lambda _pools: None
    set_capacity.running_slot_to_change = fetch.slot  # who books waits for the slot's row, too
    set_capacity.set_places = _read_then_set
    return inside(url, do)


def through_deeds_without_order(url: str) -> Client:
    """The same, where pools are locked as they come, and nobody begins again after a deadlock."""
    booking.db.ATTEMPTS = 1
    for module in (places, offer_places):
        module.lock_pools = _look  # type: ignore[attr-defined]
    places._take_one = _slowly(places._take_one)
    return inside(url, do)


def _slowly(work: Callable[..., Any]) -> Callable[..., Any]:
    def slow(*args: Any, **more: Any) -> Any:
        time.sleep(PAUSE)
        return work(*args, **more)

    return slow


def _look(pool_ids: Any) -> list[Pool]:
    return list(
        db.session.scalars(select(Pool).where(Pool.id.in_(list(pool_ids))), execution_options={"populate_existing": True})
    )


def _read_then_set(pool: Pool, capacity: int) -> None:
    taken = db.session.scalar(select(Pool.taken).where(Pool.id == pool.id)) or 0
    time.sleep(PAUSE)
    if taken <= capacity:
        db.session.execute(update(Pool).where(Pool.id == pool.id).values(capacity=capacity))


def _without_its_one_writer(url: str) -> None:
    """SQLite's BEGIN IMMEDIATE lets nobody in between: the other half of every guard."""
    if url.startswith("sqlite"):
        with suppress(InvalidRequestError):
            event.remove(Engine, "begin", booking.db._begin)
