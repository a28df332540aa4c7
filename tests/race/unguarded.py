"""The control: the same crowd with the guard taken away. If this does not oversell, the race proves nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Engine, event, select, update

import booking.db
from booking.actions import places
from booking.db import db
from booking.models import Pool
from tests.race.clients import through_verbs
from tests.race.crowd import Client


def through_unguarded_verbs(url: str) -> Client:
    """Clients whose places are read first and written later, each statement for itself."""
    places._take_one = _read_then_write
    client = through_verbs(url)
    if url.startswith("sqlite"):
        event.remove(Engine, "begin", booking.db._begin)  # BEGIN IMMEDIATE lets nobody in between: the other half of the guard
    return client


def _read_then_write(pool_id: int, wanted: int, refusal: Callable[[], Exception], *_conditions: object) -> None:
    db.session.flush()
    capacity, taken = db.session.execute(select(Pool.capacity, Pool.taken).where(Pool.id == pool_id)).one()
    if taken + wanted > capacity:
        raise refusal()
    time.sleep(0.01)
    changed = update(Pool).where(Pool.id == pool_id).values(taken=taken + wanted)
    db.session.execute(changed, execution_options={"synchronize_session": False})
