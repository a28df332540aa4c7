"""Limits against abuse, counted in the transaction of the booking they allow.

A recipient who has proven the address is not limited: it is strangers' mailboxes that need protection, and those of hosts and
heads, to whom whoever has proven an address could write without end. A network gets a generous allowance, because a whole school
often shows one address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from booking import clock
from booking.db import db
from booking.errors import TooMany
from booking.links import keyed_hash
from booking.models import LimitCounter

PER_RECIPIENT_AND_HOUR = 8
PER_NETWORK_AND_HOUR = 240
PER_ASKER_AND_HOUR = 16
"""Requests of one address that ask a school's head, whichever school's."""
PER_BOOKING_AND_HOUR = 20
"""Changes of one booking by its booker."""

T = TypeVar("T")


@dataclass(frozen=True)
class Limiter:
    """Who is asking, and the key their traces are hashed with. `on=False` is for load tests."""

    secret: str
    network: str
    on: bool = True

    def count(self, recipient: str | None, now: datetime) -> None:
        """Count one request of this hour for its network and, where given, its recipient. Raises `TooMany`."""
        allowed = {keyed_hash(self.secret, "network", network_of(self.network)): ("network", PER_NETWORK_AND_HOUR)}
        if recipient is not None:
            allowed[keyed_hash(self.secret, "recipient", recipient.casefold())] = ("recipient", PER_RECIPIENT_AND_HOUR)
        self._count(allowed, now)

    def count_asking(self, asker: str, now: datetime) -> None:
        """Count one request that asks a school's head, by the address it comes from. Raises `TooMany`."""
        self._count({keyed_hash(self.secret, "asker", asker.casefold()): ("recipient", PER_ASKER_AND_HOUR)}, now)

    def changing(self, reference: str, verb: Callable[[], T]) -> T:
        """Run a verb by which a booker changes a booking: each may write to the host, and to the school's head.

        What is refused does not count. Raises `TooMany`, and what the verb raises.
        """
        self._count({keyed_hash(self.secret, "booking", reference): ("booking", PER_BOOKING_AND_HOUR)}, clock.now())
        return verb()

    def _count(self, allowed: Mapping[str, tuple[str, int]], now: datetime) -> None:
        """Count one for each subject, and compare with its scope's limit."""
        if not self.on:
            return
        hour = now.replace(minute=0, second=0, microsecond=0)
        for subject, count in _add_one(sorted(allowed), hour):
            scope, most = allowed[subject]
            if count > most:
                raise TooMany(scope, retry_after=max(1, int((hour + timedelta(hours=1) - now).total_seconds())))


def count_try(secret: str, subject: str, now: datetime) -> int:
    """Count one try to guess something of a subject, and say how many this hour has seen with it. Never switched off."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    [(_, count)] = _add_one([keyed_hash(secret, "try", subject)], hour)
    return count


def forget_tries(secret: str, subject: str) -> None:
    """Begin to count anew: the last try was right."""
    db.session.execute(delete(LimitCounter).where(LimitCounter.subject == keyed_hash(secret, "try", subject)))


def network_of(address: str) -> str:
    """The network an address counts for: itself for IPv4, its /64 for IPv6, where one line has 2⁶⁴ addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def forget_old_counts(now: datetime) -> None:
    """Delete counters of past hours."""
    db.session.execute(delete(LimitCounter).where(LimitCounter.hour < now - timedelta(hours=2)))


def _add_one(subjects: list[str], hour: datetime) -> list[tuple[str, int]]:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(LimitCounter).values([{"subject": subject, "hour": hour, "count": 1} for subject in subjects])
    statement = statement.on_conflict_do_update(index_elements=["subject", "hour"], set_={"count": LimitCounter.count + 1})
    return [
        (row.subject, row.count_)
        for row in db.session.execute(statement.returning(LimitCounter.subject, LimitCounter.count.label("count_")))
    ]
