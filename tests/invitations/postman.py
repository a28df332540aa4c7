"""Takes every mail where a server would, and opens it as a calendar does."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cached_property
from typing import Any

from icalendar import Calendar, Event

from booking.mail.delivery import deliver_next
from tests.mails import SETTINGS, calendar_bytes, entry, opened


@dataclass(frozen=True)
class Received:
    """One mail with a calendar in it, and the return path it came with."""

    envelope: str
    content: bytes

    @cached_property
    def mail(self) -> EmailMessage:
        return opened(self.content)

    @cached_property
    def calendar(self) -> bytes:
        return calendar_bytes(self.mail)

    @cached_property
    def method(self) -> str:
        return str(Calendar.from_ical(self.calendar)["METHOD"])

    @cached_property
    def entry(self) -> Event:
        return entry(self.calendar)


@dataclass
class Postman:
    """A transport that keeps what it was given, in order."""

    sent: list[tuple[str, str, bytes]] = field(default_factory=list)

    def send(self, envelope_from: str, recipient: str, content: bytes) -> None:
        self.sent.append((envelope_from, recipient, content))

    def bring(self, recipient: str = "prof@college.example") -> list[Received]:
        """Deliver whatever is queued; the new invitations and cancellations of one person, in the order they came."""
        before = len(self.sent)
        while deliver_next(SETTINGS, self):
            pass
        new = [(envelope, content) for envelope, to, content in self.sent[before:] if to == recipient]
        return [Received(envelope, content) for envelope, content in new if b"text/calendar" in content]


@dataclass
class Agenda:
    """What a calendar that follows RFC 5546 (2.1.5) shows after mails in whatever order: by UID the newest, or nothing."""

    entries: dict[str, tuple[tuple[int, Any], str, Event]] = field(default_factory=dict)

    def receive(self, one: Received) -> bool:
        """Whether the mail changed anything."""
        uid, age = str(one.entry["UID"]), (int(one.entry["SEQUENCE"]), one.entry.decoded("DTSTAMP"))
        if uid in self.entries and age <= self.entries[uid][0]:
            return False
        self.entries[uid] = (age, one.method, one.entry)
        return True

    @property
    def shown(self) -> list[Event]:
        return [event for _, method, event in self.entries.values() if method == "REQUEST"]
