"""Refusals: what the house says no to, why, and what is possible instead.

A refusal carries a stable `code` and facts, never a sentence: the door that answers knows the visitor's
language (`booking.wording` holds the sentences), and programs read the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class LastManager(Refusal):
    """An organisation never loses its last manager: nobody could work for it any more."""

    code = "last_manager"


class SecondFactorNeeded(Refusal):
    """Who belongs to an authority cannot go without a second factor."""

    code = "second_factor_needed"


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


class ClassBooked(Refusal):
    """The same class has a booking at this event already, perhaps made by a colleague; the event takes each class once."""

    code = "class_booked"


class AlreadySplit(Refusal):
    """The class is split over two slots already, and two is what it can be (`reference` is its other half)."""

    code = "already_split"


class SchoolLimit(Refusal):
    """The school has as many bookings in this edition as one school may have (`limit`)."""

    code = "school_limit"


class PriorityOnly(Refusal):
    """Until `at`, classes of priority schools alone may book; `uai_missing` tells that no school was named by its UAI."""

    code = "priority_only"


class NotFull(Refusal):
    """Nobody has to wait for this slot: there is room, and nobody who fits stands before (`remaining`)."""

    code = "not_full"


class TooLate(Refusal):
    """The last moment for this change has passed (`what`: headcount, cancellation, move or label)."""

    code = "too_late"

    def __init__(self, what: str, *, at: datetime) -> None:
        super().__init__(what=what, at=at)
        self.what = what
        self.at = at


class FeedbackClosed(Refusal):
    """Nobody can say now how a visit was. `why` is not_yet (it has not begun, `at`), over or no_visit (nobody came by it)."""

    code = "feedback_closed"

    def __init__(self, why: str, *, at: datetime | None = None) -> None:
        super().__init__(why=why, at=at)
        self.why = why


class WrongState(Refusal):
    """The booking is not in a state this step can start from."""

    code = "wrong_state"

    def __init__(self, status: str) -> None:
        super().__init__(status=status)
        self.found = status


class EditConflict(Refusal):
    """Somebody else has changed the event since this form was opened. `changes` holds what, by field: `[before, now]`."""

    code = "edit_conflict"

    def __init__(self, changes: Mapping[str, Sequence[object]], version: int) -> None:
        super().__init__()
        self.changes = dict(changes)
        self.version = version


class EventNotReady(Refusal):
    """The event lacks something. `what` is what was asked for (label or publication), `missing` names the conditions not met."""

    code = "event_not_ready"

    def __init__(self, what: str, missing: Sequence[str]) -> None:
        super().__init__(what=what)
        self.missing = tuple(missing)
        self.what = what


class EventFixed(Refusal):
    """The event is in a state that allows no such thing. `why` is one of over, cancelled, label_refused, no_authority."""

    code = "event_fixed"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)
        self.why = why


class StillBooked(Refusal):
    """Somebody holds places at the event: it can be cancelled, which tells them, and not simply taken away."""

    code = "still_booked"

    def __init__(self, bookings: int) -> None:
        super().__init__(bookings=bookings, remaining=bookings)
        self.bookings = bookings


class WrongLabelState(Refusal):
    """No such verdict can be given (`why`: decided, when nothing waits for one; changed, when the event is no longer as seen)."""

    code = "wrong_label_state"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)
        self.why = why


class WrongImportState(Refusal):
    """The import waits for no such decision (`why`: state, or lines when not every line is good)."""

    code = "wrong_import_state"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)
        self.why = why


class SlotChanged(Refusal):
    """Somebody else has changed the slot since this form was opened."""

    code = "slot_changed"


class CapacityTaken(Refusal):
    """More places are taken than would remain. `smallest` is the least possible number, `bookings` who holds them."""

    code = "capacity_taken"

    def __init__(self, smallest: int, bookings: Sequence[tuple[str, int]]) -> None:
        super().__init__(smallest=smallest)
        self.smallest = smallest
        self.bookings = tuple(bookings)
        """References with the places each of them takes."""


class PoolInUse(Refusal):
    """Places of a reserved pool are held where it should go (`why`: held, by `bookings`), or a slot has no others (only)."""

    code = "pool_in_use"

    def __init__(self, why: str, bookings: Sequence[tuple[str, int]]) -> None:
        super().__init__(why=why)
        self.bookings = tuple(bookings)
        """References with the places each of them holds."""


class PoolChanged(Refusal):
    """Somebody else has changed the pool, or which slots draw on it, since this form was opened."""

    code = "pool_changed"


class TooManyLetters(Refusal):
    """The bookers were written to often enough today (`what`: slot or organisation)."""

    code = "too_many_letters"
    status = 429

    def __init__(self, what: str, *, most: int) -> None:
        super().__init__(what=what, most=most)


class IdempotencyKeyReused(Refusal):
    """The same key came with another payload."""

    code = "idempotency_key_reused"
    status = 422


class TooMany(Refusal):
    """A limit against abuse was reached (`scope`: recipient, network or booking). `retry_after` is in seconds."""

    code = "too_many_requests"
    status = 429

    def __init__(self, scope: str, *, retry_after: int) -> None:
        super().__init__(scope=scope, retry_after=retry_after)
        self.scope = scope
        self.retry_after = retry_after


class NothingAsked(Refusal):
    """The question this answers is not open any more: it was answered, replaced or taken back."""

    code = "nothing_asked"


class NothingToSend(Refusal):
    """A mail that cannot be sent again: it is on its way already, or no longer says what is true."""

    code = "nothing_to_send"


class SentEnough(Refusal):
    """Mails of one booking were sent again `most` times already. `why` says since when that counts: today or ever."""

    code = "sent_enough"
    status = 429

    def __init__(self, why: str, *, most: int) -> None:
        super().__init__(why=why, most=most)
