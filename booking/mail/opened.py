"""A mail's bytes, opened again: for the mailbox page of the demo and for whoever wants to see what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.policy import SMTP
from typing import cast


@dataclass(frozen=True)
class OpenedMail:
    """What a person sees of a mail. `calendar` is the iCalendar object, or None."""

    subject: str
    sender: str
    recipient: str
    text: str
    html: str
    calendar: bytes | None


def open_mail(content: bytes) -> OpenedMail:
    """The parts of a mail of ours, decoded."""
    mail = message_from_bytes(content, policy=SMTP)
    parts = {part.get_content_type(): part for part in mail.walk() if not part.is_multipart()}
    calendar = parts.get("text/calendar")
    return OpenedMail(
        subject=str(mail["Subject"]),
        sender=str(mail["From"]),
        recipient=str(mail["To"]),
        text=_with_plain_line_ends(parts["text/plain"].get_content()),
        html=_with_plain_line_ends(parts["text/html"].get_content()),
        calendar=cast("bytes", calendar.get_payload(decode=True)) if calendar else None,
    )


def _with_plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")
