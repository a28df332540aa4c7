"""Say no to a request: its places come back, and the booker reads who refused and why."""

from __future__ import annotations

from booking import clock
from booking.actions.approve_booking import ASKED_OF, waiting_halves
from booking.actions.offer_places import free_places
from booking.actions.queue_message import queue_message
from booking.actions.steps import step
from booking.db import db
from booking.models import Actor, Booking, HeldFor, Kind, Status, Who
from booking.models.reason import read_reason
from booking.queries import fetch

_WORDS = {HeldFor.HEAD: "head_refused", HeldFor.HOST: "host_refused"}


def refuse_booking(reference: str, who: Who, why: str = "") -> Booking:
    """Refuse what waits for this person's answer. The host says why; the head may.

    Both halves of a split class are refused together, by the reference of either. Refusing twice refuses once. Raises
    `NotFound`, `Invalid` (no reason, or too much of it) or `WrongState` (it waits for no such answer, or no longer).
    """
    booking, now = fetch.booking(reference), clock.now()
    if booking.status is Status.REFUSED and booking.ended_by is who.actor:
        return booking
    halves = waiting_halves(booking, who, now)
    reason = read_reason({"why": why}, required=who.actor is not Actor.HEAD)
    for half in halves:
        step(half, Status.REFUSED, who, _WORDS[ASKED_OF[who.actor]], now, reason)
        queue_message(half, Kind.BOOKING_REFUSED, now, by=who.actor.value, why=reason)
    db.session.flush()
    free_places(halves, now)
    return fetch.booking(reference)
