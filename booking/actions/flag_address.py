"""A mail of ours came back for good: remember it with the mail, so that the host sees that the address does not work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from booking.actions.steps import record
from booking.addresses import is_same_address
from booking.db import db
from booking.models import CLOCK, Booking, Message
from booking.queries import fetch

BOUNCED = "mail_bounced"
_LONGEST_ERROR = 300


def flag_address(message_id_header: str, recipient: str, status: str, reason: str, now: datetime) -> Message | None:
    """Mark the mail with this Message-ID as one that cannot be delivered, and write it into its booking's history.

    A Message-ID cannot be guessed, yet whoever got the mail knows it: where the bounce names a `recipient`, it must be the
    mail's own. `status` is a code of RFC 3463; `reason` is what the server said, without addresses. Twice does nothing more.
    Returns the mail, or None where there is no such one.
    """
    found = select(Message).where(Message.message_id == message_id_header).execution_options(populate_existing=True)
    message = db.session.scalars(found).one_or_none()
    if message is None or (recipient and not is_same_address(recipient, message.recipient)):
        return None
    if message.booking_id is not None:  # its history goes on from the state it is in, and nobody writes another line meanwhile
        db.session.execute(select(Booking.id).where(Booking.id == message.booking_id).with_for_update(key_share=True))
        db.session.scalars(found.with_for_update(of=Message)).one()
    if message.bounced_at is None:
        message.bounced_at = now
        message.last_error = f"{status} {reason}".strip()[:_LONGEST_ERROR]
        if message.booking_id is not None:
            booking = fetch.booking_by_id(message.booking_id)
            record(booking, CLOCK, BOUNCED, now, booking.status, {"kind": message.kind.value, "status": status})
    return message
