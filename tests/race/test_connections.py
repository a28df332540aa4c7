"""A request takes one connection and gives it back: eight of them at once must not empty the pool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import event

from booking.db import db
from tests.world import World


@contextmanager
def most_at_once() -> Iterator[list[int]]:
    """Watches the pool: how many connections were out after each that was taken."""
    out: list[int] = []
    pool = db.engine.pool

    def taken(*_: object) -> None:
        out.append(pool.checkedout())  # type: ignore[attr-defined]

    event.listen(pool, "checkout", taken)
    try:
        yield out
    finally:
        event.remove(pool, "checkout", taken)


def test_every_page_reads_over_one_connection(app: Flask, world: World) -> None:
    db.session.remove()
    client = app.test_client()
    slot = f"/slots/{world.visit_slot}/bookings/new"
    for page in (
        "/",
        "/events",
        f"/events/{world.visit}",
        f"/events/{world.visit}?fresh=1",
        slot,
        f"/api/v1/events/{world.visit}",
    ):
        with most_at_once() as out:
            assert client.get(page).status_code == 200
            db.session.remove()
        assert set(out) == {1}, page
