"""Mail as it comes in, for tests: answers of a calendar, bounces and what people write. `tests/replies` has the genuine ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from booking import clock
from booking.models import Booking

OUR_SERVER = "mx.coulisses.example"
US = "reservations@coulisses.example"


def reply(
    booking: Booking, answer: str = "DECLINED", *, method: str = "REPLY", believed: bool = True, **more: str | datetime | int
) -> bytes:
    """An answer to a booking's invitation. `more` may replace uid, attendee, sequence and stamp, or add to the header (top)."""
    address = more.get("attendee", booking.email)
    stamp = more.get("stamp") or clock.now() + timedelta(minutes=1)
    assert isinstance(stamp, datetime)
    proof = "pass" if believed else "fail"
    domain = booking.email.rpartition("@")[2]
    return (
        f"{more.get('top', '')}"
        f"Authentication-Results: {OUR_SERVER}; dkim={proof} header.d={domain}; spf={proof} smtp.mailfrom={booking.email};\n"
        f" dmarc={proof} header.from={domain}\n"
        f"From: Camille Martin <{booking.email}>\nTo: {US}\nSubject: {answer.title()}: Visite\n"
        f"Message-ID: <{answer}.{stamp:%H%M%S}@{domain}>\nDate: {stamp:%a, %d %b %Y %H:%M:%S} +0000\nMIME-Version: 1.0\n"
        f"Content-Type: text/calendar; method={method}; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n"
        f"BEGIN:VCALENDAR\nPRODID:-//Agenda//FR\nVERSION:2.0\nMETHOD:{method}\nBEGIN:VEVENT\nUID:{more.get('uid', booking.uid)}\n"
        f"SEQUENCE:{more.get('sequence', booking.sequence)}\nDTSTAMP:{stamp:%Y%m%dT%H%M%SZ}\nDTSTART:20261124T133000Z\n"
        f"DTEND:20261124T150000Z\nORGANIZER:mailto:{US}\nATTENDEE;PARTSTAT={answer}:mailto:{address}\nSUMMARY:Visite\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    ).encode()


def bounce(message_id: str, recipient: str | None, *, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A delivery status notification (RFC 3464)."""
    named = f"Final-Recipient: rfc822; {recipient}\n" if recipient else "Final-Recipient: rfc822;\n"
    return (
        f"From: MAILER-DAEMON@mx.college.example\nTo: {US}\nSubject: Undelivered Mail Returned to Sender\n"
        f"Auto-Submitted: auto-replied\nMessage-ID: <{status}@mx.college.example>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        "--B\nContent-Type: text/plain\n\nYour mail could not be delivered.\n\n"
        "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.college.example\n\n"
        f"{named}Action: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} <{recipient}> User unknown\n\n"
        f"--B\nContent-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\nFrom: {US}\nTo: {recipient}\nSubject: Visite\n\n--B--\n"
    ).encode()


def letter(sender: str, text: str = "Bonjour, pouvons-nous venir plus tôt ?", *, to: str = US, top: str = "") -> bytes:
    """What a person writes."""
    return (
        f"{top}From: {sender}\nTo: {to}\nSubject: Question\nMessage-ID: <{abs(hash((sender, text, to, top)))}@college.example>\n"
        f"Date: Mon, 16 Nov 2026 09:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    ).encode()
