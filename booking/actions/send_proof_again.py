"""The mail that asks to prove an address did not come: send it once more, a few times at most."""

from __future__ import annotations

from booking import clock
from booking.actions.limits import Limiter
from booking.actions.resend_message import SENT_AGAIN, queue_again, times_sent_again, way_again
from booking.actions.steps import record
from booking.errors import NothingToSend, SentEnough
from booking.models import BOOKER, Actor, Booking, HistoryEntry, Kind
from booking.queries import fetch, workspace_bookings

_PROOFS = frozenset({Kind.BOOKING_TO_PROVE, Kind.WAITING_TO_PROVE})
MOST = 3
"""How often a booker may ask for it: the address may be a stranger's."""


def send_proof_again(reference: str, limiter: Limiter) -> Booking:
    """Queue the mail again for who holds places or waits, with its deadline as it is. It counts against its recipient's limits.

    Raises `NotFound`, `NothingToSend` (nothing to prove any more, or the mail is on its way), `SentEnough` or `TooMany`.
    """
    booking, now = fetch.booking(reference), clock.now()
    messages = workspace_bookings.messages_of(booking.id)
    latest = next((message for message in reversed(messages) if message.kind in _PROOFS), None)
    if latest is None or way_again(booking, latest, messages, now) is None:
        raise NothingToSend
    if times_sent_again(booking, HistoryEntry.actor == Actor.BOOKER) >= MOST:
        raise SentEnough("ever", most=MOST)
    limiter.count(booking.email, now)
    queue_again(booking, latest, messages, now)
    record(booking, BOOKER, SENT_AGAIN, now, booking.status, {"kind": latest.kind.value})
    return booking
