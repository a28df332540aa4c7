"""A calendar's answer to an invitation of ours, as a mail. The demo answers with it, where nobody has a calendar that does."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from types import MappingProxyType

from icalendar import Calendar, Component, Event, vCalAddress, vText

from booking.i18n import _, translate
from booking.mail.calendar_text import Text
from booking.models import Answer

_PRODID = "-//Coulisses//Demo//FR"
_SUBJECTS: Mapping[Answer, str] = MappingProxyType(
    {
        Answer.ACCEPTED: _("Accepté : %(title)s"),
        Answer.TENTATIVE: _("Peut-être : %(title)s"),
        Answer.DECLINED: _("Décliné : %(title)s"),
    }
)


def calendar_reply(invitation: bytes, answer: Answer, locale: str, authserv_id: str, in_reply_to: str, now: datetime) -> bytes:
    """The mail with which the invited person's calendar answers `invitation`, as it would lie in our mailbox.

    The object is a REPLY (RFC 5546, 3.2.3) with UID and SEQUENCE of the invitation and DTSTAMP `now`; the attendee writes to the
    organizer. On top stands the verdict of our own mail server, named `authserv_id`, that the mail is genuine (RFC 8601).
    `in_reply_to` is the invitation's Message-ID. Raises `ValueError` where the object is no REQUEST.
    """
    asked = Calendar.from_ical(invitation)
    [event] = asked.walk("VEVENT")
    if asked.get("METHOD") != "REQUEST":
        raise ValueError("only a REQUEST is answered")
    attendee, organizer = (str(event[name]).removeprefix("mailto:") for name in ("ATTENDEE", "ORGANIZER"))
    domain = attendee.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["Authentication-Results"] = f"{authserv_id}; spf=pass smtp.mailfrom={attendee}; dmarc=pass header.from={domain}"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{domain}>"
    mail["From"], mail["To"] = attendee, organizer
    mail["Subject"] = translate(locale, _SUBJECTS[answer]) % {"title": str(event["SUMMARY"])}
    mail["In-Reply-To"] = in_reply_to
    mail["References"] = in_reply_to
    mail.set_content(f"{mail['Subject']}\n", cte="quoted-printable")
    mail.add_alternative(
        _reply(event, attendee, answer, now),
        maintype="text",
        subtype="calendar",
        cte="base64",
        params={"method": "REPLY", "charset": "utf-8"},
    )
    return mail.as_bytes(policy=SMTP.clone(max_line_length=998))


def _reply(asked: Component, attendee: str, answer: Answer, now: datetime) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", _PRODID)
    calendar.add("version", "2.0")
    calendar.add("method", "REPLY")
    event = Event()
    for name in ("UID", "SEQUENCE", "DTSTART", "DTEND", "ORGANIZER"):
        event[name] = asked[name]
    event.add("dtstamp", now.replace(microsecond=0))
    event.add("summary", Text(str(asked["SUMMARY"])))
    who = vCalAddress(f"mailto:{attendee}")
    who.params["PARTSTAT"] = vText(answer.value.upper())
    event.add("attendee", who, encode=False)
    calendar.add_component(event)
    return bytes(calendar.to_ical())
