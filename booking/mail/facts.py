"""The frozen facts of a message, read back: instants as instants, and text that can break no header and no property."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DROPPED = re.compile(r"[\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_SPACES = re.compile(r" {2,}")


def one_line(text: str) -> str:
    """Text as one line: controls and line breaks become a space; what turns the direction of text round is dropped.

    Hosts type titles and conditions; a CR, LF, NUL or U+2028 among them must not begin a header or a property.
    """
    return _SPACES.sub(" ", _BREAKS.sub(" ", _DROPPED.sub("", unicodedata.normalize("NFC", text)))).strip()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    return value


@dataclass(frozen=True)
class Facts:
    """What a mail about one booking may say. `booking.actions.queue_message.facts_of` writes what is read here."""

    booking: Mapping[str, Any]
    slot: Mapping[str, Any]
    event: Mapping[str, Any]
    calendar: Mapping[str, Any] | None
    more: Mapping[str, Any]
    """What the verb added: the numbers before a change, who cancelled and why."""

    @property
    def title(self) -> str:
        return str(self.event["title"])

    @property
    def reference(self) -> str:
        return str(self.booking["reference"])

    @property
    def is_class(self) -> bool:
        return bool(self.booking["audience"] == "school")

    @property
    def booker_name(self) -> str:
        """Empty in the facts of mails to an address nobody has proven."""
        return str(self.booking.get("name", ""))

    @property
    def places_of_class(self) -> int:
        """Places held for the whole party: of a split class, for both halves."""
        half = self.more.get("other_half") or {}
        return int(self.booking["places"]) + int(half.get("places", 0))

    @property
    def to_stranger(self) -> bool:
        """Whether the mail goes to an address nobody has proven: the booker's own words were left out."""
        return "email" not in self.booking

    @property
    def was_invited(self) -> bool:
        """Whether the booking was confirmed once, so that there is an entry in a calendar to change or to take back."""
        return bool(self.calendar and self.calendar["dtstamp"])

    @property
    def moved_by_booker(self) -> bool:
        """Whether it was the booker who chose another slot; otherwise the host moved the visit."""
        return bool(self.more.get("by") == "booker")

    @property
    def starts_at(self) -> datetime:
        return datetime.fromisoformat(self.slot["starts_at"])

    @property
    def ends_at(self) -> datetime:
        return datetime.fromisoformat(self.slot["ends_at"])

    @property
    def arrive_at(self) -> datetime:
        return datetime.fromisoformat(self.slot["arrive_at"])

    @property
    def expires_at(self) -> datetime | None:
        """The deadline of a hold, while there is one."""
        given = self.booking.get("expires_at")
        return datetime.fromisoformat(given) if given else None

    def instant(self, name: str) -> datetime:
        """An instant of the slot by its name, for example `cancel_until`."""
        return datetime.fromisoformat(self.slot[name])


def read_facts(raw: Mapping[str, Any]) -> Facts:
    """The facts of a message row, cleaned. Raises `KeyError` where a part is missing."""
    known = {"booking", "slot", "event", "calendar"}
    cleaned = _cleaned(raw)
    return Facts(
        booking=cleaned["booking"],
        slot=cleaned["slot"],
        event=cleaned["event"],
        calendar=cleaned["calendar"],
        more={key: value for key, value in cleaned.items() if key not in known},
    )
