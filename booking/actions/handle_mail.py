"""Say that somebody has read a mail that came in, and seen to it."""

from __future__ import annotations

from sqlalchemy import select, update

from booking import clock
from booking.actions.record_change import record_change
from booking.actions.steps import record
from booking.db import db
from booking.errors import NotFound
from booking.models import Account, Booking, Inbound, Organisation, Who
from booking.queries import fetch

HANDLED = "mail_handled"


def handle_mail(mail_id: int, who: Who) -> bool:
    """Mark a mail as seen to, once. Says whether it was not before; who comes second changes nothing.

    The line of history is its booking's, or its organisation's; for a mail about nothing of ours, the operator's own account's.
    Raises `NotFound` for a mail nobody has to read.
    """
    mail = db.session.get(Inbound, mail_id, populate_existing=True)
    if mail is None or not mail.is_for_people:
        raise NotFound
    now = clock.now()
    seen = update(Inbound).where(Inbound.id == mail_id, Inbound.handled_at.is_(None))
    done = db.session.execute(
        seen.values(handled_at=now, handled_by_id=who.account_id), execution_options={"synchronize_session": False}
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE always has a row count
        return False
    if mail.booking_id is not None:
        # Its history goes on from the state it is in: nobody writes another line meanwhile.
        db.session.execute(select(Booking.id).where(Booking.id == mail.booking_id).with_for_update(key_share=True))
        booking = fetch.booking_by_id(mail.booking_id)
        record(booking, who, HANDLED, now, booking.status)
    elif mail.organisation_id is not None:
        record_change(who, HANDLED, db.session.get_one(Organisation, mail.organisation_id), now)
    else:
        record_change(who, HANDLED, db.session.get_one(Account, who.account_id), now)
    return True
