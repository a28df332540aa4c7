"""What is done about one mail that came in, by what it is: an answer, a bounce, a program's word or a person's.

Everything happens in the caller's transaction, with the mail's row locked.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select

from booking.actions.answer_in_calendar import answer_in_calendar
from booking.actions.flag_address import flag_address
from booking.actions.pass_on_mail import pass_on_mail
from booking.addresses import is_same_address
from booking.config import Settings
from booking.db import db
from booking.mail.delivery import scrubbed
from booking.mail.reading import CalendarAnswer, ReadMail, is_authentic
from booking.models import Answer, Arrived, Booking, Decision, HostEntry, Inbound, Message, Slot
from booking.queries import fetch

_ANSWERS = {"ACCEPTED": Answer.ACCEPTED, "TENTATIVE": Answer.TENTATIVE, "DECLINED": Answer.DECLINED}
_KNOWN_WORDS = frozenset({"reply", "counter", "refresh", "accepted", "tentative", "declined", "delegated", "needs-action"})
_LARGEST_NUMBER = 2**31 - 1
_MOST_LOOKED_UP = 100
"""Answers, references or tags of one mail that are looked up; no mail that is about something of ours has as many."""


def decide(inbound: Inbound, mail: ReadMail, settings: Settings, now: datetime) -> None:
    """Act upon a mail and write into its row what it was, whom it is about and what was done.

    Of a mail too large to be kept whole nothing is believed but what a person wrote at its beginning.
    """
    inbound.sender, inbound.subject = _printable(mail.sender, 254), _printable(mail.subject, 300)
    inbound.arrived, inbound.decision, inbound.details = mail.arrived, Decision.NOTHING, {}
    if _is_own(mail, settings):
        inbound.arrived = Arrived.AUTOMATIC  # our own words, come back: whoever acted upon them would talk to himself
        return
    is_cut = inbound.raw is not None and inbound.size > len(inbound.raw)
    match mail.arrived:
        case Arrived.REPLY | Arrived.COUNTER if is_cut or not mail.answers:
            inbound.arrived = Arrived.UNREADABLE
        case Arrived.REPLY | Arrived.COUNTER:
            _answer(inbound, mail, settings)
        case Arrived.BOUNCE:
            _bounce(inbound, mail, now)
        case Arrived.AUTOMATIC:
            _name_what_it_is_about(inbound, mail, by_any_tag=True)
        case Arrived.HUMAN:
            _pass_on(inbound, mail, settings, now)


def _is_own(mail: ReadMail, settings: Settings) -> bool:
    local, _, domain = mail.sender.rpartition("@")
    return is_same_address(f"{local.partition('+')[0]}@{domain}", settings.sender_address)


def _answer(inbound: Inbound, mail: ReadMail, settings: Settings) -> None:
    """An answer from a calendar. A mail may hold several (the same twice, or of other people's invitations): one is ours."""
    answer, host_entry = _ours(mail.answers)
    sequence = answer.sequence if 0 <= answer.sequence <= _LARGEST_NUMBER else _LARGEST_NUMBER
    words = {"method": answer.method.lower(), "answer": answer.partstat.lower()}
    inbound.details = {name: word for name, word in words.items() if word in _KNOWN_WORDS} | {"sequence": sequence}
    if host_entry is not None:
        inbound.details = inbound.details | {"host_entry": True}
        inbound.organisation_id = host_entry.slot.event.host_id
        return
    if not answer.uid.isprintable():
        inbound.decision = Decision.UNKNOWN_UID
        return
    given = _ANSWERS.get(answer.partstat.upper()) if answer.method.upper() == "REPLY" else None
    believed = is_authentic(mail, answer.attendee, settings.inbox_authserv_id)
    decided = answer_in_calendar(answer.uid, answer.attendee, given, sequence, answer.stamp, believed=believed)
    inbound.details = inbound.details | {"believed": believed}
    inbound.decision = decided.decision
    if decided.booking is not None:
        _belongs_to(inbound, decided.booking)
        inbound.message_id = _message_among(mail.references, Message.booking_id == decided.booking.id)


def _ours(answers: tuple[CalendarAnswer, ...]) -> tuple[CalendarAnswer, HostEntry | None]:
    """The first answer to an invitation of ours, else the first; and the host's entry, if that is what it answers."""
    for answer in (answer for answer in answers[:_MOST_LOOKED_UP] if answer.uid.isprintable()):
        if db.session.scalar(select(Booking.id).where(Booking.uid == answer.uid)) is not None:
            return answer, None
        if entry := db.session.scalars(select(HostEntry).where(HostEntry.uid == answer.uid)).one_or_none():
            return answer, entry
    return answers[0], None


def _bounce(inbound: Inbound, mail: ReadMail, now: datetime) -> None:
    """A mail of ours did not arrive. Believed where it names the Message-ID and, if any, the recipient of that mail."""
    bounce = mail.bounce
    if bounce is None or not bounce.original_id.isprintable():
        return
    status = _printable(bounce.status, 10)
    inbound.details = {"status": status, "permanent": bounce.permanent}
    if bounce.permanent:
        reason = scrubbed(bounce.reason, bounce.recipient)
        message = flag_address(bounce.original_id, bounce.recipient, status, reason, now)
        decision = Decision.ADDRESS_FLAGGED
    else:
        message = db.session.scalars(select(Message).where(Message.message_id == bounce.original_id)).one_or_none()
        if message and bounce.recipient and not is_same_address(bounce.recipient, message.recipient):
            message = None
        decision = Decision.DELAYED
    if message is not None:
        inbound.decision = decision
        _is_about(inbound, message)


def _name_what_it_is_about(inbound: Inbound, mail: ReadMail, *, by_any_tag: bool) -> Booking | None:
    """Find the mail of ours, or at least the booking, that a mail is about, and write both into its row.

    A Message-ID is known to who got it. A tag is a booking's reference, which many people read: `by_any_tag` lets it name the
    booking whoever wrote, for show; else it must be the booker.
    """
    message_id = _message_among(mail.references)
    message = db.session.get(Message, message_id) if message_id is not None else None
    if message is not None:
        _is_about(inbound, message)
        if message.booking_id is not None:
            return fetch.booking_by_id(message.booking_id)
    tags = [tag.upper() for tag in mail.tags[:_MOST_LOOKED_UP] if fetch.is_reference(tag.upper())]
    for booking in db.session.scalars(select(Booking).where(Booking.reference.in_(tags)).order_by(Booking.id)) if tags else ():
        if by_any_tag or is_same_address(mail.sender, booking.email):
            _belongs_to(inbound, booking)
            return fetch.booking_by_id(booking.id)
    return None


def _pass_on(inbound: Inbound, mail: ReadMail, settings: Settings, now: datetime) -> None:
    booking = _name_what_it_is_about(inbound, mail, by_any_tag=False)
    pass_on_mail(inbound, booking, mail.text, settings.operator_email, now, own_address=settings.sender_address)
    inbound.decision = Decision.PASSED_ON


def _is_about(inbound: Inbound, message: Message) -> None:
    """The mail is about one of ours: its booking, or the slot whose entry it carried, says whose affair it is."""
    inbound.message_id = message.id
    if message.booking_id is not None:
        _belongs_to(inbound, fetch.booking_by_id(message.booking_id))
    elif message.slot_id is not None and (slot := db.session.get(Slot, message.slot_id)):
        inbound.organisation_id = slot.event.host_id


def _belongs_to(inbound: Inbound, booking: Booking) -> None:
    inbound.booking_id = booking.id
    inbound.organisation_id = booking.slot.event.host_id


def _message_among(references: tuple[str, ...], *conditions: ColumnElement[bool]) -> int | None:
    """The latest mail of ours that is named among Message-IDs."""
    wanted = [reference for reference in references[:_MOST_LOOKED_UP] if reference.isprintable()]
    if not wanted:
        return None
    statement = select(Message.id).where(Message.message_id.in_(wanted), *conditions).order_by(Message.id.desc()).limit(1)
    return db.session.scalar(statement)


def _printable(text: str, most: int) -> str:
    """Text that every database keeps: no control signs, no halves of characters."""
    return "".join(sign for sign in text if sign.isprintable())[:most]
