"""Ask the host for another headcount, once the last moment to change it alone has passed."""

from __future__ import annotations

from booking import clock
from booking.actions.change_headcount import change_headcount, read_heads, refuse_misfit
from booking.actions.queue_message import queue_host_notice
from booking.actions.steps import record
from booking.errors import BookingClosed, Invalid, Problem, WrongState
from booking.models import BOOKER, Booking, Kind, Status, Who
from booking.queries import fetch


def ask_headcount(reference: str, pupils: object, adults: object, who: Who = BOOKER) -> Booking:
    """Put the question to the host; it replaces one that is open. Asking for what one has takes an open question back.

    While the headcount can still be changed without asking (the slot was moved meanwhile), it simply is. The numbers come as a
    form wrote them. Places are looked at when the host answers. Raises `NotFound`, `Invalid`, `WrongState` or `BookingClosed`,
    and `SlotFull` where it is changed at once.
    """
    wanted_pupils, wanted_adults = read_heads(pupils, adults)
    booking, now = fetch.booking(reference), clock.now()
    if now < booking.slot.headcount_until:
        return change_headcount(reference, wanted_pupils, wanted_adults, who)
    if booking.status is not Status.CONFIRMED:
        raise WrongState(booking.status)
    if not booking.is_class:
        raise Invalid({"pupils": Problem("not_a_class")})
    closed = booking.slot.closed_because(now)
    if closed and closed.why in {"cancelled", "past", "archived"}:
        raise BookingClosed(closed.why, at=closed.at)
    asked = {"pupils": wanted_pupils, "adults": wanted_adults}
    has = {"pupils": booking.pupils, "adults": booking.adults}
    open_one = {name: booking.change_asked[name] for name in asked} if booking.change_asked else has
    if asked == open_one:
        return booking
    if asked == has:
        booking.change_asked = None
        record(booking, who, "change_asked", now, booking.status, {"asked": None})
        return booking
    refuse_misfit(booking, wanted_pupils, wanted_adults)
    booking.change_asked = asked | {"at": now.isoformat()}
    record(booking, who, "change_asked", now, booking.status, {"asked": asked})
    queue_host_notice(booking, Kind.HOST_CHANGE_ASKED, now, asked=asked, before=has)
    return booking
