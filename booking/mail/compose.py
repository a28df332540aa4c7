"""From a message row to the bytes that go over the wire.

The layout is the one calendars agree on: multipart/mixed around multipart/alternative (text, HTML, and the calendar
last), with the same calendar once more as `invite.ics`; without a calendar, multipart/alternative alone. Everything
is ASCII on the wire with CRLF, whatever the facts contain.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime

from booking import clock
from booking.addresses import is_same_address, wire_address
from booking.config import Settings
from booking.links import CONFIRM, HEAD, MANAGE, make_token
from booking.mail.facts import Facts, read_facts
from booking.mail.host_invitation import host_invitation
from booking.mail.host_slot import render_host_day, render_host_slot
from booking.mail.invitation import invitation
from booking.mail.letters import render_letter
from booking.mail.render import Links, Rendered, render
from booking.models import Kind, Message
from booking.models.message import TO_HEAD, TO_HOSTS

MOST_REFERENCES = 12
_SUBJECT_LINE = 72
"""Less than 76, since the standard library may overshoot by two characters."""
_CONFIRMED_FROM = frozenset({Kind.BOOKING_TO_PROVE, Kind.WAITING_TO_PROVE})
_MANAGED_FROM = frozenset(
    {
        Kind.BOOKING_CONFIRMED,
        Kind.BOOKING_CHANGED,
        Kind.BOOKING_RESCHEDULED,
        Kind.BOOKING_CANCELLED,
        Kind.BOOKER_LETTER,
        Kind.WAITING_JOINED,
        Kind.PLACES_OFFERED,
        Kind.BOOKING_PENDING,
        Kind.CHANGE_REFUSED,
        Kind.VISIT_IN_A_WEEK,
        Kind.VISIT_SOON,
        Kind.BOOKING_DECLINED,
        Kind.REPLY_UNSURE,
    }
)


class _WirePolicy(EmailPolicy):
    """SMTP's rules, with ids left raw however long they are, and the subject in encoded words of legal length.

    With `max_line_length=998` the standard library would write encoded words of 900 characters where RFC 2047
    allows 75; with the usual 78 it would encode a long Message-ID, and no reader would find the thread again.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header as bytes."""
        if name.lower() != "subject":
            return super().fold_binary(name, value)
        plain = str(value).isascii() and "=?" not in value  # what looks encoded must not be decoded
        encoded = Header(str(value), "us-ascii" if plain else "utf-8", maxlinelen=_SUBJECT_LINE, header_name=name)
        return f"{name}: {encoded.encode(linesep=self.linesep)}{self.linesep}".encode("ascii")


_WIRE = _WirePolicy(linesep="\r\n", max_line_length=998)
_BODY = SMTP.clone(max_line_length=76)


@dataclass(frozen=True)
class Mail:
    """A mail ready to be sent. `message_id` stands in angle brackets, as in its header."""

    message_id: str
    content: bytes


def compose(
    message: Message, link_nonce: bytes, earlier_ids: Sequence[str], settings: Settings, *, was_invited: bool = False
) -> Mail:
    """The final bytes of one mail.

    `link_nonce` is the booking's; `earlier_ids` are the Message-IDs this person got about this booking, oldest first;
    `was_invited` says whether one of them carried a REQUEST, without which a CANCEL has nothing to take back.
    Raises `ValueError` where the recipient is no address, and a Jinja error or `KeyError` where a fact is missing.
    """
    facts = read_facts(message.facts)
    links = _links(message.kind, facts, link_nonce, settings)
    rendered = render(message.kind, facts, links, message.created_at, message.locale)
    mail = _body(rendered)
    recipient = wire_address(message.recipient)
    if facts.calendar and not _is_ours(recipient, settings) and (facts.calendar["method"] == "REQUEST" or was_invited):
        _add_calendar(mail, invitation(facts, recipient, message.locale, settings), facts.calendar["method"])
    _add_host_entry(mail, facts, recipient, message.locale, settings, was_invited=was_invited)
    message_id = _new_message_id(settings.sender_address)
    _add_headers(mail, message_id, rendered.subject, recipient, earlier_ids, settings)
    return Mail(message_id, mail.as_bytes(policy=_WIRE))


def compose_slot_mail(message: Message, earlier_ids: Sequence[str], settings: Settings, *, was_invited: bool) -> Mail:
    """The final bytes of a mail about one slot to its host, as `compose` writes those about one booking."""
    facts = read_facts(message.facts)
    rendered = render_host_slot(facts, message.locale, settings)
    mail, recipient = _body(rendered), wire_address(message.recipient)
    _add_host_entry(mail, facts, recipient, message.locale, settings, was_invited=was_invited)
    message_id = _new_message_id(settings.sender_address)
    _add_headers(mail, message_id, rendered.subject, recipient, earlier_ids, settings)
    return Mail(message_id, mail.as_bytes(policy=_WIRE))


def compose_letter(message: Message, settings: Settings) -> Mail:
    """The final bytes of a mail about no booking. Raises `ValueError` where the recipient is no address."""
    if message.kind is Kind.HOST_DAY:
        rendered = render_host_day(message.facts, message.locale, settings)
    else:
        rendered = render_letter(message.kind, message.facts, message.locale, settings)
    mail = _body(rendered)
    message_id = _new_message_id(settings.sender_address)
    _add_headers(mail, message_id, rendered.subject, wire_address(message.recipient), (), settings)
    return Mail(message_id, mail.as_bytes(policy=_WIRE))


def _body(rendered: Rendered) -> EmailMessage:
    mail = EmailMessage(policy=_BODY)
    mail.set_content(rendered.text, cte="quoted-printable")
    mail.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return mail


def envelope_sender(sender_address: str, reference: str) -> str:
    """The return path of a booking's mails: a bounce names its booking. From and ORGANIZER stay bare."""
    local, _, domain = sender_address.rpartition("@")
    return f"{local}+{reference}@{domain}"


