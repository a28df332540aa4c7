"""The host's answer to a headcount that was asked for late."""

from __future__ import annotations

from typing import Any

from booking import clock
from booking.actions.change_headcount import change_headcount
from booking.actions.queue_message import queue_copy, times_told
from booking.actions.steps import record
from booking.errors import NothingAsked
from booking.models import Booking, Kind, Who
from booking.models.reason import read_reason
from booking.queries import fetch


def accept_headcount(reference: str, asked_at: str, who: Who) -> Booking:
    """Change the headcount as it was asked for, like the host would by hand: places are looked at, the invitation follows.

    `asked_at` says which question is answered, as its `at` says it: one that was replaced meanwhile is not. Raises `NotFound`,
    `NothingAsked`, `Invalid`, `WrongState`, `BookingClosed` or `SlotFull`.
    """
    asked = _question(fetch.booking(reference), asked_at)
    return change_headcount(reference, asked["pupils"], asked["adults"], who)


def refuse_headcount(reference: str, asked_at: str, why: str, who: Who) -> Booking:
    """Leave the headcount as it is, and tell the booker why. Raises `NotFound`, `NothingAsked` or `Invalid` (no reason)."""
    booking, now = fetch.booking(reference), clock.now()
    question = _question(booking, asked_at)
    reason = read_reason({"why": why}, required=True)
    asked = {"pupils": question["pupils"], "adults": question["adults"]}
    booking.change_asked = None
    record(booking, who, "change_refused", now, booking.status, {"asked": asked, "why": reason})
    queue_copy(booking, Kind.CHANGE_REFUSED, now, times_told(booking, Kind.CHANGE_REFUSED), asked=asked, why=reason)
    return booking


def _question(booking: Booking, asked_at: str) -> dict[str, Any]:
    if booking.change_asked is None or booking.change_asked["at"] != asked_at or not booking.is_live:
        raise NothingAsked
    return booking.change_asked
