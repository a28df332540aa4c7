"""Say yes to a request: the school's head from the official mailbox, or the host from the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from booking import clock
from booking.actions.settle import settle
from booking.errors import BookingClosed, Invalid, Problem, WrongState
from booking.models import Actor, Booking, HeldFor, Status, Who
from booking.queries import fetch
from booking.queries.requests import sight_of

ASKED_OF: Mapping[Actor, HeldFor] = {Actor.HEAD: HeldFor.HEAD, Actor.HOST: HeldFor.HOST}
"""Who answers which question."""
_WORDS = {HeldFor.HEAD: "head_approved", HeldFor.HOST: "host_approved"}


def approve_booking(reference: str, who: Who, seen: str = "") -> Booking:
    """Approve what waits for this person's answer: it is confirmed, or held for the next one who must approve.

    Both halves of a split class are approved together, by the reference of either. Approving twice approves once. `seen` is what
    the answer is about (`sight_of`), where a page has shown it. Raises `NotFound`, `Invalid` (it has changed since),
    `WrongState` (it waits for no such answer, or no longer: `expired` once the deadline has passed) or `BookingClosed` (the slot
    was cancelled, or the visit has begun).
    """
    booking, now = fetch.booking(reference), clock.now()
    if booking.is_live and not booking.is_overdue(now) and _approved_at(booking, who):
        return booking
    halves = waiting_halves(booking, who, now)
    if seen and seen != sight_of(halves):
        raise Invalid({"decision": Problem("request_changed")})
    for half in halves:
        closed = half.slot.closed_because(now)
        if closed and closed.why in {"cancelled", "past", "archived"}:
            raise BookingClosed(closed.why, at=closed.at)
    for half in halves:
        if who.actor is Actor.HEAD:
            half.head_approved_at = now
        else:
            half.host_approved_at = now
        settle(half, who, _WORDS[ASKED_OF[who.actor]], now, ask=half is halves[0])
    return fetch.booking(reference)


def waiting_halves(booking: Booking, who: Who, now: datetime) -> list[Booking]:
    """The booking and its other half, as far as they wait for this person's answer; never empty. Raises `WrongState`."""
    asked = ASKED_OF.get(who.actor)
    halves = [half for half in fetch.together(booking) if half.status is Status.HELD and half.held_for is asked]
    if any(half.is_overdue(now) for half in halves) or (booking.is_overdue(now) and not halves):
        raise WrongState(Status.EXPIRED)
    if not halves:
        raise WrongState(booking.status)
    return halves


def _approved_at(booking: Booking, who: Who) -> datetime | None:
    """When this person has said yes already."""
    return {Actor.HEAD: booking.head_approved_at, Actor.HOST: booking.host_approved_at}.get(who.actor)
