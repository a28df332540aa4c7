"""Write one line of history about anything but a booking. Every verb that writes says here what it did; a test sees to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from booking.db import Base, add_rows
from booking.models import (
    Account,
    Edition,
    Event,
    HistoryEntry,
    Label,
    Mandate,
    Member,
    Organisation,
    Pool,
    ProgrammeImport,
    SignIn,
    Slot,
    Subject,
    Who,
)

Changes = Mapping[str, tuple[object, object]]
"""What changed, by field: before and after."""


def record_change(who: Who, action: str, about: Base, now: datetime, changes: Changes | None = None, **details: object) -> None:
    """Add one line: who did what to which thing, and what changed. The thing must have been flushed once: the line needs its id.

    `action` is a verb in the past tense, at most 32 signs: written, submitted, moved. No name or address of a person
    belongs into `details`: they are kept for ever.
    """
    entry = {
        "at": now,
        "actor": who.actor,
        "account_id": who.account_id,
        "acting_for_id": who.acting_for_id,
        "action": action,
        "details": as_json(details | ({"changes": changes} if changes else {})),
    }
    add_rows(HistoryEntry, [entry | _whose(about)])


def changes_between(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """The fields of `after` whose values differ from those before."""
    return {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value}


_OF_EVENTS: Mapping[type, Subject] = {Slot: Subject.SLOT, Pool: Subject.POOL, Label: Subject.LABEL}


def _whose(about: Any) -> dict[str, object]:
    """What the line is about, and whose affair that is."""
    match about:
        case Event():
            return _of_event(about, Subject.EVENT, about.id)
        case Slot() | Pool() | Label():
            named = {"name": about.name} if isinstance(about, Pool) else {}
            return _of_event(about.event, _OF_EVENTS[type(about)], about.id) | named
        case Organisation():
            return {"subject": Subject.ORGANISATION, "subject_id": about.id, "organisation_id": about.id, "name": about.name}
        case Member():
            kind = {"subject": Subject.MEMBER, "subject_id": about.id}
            return kind | {"organisation_id": about.organisation_id, "name": about.organisation.name}
        case Mandate():
            kind = {"subject": Subject.MANDATE, "subject_id": about.id}
            return kind | {"organisation_id": about.organisation_id, "name": about.chamber.name}
        case Edition():
            kind = {"subject": Subject.EDITION, "subject_id": about.id, "name": about.name}
            return kind | {"edition_id": about.id, "organisation_id": about.authority_id}
        case ProgrammeImport():
            kind = {"subject": Subject.IMPORT, "subject_id": about.id, "name": about.file_name}
            return kind | {"edition_id": about.edition_id, "organisation_id": about.edition.authority_id}
        case Account() | SignIn():
            # Whether there is an account is nobody's business before a sign-in is proven.
            return {"subject": Subject.ACCOUNT, "subject_id": about.id if isinstance(about, Account) else None}
    raise TypeError(f"no history is kept of {type(about).__name__}")


def _of_event(event: Event | None, subject: Subject, number: int) -> dict[str, object]:
    if event is None:
        raise TypeError("a pool of no event has no history of its own: its slot has")
    return {
        "subject": subject,
        "subject_id": number,
        "name": event.title,
        "organisation_id": event.host_id,
        "edition_id": event.edition_id,
        "event_id": event.id,
    }


def as_json(value: Any) -> Any:
    """A value as plain JSON: instants in ISO 8601, words as their text, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(part) for part in value]
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime | date) else value
