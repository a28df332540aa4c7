"""Do a thing once, whatever the clock does and however many workers look."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update

from booking.db import db
from booking.models import Occasion


def first_time(key: str, now: datetime, *, told: bool = True) -> bool:
    """Note that a thing is done, or with `told=False` that it is passed over; says whether nobody had before.

    What follows belongs to the same transaction. Of two workers that come at once the database lets one write the line; the
    other one's transaction is run again, and finds it.
    """
    if db.session.get(Occasion, key, populate_existing=True) is not None:
        return False
    db.session.add(Occasion(key=key, at=now, told=told))
    db.session.flush()
    return True


def pass_over(keys: Collection[str]) -> None:
    """Note that what was to be told was not: its mail came too late to be of use and never left. It is not told later either."""
    if keys:
        statement = update(Occasion).where(Occasion.key.in_(keys)).values(told=False)
        db.session.execute(statement, execution_options={"synchronize_session": False})
