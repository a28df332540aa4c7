"""Who may book: each rule stands here once, and page, form, API, import and back office ask the same one.

`refusal_for` answers with the first rule in the way, and with what would be possible; `warnings_for` with what a party should
know though nothing is in its way. Both look at one slot and one party, and at what the party has booked already (`Standing`,
which `booking.queries.standing` reads).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from booking.errors import ClassBooked, Invalid, PriorityOnly, Problem, Refusal, SchoolLimit, SlotFull
from booking.models.event import SCHOOL_AUDIENCES
from booking.models.party import AUDIENCE_OF_LEVEL, USUAL_AGES, Party

if TYPE_CHECKING:
    from booking.models.slot import Slot


@dataclass(frozen=True)
class Overlap:
    """Another visit of the same class at the same time."""

    reference: str
    title: str
    event_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Standing:
    """What a party has booked already, this very booking left out."""

    school_bookings: int = 0
    """Live bookings of its school in the edition; a class split over two slots counts once."""
    same_class: str | None = None
    """The reference of a booking of the same class at the same event."""
    overlaps: tuple[Overlap, ...] = ()


NOTHING_YET = Standing()


@dataclass(frozen=True)
class Caution:
    """What a party should know, though it may book: a stable code, and the facts its sentence needs."""

    code: str
    facts: dict[str, object]


def refusal_for(
    slot: Slot, party: Party, now: datetime, *, by_host: bool = False, standing: Standing = NOTHING_YET
) -> Refusal | None:
    """Why this party may not book now, or None: rules first, then the places as last read.

    The host who books for somebody on the telephone is bound by everything but the hours of booking and the priority window.
    """
    refused = rule_against(slot, party, now, by_host=by_host, standing=standing)
    if refused:
        return refused
    wanted = slot.places_for(party)
    left = slot.places_left(party.comes_as, now).remaining
    return SlotFull(remaining=left, wanted=wanted) if wanted > left else None


def rule_against(
    slot: Slot, party: Party, now: datetime, *, by_host: bool = False, standing: Standing = NOTHING_YET
) -> Refusal | None:
    """The rule that keeps this party from booking here even where there is room, or None. Waiting asks the same."""
    closed = slot.closed_because(now)
    if closed and not (by_host and closed.why in {"not_yet", "too_late"}):
        return closed
    if problems := misfits(slot, party):
        return Invalid(problems)
    if not party.is_class:
        return None
    if not by_host and (until := slot.priority_until) and now < until:
        priority = slot.event.edition.priority_schools
        if party.school_uai not in priority:
            return PriorityOnly(at=until, uai_missing=not party.school_uai)
    if slot.event.one_per_class and standing.same_class:
        return ClassBooked(reference=standing.same_class)
    limit = slot.event.edition.school_limit
    if limit is not None and standing.school_bookings >= limit:
        return SchoolLimit(limit=limit)
    return None


def misfits(slot: Slot, party: Party) -> dict[str, Problem]:
    """What about the party itself does not suit: audience, level, age, size, adults. By the form's fields."""
    if not party.is_class:
        return _person_misfits(slot, party)
    event = slot.event
    problems: dict[str, Problem] = {}
    audience = AUDIENCE_OF_LEVEL.get(party.level)
    if not event.takes_classes:
        problems["audience"] = Problem("audience_not_admitted")
    elif event.levels and party.level not in event.levels:
        problems["level"] = Problem("level_not_admitted", {"levels": event.levels})
    elif audience and audience not in set(event.audiences) & SCHOOL_AUDIENCES:
        problems["level"] = Problem("level_not_admitted", {"levels": ()})
    elif event.min_age and party.level in USUAL_AGES and USUAL_AGES[party.level][1] < event.min_age:
        problems["level"] = Problem("too_young", {"age": event.min_age})
    if size := slot.size_problem(slot.places_for(party)):
        problems["pupils"] = size
    if slot.adults_required and party.adults < (wanted := slot.adults_wanted(party.pupils)):
        problems["adults"] = Problem("adults_missing", {"wanted": wanted, "missing": wanted - party.adults})
    return problems


def _person_misfits(slot: Slot, party: Party) -> dict[str, Problem]:
    if party.audience not in set(slot.event.audiences):
        return {"audience": Problem("audience_not_admitted")}
    if slot.event.min_age and not party.old_enough:
        return {"old_enough": Problem("age_not_said", {"age": slot.event.min_age})}
    return {}


def warnings_for(slot: Slot, party: Party, standing: Standing) -> list[Caution]:
    """What the party should know before it comes: adults missing, pupils who may be too young, two visits at once."""
    found: list[Caution] = []
    if party.is_class and slot.pupils_per_adult and party.adults < (wanted := slot.adults_wanted(party.pupils)):
        found.append(Caution("adults_missing", {"wanted": wanted, "missing": wanted - party.adults}))
    age = slot.event.min_age
    if party.is_class and age and party.level in USUAL_AGES and USUAL_AGES[party.level][0] < age:
        found.append(Caution("some_too_young", {"age": age}))
    found += [
        Caution(
            "overlap", {"reference": other.reference, "title": other.title, "event_id": other.event_id, "at": other.starts_at}
        )
        for other in standing.overlaps
    ]
    return found
