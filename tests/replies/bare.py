"""The smallest mail with the smallest answer in it, to change one thing of it at a time."""

from __future__ import annotations

from booking.mail.reading import ReadMail, read_mail

CAMILLE = "camille@school.example"
OBJECT = """BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VEVENT
UID:u-1
DTSTAMP:20261116T090500Z
SEQUENCE:1
ATTENDEE;PARTSTAT=DECLINED:mailto:camille@school.example
END:VEVENT
END:VCALENDAR
"""


def mail(body: str | bytes, kind: str = "text/calendar; method=REPLY", **headers: str) -> ReadMail:
    lines = {"From": CAMILLE, "Subject": "Re", "Content-Type": kind} | {k.replace("_", "-"): v for k, v in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return read_mail(head.encode() + b"\r\n" + (body.encode() if isinstance(body, str) else body))
