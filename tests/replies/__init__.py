"""Answers as the calendars of this world write them, and the other mail that comes in, with the blanks filled in.

`<client>.eml` is the mail with its headers in that client's order, `<client>.ics` the calendar object in it. `samples/` holds
what is no answer. Everything comes out with CRLF, as a mailbox holds it.
"""

from __future__ import annotations

import base64
import hashlib
import quopri
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from pathlib import Path

HERE = Path(__file__).parent
AUTHSERV = "mx.coulisses.example"
ORGANIZER = "reservations@coulisses.example"
GOOGLE = "calendar-notification@google.com"
STAMP = datetime(2026, 11, 16, 9, 5, tzinfo=UTC)
CLIENTS = ("thunderbird", "outlook", "outlook-desktop", "google", "proton", "cyrus")
SAMPLES = tuple(sorted(path.stem for path in (HERE / "samples").glob("*.eml")))

_SAYS = {
    "thunderbird": {"ACCEPTED": "Invitation acceptée : {title}", "DECLINED": "Invitation refusée : {title}", "TENTATIVE": "Invitation acceptée provisoirement : {title}"},
    "outlook": {"ACCEPTED": "Accepté : {title}", "DECLINED": "Refusé : {title}", "TENTATIVE": "Provisoire : {title}"},
    "google": {"ACCEPTED": "Accepté : {title} - mar. 24 nov. 2026 10:00", "DECLINED": "Refusé : {title} - mar. 24 nov. 2026 10:00", "TENTATIVE": "Accepté provisoirement : {title}"},
    "proton": {"ACCEPTED": "Re: Invitation for an event on Tuesday November 24th, 2026", "DECLINED": "Re: Invitation for an event on Tuesday November 24th, 2026"},
    "cyrus": {"ACCEPTED": "Participation Reply: {title}", "DECLINED": "Participation Reply: {title}"},
}  # fmt: skip


def reply(
    client: str,
    partstat: str,
    *,
    uid: str,
    attendee: str,
    sequence: int = 0,
    stamp: datetime = STAMP,
    organizer: str = ORGANIZER,
    authserv: str | None = AUTHSERV,
    result: str = "pass",
    sender: str | None = None,
    method: str = "REPLY",
    title: str = "Forges du Vercors",
    name: str = "Camille Roche",
    message_id: str | None = None,
) -> bytes:
    """One client's answer, byte for byte the same for the same arguments.

    `result` is what the mail server `authserv` found: pass, fail or none; `authserv=None` writes no header at all. `sender`
    puts another address into From (Google's own is its From otherwise). Outlook alone sends `method="COUNTER"`.
    """
    wrote = sender or (GOOGLE if client == "google" else attendee)
    domain = wrote.rpartition("@")[2].lower()
    said = _SAYS[client.split("-")[0]].get(partstat, "{title}").replace("{title}", title)
    key = hashlib.sha256(repr((client, partstat, uid, attendee, sequence, stamp, method)).encode()).hexdigest()[:24]
    blanks = {
        "uid": uid, "attendee": attendee, "ATTENDEE": attendee.upper(), "organizer": organizer, "ORGANIZER": organizer.upper(),
        "sequence": str(sequence), "dtstamp": stamp.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"), "partstat": partstat,
        "method": method, "from": wrote, "FROM": wrote.upper(), "domain": domain, "name": name, "title": title, "topic": said,
        "date": format_datetime(stamp), "message_id": message_id or f"<{key}@{domain}>", "authserv": authserv or AUTHSERV,
        "subject": Header(said, "utf-8", header_name="Subject").encode(), "says": said,
        "results": results(authserv, result, domain, wrote) if authserv else "",
    }  # fmt: skip
    return _filled(f"{client}.eml", blanks | _encoded(said, f"{client}.ics", blanks))


def results(authserv: str, result: str, domain: str, mailfrom: str) -> str:
    """The header a mail server writes on top of a mail, with its line end."""
    bounced = "3Zk9VaQ4KBp8@calendar-server.bounces.google.com" if mailfrom == GOOGLE else mailfrom
    found = [
        f"dkim={result} (2048-bit key) header.d={domain} header.i=@{domain} header.s=s1 header.b=Zm9y",
        f"spf={result} (sender IP is 192.0.2.25) smtp.mailfrom={bounced}",
        f"dmarc={result} (p=none) header.from={domain}",
    ]
    return ";\n\t".join([f"Authentication-Results: {authserv}", *found]) + "\n"


def sample(
    name: str, *, recipient: str = "camille@school.example", original_id: str = "<aa11@coulisses.example>", tag: str = "7KQ4-M9TX"
) -> bytes:
    """What is no answer: `recipient` is the booker, `original_id` the Message-ID of the mail of ours it is about."""
    local, _, domain = ORGANIZER.partition("@")
    blanks = {
        "recipient": recipient, "original_id": original_id, "organizer": ORGANIZER, "authserv": AUTHSERV,
        "envelope": f"{local}+{tag}@{domain}", "date": format_datetime(STAMP), "domain": recipient.rpartition("@")[2],
    }  # fmt: skip
    return _filled(f"samples/{name}.eml", blanks)


def _encoded(said: str, calendar_name: str, blanks: dict[str, str]) -> dict[str, str]:
    calendar = _fold(_fill((HERE / calendar_name).read_text(), blanks)).encode()
    return {
        "calendar": calendar.decode().rstrip("\r\n"),
        "calendar:base64": base64.encodebytes(calendar).decode().rstrip(),
        "calendar:quoted": quopri.encodestring(calendar).decode().rstrip(),
        "says:base64": base64.encodebytes(said.encode()).decode().rstrip(),
        "says:quoted": quopri.encodestring(said.encode()).decode().rstrip(),
        "says:latin": quopri.encodestring(said.encode("iso-8859-1", "replace")).decode().rstrip(),
    }


def _fold(text: str) -> str:
    """Lines of 75 characters at most, each ended by CRLF (RFC 5545, 3.1)."""
    lines = []
    for line in text.splitlines():
        pieces = [line[:70], *(" " + line[at : at + 69] for at in range(70, len(line), 69))]
        lines += pieces
    return "\r\n".join(lines) + "\r\n"


def _filled(name: str, blanks: dict[str, str]) -> bytes:
    text = _fill((HERE / name).read_text(), blanks)
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _fill(text: str, blanks: dict[str, str]) -> str:
    for blank, value in blanks.items():
        text = text.replace(f"{{{blank}}}", value)
    return text