def _links(kind: Kind, facts: Facts, nonce: bytes, settings: Settings) -> Links:
    """Secret links go to the booker alone, and the head's to the head; each mail gets the one it needs."""
    site, secret = settings.base_url, settings.secret_key
    booking = f"{site}/bookings/{facts.reference}"
    manage = kind in _MANAGED_FROM and not facts.to_stranger
    return Links(
        event=f"{site}/events/{facts.event['id']}",
        rule=f"{site}/waiting-list",
        workspace=f"{site}/workspace/bookings/{facts.reference}" if kind in TO_HOSTS else "",
        confirm=f"{booking}/confirmation?token={make_token(secret, CONFIRM, nonce)}" if kind in _CONFIRMED_FROM else "",
        manage=f"{booking}?token={make_token(secret, MANAGE, nonce)}" if manage else "",
        feedback=f"{booking}/feedback?token={make_token(secret, MANAGE, nonce)}" if kind is Kind.VISIT_THANKS else "",
        head=f"{booking}/head-approval?token={make_token(secret, HEAD, nonce)}" if kind in TO_HEAD else "",
    )


def _add_calendar(mail: EmailMessage, calendar: bytes, method: str) -> None:
    mail.add_alternative(
        calendar, maintype="text", subtype="calendar", cte="base64", params={"method": method, "charset": "utf-8"}
    )
    mail.add_attachment(calendar, maintype="application", subtype="ics", cte="base64", filename="invite.ics")
    mail["X-MICROSOFT-DISALLOW-COUNTER"] = "TRUE"


def _is_ours(recipient: str, settings: Settings) -> bool:
    """Whether a mail goes to the address we send from: nobody is invited by themselves."""
    return is_same_address(recipient, settings.sender_address)


def _add_host_entry(
    mail: EmailMessage, facts: Facts, recipient: str, locale: str, settings: Settings, *, was_invited: bool
) -> None:
    """The slot's entry in its host's calendar, where the mail carries one."""
    carried = facts.more.get("entry")
    if carried and not _is_ours(recipient, settings) and (carried["method"] == "REQUEST" or was_invited):
        _add_calendar(mail, host_invitation(facts, recipient, locale, settings), carried["method"])


def _new_message_id(sender_address: str) -> str:
    return f"<{secrets.token_hex(16)}@{sender_address.rpartition('@')[2]}>"


def _add_headers(
    mail: EmailMessage, message_id: str, subject: str, recipient: str, earlier_ids: Sequence[str], settings: Settings
) -> None:
    mail["Date"] = format_datetime(clock.now().replace(microsecond=0))
    mail["Message-ID"] = message_id
    # Encoded already, because a header is decoded when it is set: a title that looks encoded must stay as it is.
    mail["Subject"] = Header(subject, "utf-8").encode(maxlinelen=0)
    mail["From"] = settings.mail_default_sender
    mail["To"] = recipient
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    if earlier_ids:
        mail["In-Reply-To"] = earlier_ids[-1]
        mail["References"] = " ".join(earlier_ids[-MOST_REFERENCES:])
