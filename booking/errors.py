"""Refusals: what the house says no to, why, and what is possible instead.

A refusal carries a stable `code` and facts, never a sentence: the door that answers knows the visitor's
language (`booking.wording` holds the sentences), and programs read the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field: a stable code and the numbers or words its sentence needs."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


class Refusal(Exception):
    """Something a visitor asked for that a rule forbids. `status` is the HTTP status it answers with."""

    code = "refused"
    status = 409

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code)
        self.facts: dict[str, object] = facts


class NotFound(Refusal):
    """There is no such thing, or this visitor may not see it: the two are never told apart."""

    code = "not_found"
    status = 404


class SignedOut(Refusal):
    """A form came from somebody who is not (or no longer) signed in."""

    code = "signed_out"
    status = 401


class Invalid(Refusal):
    """The request's own words are off; `fields` says which and why."""

    code = "invalid"
    status = 422

    def __init__(self, fields: Mapping[str, Problem]) -> None:
        super().__init__()
        self.fields = dict(fields)


class SlotFull(Refusal):
    """Fewer places are left than the party needs."""

    code = "slot_full"

    def __init__(self, *, remaining: int, wanted: int) -> None:
        super().__init__(remaining=remaining, wanted=wanted)
        self.remaining = remaining
        self.wanted = wanted


class BookingClosed(Refusal):
    """Nobody may book this slot now. `why` is one of cancelled, not_yet, too_late, past, archived."""

    code = "booking_closed"

    def __init__(self, why: str, *, at: datetime | None = None) -> None:
        super().__init__(why=why, at=at)
        self.why = why
        self.at = at


class AlreadyBooked(Refusal):
    """The same party holds places on this slot already."""

    code = "already_booked"


class TooLate(Refusal):
    """The last moment for this change has passed (`what`: headcount or cancellation)."""

    code = "too_late"

    def __init__(self, what: str, *, at: datetime) -> None:
        super().__init__(what=what, at=at)
        self.what = what
        self.at = at


class WrongState(Refusal):
    """The booking is not in a state this step can start from."""

    code = "wrong_state"

    def __init__(self, status: str) -> None:
        super().__init__(status=status)
        self.found = status


class IdempotencyKeyReused(Refusal):
    """The same key came with another payload."""

    code = "idempotency_key_reused"
    status = 422


class TooMany(Refusal):
    """A limit against abuse was reached (`scope`: recipient or network). `retry_after` is in seconds."""

    code = "too_many_requests"
    status = 429

    def __init__(self, scope: str, *, retry_after: int) -> None:
        super().__init__(scope=scope, retry_after=retry_after)
        self.scope = scope
        self.retry_after = retry_after
