"""Lead a booking that holds places to what comes next: an address to prove, the head's yes, the host's yes, its confirmation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from booking.actions.leave_lists import leave_lists
from booking.actions.queue_message import queue_copy, queue_host_notice, queue_message, queue_to_head, times_told
from booking.actions.steps import record, step
from booking.models import Booking, HeldFor, Kind, Status, Who


def settle(booking: Booking, who: Who, action: str, now: datetime, *, new: bool = False, ask: bool = True) -> None:
    """Confirm a booking, or let it wait for the next thing it needs, with a deadline; whoever must know is told.

    Call it when something it waited for has come, or when it is `new`. `action` is the line of history that says what happened.
    Places are not touched: it holds them already, or will presently. Without `ask` nobody is asked for what it needs: of a split
    class only one half asks for both.
    """
    needed = booking.still_needs
    if needed is None:
        step(booking, Status.CONFIRMED, who, action, now, new=new)
        booking.next_invitation(now)
        queue_message(booking, Kind.BOOKING_CONFIRMED, now)
        queue_host_notice(booking, Kind.HOST_BOOKING_CONFIRMED, now)
        leave_lists(booking, now)
        return
    before = None if new else booking.status
    hold_for(booking, needed, now)
    record(booking, who, action, now, before, {"asks": needed.value} if ask else {})
    if ask:
        _ASK[needed](booking, now)


def ask_again(booking: Booking, now: datetime) -> None:
    """Ask whoever must approve once more: what they were asked about is no longer what is held. Their deadline stays.

    An address that is not proven gets no second mail: the page its link shows says what is true now.
    """
    if booking.held_for in {HeldFor.HEAD, HeldFor.HOST}:
        _ASK[booking.held_for](booking, now)


def hold_for(booking: Booking, needed: HeldFor, now: datetime) -> None:
    """Let the places be held for one thing, until its deadline; that of an address to prove was set when it was asked for."""
    booking.status, booking.held_for = Status.HELD, needed
    event, last = booking.slot.event, booking.slot.answers_until(now)
    if needed is HeldFor.HEAD:
        booking.expires_at = min(now + timedelta(days=event.head_answer_days), last)
    elif needed is HeldFor.HOST:
        booking.expires_at = min(now + timedelta(hours=event.host_answer_hours), last)


def _ask_for_proof(booking: Booking, now: datetime) -> None:
    # The mail promises an invitation only where nobody else has to say yes first.
    then = HeldFor.HEAD if booking.head_needed else HeldFor.HOST if booking.slot.event.host_approval else None
    queue_message(booking, Kind.BOOKING_TO_PROVE, now, **({"then": then.value} if then else {}))


def _ask_head(booking: Booking, now: datetime) -> None:
    queue_to_head(booking, Kind.HEAD_ASKED, now)
    _tell_where_it_stands(booking, now)


def _ask_host(booking: Booking, now: datetime) -> None:
    queue_host_notice(booking, Kind.HOST_APPROVAL_ASKED, now)
    _tell_where_it_stands(booking, now)


def _tell_where_it_stands(booking: Booking, now: datetime) -> None:
    held_for = booking.held_for.value if booking.held_for else ""
    queue_copy(booking, Kind.BOOKING_PENDING, now, times_told(booking, Kind.BOOKING_PENDING), held_for=held_for)


_ASK: dict[HeldFor, Callable[[Booking, datetime], None]] = {
    HeldFor.EMAIL: _ask_for_proof,
    HeldFor.HEAD: _ask_head,
    HeldFor.HOST: _ask_host,
}
