"""Mails that are of use for some time only: what waited too long for the mail server, or is true no longer, is not sent.

Everything else is sent however late: a lost confirmation is a defect, a reminder of a visit that is over is one, too.
"""

from __future__ import annotations

from datetime import datetime

from booking.actions.remind_bookers import DAYS_BEFORE, comes_in_time
from booking.actions.thank_bookers import THANKED, can_be_thanked
from booking.models import Booking, Kind, Message, Status


def is_of_use(message: Message, now: datetime) -> bool:
    """Whether a mail may still be sent. A reminder names the slot as it is, or somebody has told its booker already.

    Who comes tomorrow is no news to a host once the first of them is there.
    """
    if message.kind is Kind.HOST_DAY:
        return now < datetime.fromisoformat(message.facts["slots"][0]["starts_at"])
    booking = message.booking
    if booking is None or not (message.kind in DAYS_BEFORE or message.kind is Kind.VISIT_THANKS):
        return True
    slot = booking.slot
    if slot.cancelled_at or slot.event.cancelled_at:
        return False
    if message.kind is Kind.VISIT_THANKS:
        return booking.status in THANKED and can_be_thanked(slot, now)
    return booking.status is Status.CONFIRMED and _is_as_said(message, booking) and comes_in_time(slot, now)


def _is_as_said(message: Message, booking: Booking) -> bool:
    said = message.facts["slot"]
    return bool((said["id"], said["starts_at"]) == (booking.slot_id, booking.slot.starts_at.isoformat()))
