"""Mail that comes in: what it is, who sent it, and what it says. Bytes in, plain values out; nothing is decided here.

Every mail is written by a stranger until it is proven otherwise. Reading one never raises, and takes bounded time and memory:
a mail larger than two million bytes is not looked into, of its parts the first hundred count, ten deep.
"""

from __future__ import annotations

import logging

from booking.mail.reading.addresses import address_of, id_of, ids_it_answers, tags_of
from booking.mail.reading.answers import answers_in
from booking.mail.reading.authentic import is_authentic
from booking.mail.reading.automatic import is_automatic
from booking.mail.reading.bounces import bounce_in, is_report
from booking.mail.reading.found import Bounce, CalendarAnswer, ReadMail
from booking.mail.reading.parts import MOST_BYTES, Headers, Part, leaves, split
from booking.mail.reading.words import decoded, decoded_header, some_lines, text_of_html
from booking.models.inbound import Arrived

__all__ = ["MOST_BYTES", "Bounce", "CalendarAnswer", "ReadMail", "is_authentic", "read_mail"]

_log = logging.getLogger(__name__)
_LONGEST_SUBJECT = 300
_LONGEST_TEXT = 20_000
_LONGEST_RESULT = 4000
_MOST_RESULTS = 5


def read_mail(raw: bytes) -> ReadMail:
    """What a mail is and says. Never raises, whatever the bytes: what cannot be read is UNREADABLE.

    An answer is looked for before anything else, in the calendar objects themselves: Google marks its answers as written by
    a program, and a program's mail is otherwise of no interest. A mail attached to the mail is not its own words.
    """
    try:
        headers, body = split(raw[: MOST_BYTES + 1].lstrip(b"\r\n"))
        return _read(headers, body, too_large=len(raw) > MOST_BYTES)
    except Exception:  # noqa: BLE001 (whatever it is, the mails behind it wait)
        # The readers below let nothing through that is known; one mail in a million must not stop all that follow it.
        _log.exception("A mail that came in could not be read")
        return ReadMail(Arrived.UNREADABLE, "", "", "", "", "", (), (), (), None, "", ())


def _read(headers: Headers, body: bytes, *, too_large: bool) -> ReadMail:
    parts = [] if too_large else leaves(headers, body)
    sender, subject = address_of(headers, "from"), decoded_header(headers.first("subject"))[:_LONGEST_SUBJECT]
    text = _text(parts)
    answers = answers_in(parts)
    bounce = None if answers else bounce_in(headers, parts, sender, text)
    if too_large or not (headers.first("from") or headers.first("subject") or headers.first("message-id")):
        arrived = Arrived.UNREADABLE
    elif answers:
        arrived = Arrived.REPLY if any(answer.method == "REPLY" for answer in answers) else Arrived.COUNTER
    elif bounce:
        arrived = Arrived.BOUNCE
    elif is_report(parts) or is_automatic(headers, parts, subject):
        arrived = Arrived.AUTOMATIC
    else:
        arrived = Arrived.HUMAN
    read = arrived is not Arrived.UNREADABLE
    return ReadMail(
        arrived=arrived,
        sender=sender,
        reply_to=address_of(headers, "reply-to"),
        real_sender=address_of(headers, "sender"),
        subject=subject,
        message_id=id_of(headers),
        references=ids_it_answers(headers),
        tags=tags_of(headers),
        answers=answers if read else (),
        bounce=bounce if read else None,
        text=text if read else "",
        results=tuple(_whole(value) for value in headers.all("authentication-results")[:_MOST_RESULTS]),
    )


def _whole(result: str) -> str:
    """A header as it came, or nothing: cut or cleaned it might say what nobody found."""
    result = result.replace("\t", " ")
    return result if len(result) <= _LONGEST_RESULT and result.isprintable() else ""


def _text(parts: list[Part]) -> str:
    """The plain text of the mail itself; where there is none, the words of its HTML."""
    shown = [part for part in parts if not part.attached]
    plain = [_words(part) for part in shown if part.kind == "text/plain"]
    text = some_lines("\n\n".join(filter(None, plain)), _LONGEST_TEXT)
    if text:
        return text
    pages = [text_of_html(_words(part)) for part in shown if part.kind == "text/html"][:3]
    return some_lines("\n\n".join(pages), _LONGEST_TEXT)


def _words(part: Part) -> str:
    return decoded(part.content(10 * _LONGEST_TEXT), part.charset)
