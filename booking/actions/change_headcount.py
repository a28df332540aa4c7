"""Change how many come. More re-checks the places, fewer gives them back."""

from __future__ import annotations

from dataclasses import replace

from booking import clock
from booking.actions.offer_places import free_places
from booking.actions.places import take_more
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.steps import record
from booking.db import db
from booking.errors import Invalid, Problem, TooLate, WrongState
from booking.models import BOOKER, Actor, Booking, HeldFor, Kind, Status, Who
from booking.models.admission import misfits
from booking.models.party import LARGEST_CLASS, MOST_ADULTS, read_number
from booking.queries import fetch


def change_headcount(reference: str, pupils: object, adults: object, who: Who = BOOKER) -> Booking:
    """Set the pupils and adults of a class that holds places. The same numbers again change nothing.

    The numbers come as a form or a program wrote them. Raises `NotFound`, `Invalid`, `WrongState`, `TooLate`
    (the site wants to know some time before) or `SlotFull`.
    """
    wanted_pupils, wanted_adults = read_heads(pupils, adults)
    booking = fetch.booking(reference)
    now = clock.now()
    _refuse_if_closed(booking, who.actor)
    if (booking.pupils, booking.adults) == (wanted_pupils, wanted_adults):
        return booking
    places = booking.slot.places_for_class(wanted_pupils, wanted_adults)
    refuse_misfit(booking, wanted_pupils, wanted_adults)
    before = {"pupils": booking.pupils, "adults": booking.adults, "places": booking.places}
    more = places - booking.places
    booking.pupils, booking.adults, booking.places = wanted_pupils, wanted_adults, places
    booking.asked_pupils = booking.change_asked = None
    record(booking, who, "headcount_changed", now, booking.status, {"before": before})
    if booking.status is Status.CONFIRMED:
        booking.next_invitation(now)
        queue_message(booking, Kind.BOOKING_CHANGED, now, before=before)
        queue_host_notice(booking, Kind.HOST_BOOKING_CHANGED, now, before=before)
    db.session.flush()
    if more > 0:
        take_more(booking, more, now)
    elif more < 0:
        free_places([booking], now, -more)
    return booking


def read_heads(pupils: object, adults: object) -> tuple[int, int]:
    """Pupils and adults as a form or a program wrote them. Raises `Invalid`."""
    read_pupils = read_number(pupils, 1, LARGEST_CLASS)
    read_adults = read_number(adults, 1, MOST_ADULTS)
    if isinstance(read_pupils, int) and isinstance(read_adults, int):
        return read_pupils, read_adults
    read = {"pupils": read_pupils, "adults": read_adults}
    raise Invalid({name: problem for name, problem in read.items() if isinstance(problem, Problem)})


def refuse_misfit(booking: Booking, pupils: int, adults: int) -> None:
    """The rules of sizes and adults hold for a changed headcount as for a new booking. Raises `Invalid`."""
    party = replace(booking.party, pupils=pupils, adults=adults)
    problems = {name: found for name, found in misfits(booking.slot, party).items() if name in {"pupils", "adults"}}
    if problems:
        raise Invalid(problems)


def _refuse_if_closed(booking: Booking, actor: Actor) -> None:
    now = clock.now()
    if booking.status not in {Status.HELD, Status.CONFIRMED}:
        raise WrongState(booking.status)
    if booking.is_overdue(now):
        raise WrongState(Status.EXPIRED)
    if booking.held_for is HeldFor.OFFER:
        raise WrongState(booking.status)  # first it is accepted, with as many as were offered
    if not booking.is_class:
        raise Invalid({"pupils": Problem("not_a_class")})
    closed = booking.slot.closed_because(now)
    if closed and closed.why in {"cancelled", "past", "archived"}:
        raise closed
    if actor is Actor.BOOKER and now >= booking.slot.headcount_until:
        raise TooLate("headcount", at=booking.slot.headcount_until)
