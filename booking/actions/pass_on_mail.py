"""Pass on what a person wrote to our address: to the host of the visit, or to the operator where it is about none.

It never answers who wrote, and so many mails a day and no more: a mailbox that anybody may write to must not become a way to
flood those of hosts. What is held back stands on the page of what came in, with everything else.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, or_, select

from booking import clock
from booking.actions.queue_message import HOST_LOCALE, queue_letter
from booking.addresses import is_same_address
from booking.db import db
from booking.models import Booking, Decision, Inbound, Kind
from booking.queries.workspace import managers_of

PER_SENDER_AND_DAY = 5
PER_DAY = 50
"""Mails that are passed on in one day in Paris: of one sender, and to one host or the operator. Who floods the one, for which no
more than our address is needed, does not silence the others."""
LONGEST_QUOTE = 4000
"""Characters of a mail that are quoted; the whole of it is on the page."""
_HELD_BACK = "held_back"
_NOBODY_ELSE = "nobody_else"


def pass_on_mail(
    mail: Inbound, booking: Booking | None, text: str, operator_email: str, now: datetime, *, own_address: str = ""
) -> None:
    """Queue one letter that quotes `text` to each address that reads about the booking, or to the operator where there is none.

    The mail becomes the affair of the booking's host, or the operator's. Nothing goes to who wrote, nor to `own_address`, the
    one we send from: that would come back. Above the limits nothing is queued, and `details` says so (`held_back`); nor where
    who wrote is all who would read it (`nobody_else`). What is decided about the mail is written by the caller, who commits.
    """
    mail.organisation_id = booking.slot.event.host_id if booking else None
    if _is_too_many(mail, now):
        mail.details = (mail.details or {}) | {_HELD_BACK: True}
        return
    never = mail.sender, own_address
    readers = _readers(booking, operator_email)
    recipients = [address for address in readers if not any(is_same_address(address, one) for one in never)]
    if not recipients:
        mail.details = (mail.details or {}) | {_NOBODY_ELSE: True}
    for address in recipients:
        queue_letter(address, HOST_LOCALE, Kind.MAIL_RECEIVED, now, **_facts(mail, booking, text))


def _readers(booking: Booking | None, operator_email: str) -> list[str]:
    """Who reads it. A host without any address still has people who manage it."""
    if booking is None:
        return [operator_email]
    event = booking.slot.event
    return event.notice_addresses or [account.email for account in managers_of(event.host_id)]


def _facts(mail: Inbound, booking: Booking | None, text: str) -> dict[str, object]:
    quoted = text.strip()[:LONGEST_QUOTE]
    facts: dict[str, object] = {
        "sender": mail.sender or "Quelqu’un",
        "remarks": "\n".join(part for part in (mail.subject, quoted) if part),
    }
    if booking is None:
        return facts
    return facts | {
        "reference": booking.reference,
        "title": booking.slot.event.title,
        "visit_at": booking.slot.starts_at.isoformat(),
    }


def _is_too_many(mail: Inbound, now: datetime) -> bool:
    held_back, whose = Inbound.details[_HELD_BACK].as_boolean(), mail.organisation_id
    of_sender, to_one = func.lower(Inbound.sender) == mail.sender.lower(), Inbound.organisation_id.is_not_distinct_from(whose)
    statement = select(func.count().filter(to_one), func.count().filter(of_sender)).where(
        Inbound.decision == Decision.PASSED_ON,
        Inbound.decided_at >= clock.at_paris(clock.paris_day(now), 0),
        or_(held_back.is_(None), held_back.is_(False)),
        Inbound.id != mail.id,
    )
    passed_to_one, passed_of_sender = db.session.execute(statement).one()
    return bool(passed_to_one >= PER_DAY or passed_of_sender >= PER_SENDER_AND_DAY)
