"""Who may book: each rule stands here once, and page, form, API, import and back office ask the same one.

`refusal_for` answers with the first rule in the way, and with what would be possible; `warnings_for` with what a party should
know though nothing is in its way. Both look at one slot and one party, and at what the party has booked already (`Standing`,
which `booking.queries.standing` reads). `docs/rules.md` has all of them in one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from booking.errors import ClassBooked, Invalid, PriorityOnly, Problem, Refusal, SchoolLimit, SlotFull
from booking.models.event import SCHOOL_AUDIENCES, Audience, Event
from booking.models.party import LEVELS, USUAL_AGES, Party

if TYPE_CHECKING:
    from booking.models.slot import Slot

AUDIENCES_OF_LEVEL: Mapping[str, frozenset[Audience]] = MappingProxyType(
    dict.fromkeys(LEVELS[:4], frozenset({Audience.COLLEGE}))
    | dict.fromkeys(LEVELS[4:7], frozenset({Audience.LYCEE}))
    | {
        "CAP": frozenset({Audience.LYCEE, Audience.APPRENTICE}),
        "BTS": frozenset({Audience.LYCEE, Audience.APPRENTICE, Audience.STUDENT}),
    }
)
"""The audiences a level is among where the event names no levels; any school audience for a level that stands for none.

A CAP is prepared in a lycée professionnel or as an apprentice, a BTS in a lycée, as an apprentice or as a student.
"""


@dataclass(frozen=True)
class Overlap:
    """Another visit of the same class at the same time."""

    reference: str
    title: str
    event_id: int
    starts_at: datetime
    ends_at: datetime
    own: bool = False
    """Whether the same person booked it: nobody is told where others go."""


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
    facts: Mapping[str, object]


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
    if not by_host and (until := slot.event.priority_ends) and now < until:
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
    found = {
        **_level_misfit(slot.event, party),
        "pupils": _size_misfit(slot, party),
        "adults": _adults_misfit(slot, party),
    }
    return {name: problem for name, problem in found.items() if problem}


def _person_misfits(slot: Slot, party: Party) -> dict[str, Problem]:
    """A person alone is no group: sizes do not bind it."""
    if party.audience not in slot.event.person_audiences:
        return {"audience": Problem("audience_not_admitted", {"audiences": slot.event.audiences})}
    if slot.event.min_age and not party.old_enough:
        return {"old_enough": Problem("age_not_said", {"age": slot.event.min_age})}
    return {}


def _level_misfit(event: Event, party: Party) -> dict[str, Problem]:
    if not event.takes_classes:
        return {"audience": Problem("audience_not_admitted", {"audiences": event.audiences})}
    admitted = levels_admitted(event)
    if party.level in admitted:
        return {}
    if event.min_age and (_is_named(event, party.level) or not admitted):
        return {"level": Problem("too_young", {"age": event.min_age})}
    return {"level": Problem("level_not_admitted", {"levels": admitted})}


def levels_admitted(event: Event) -> tuple[str, ...]:
    """The levels a class may have here: those the event names, else those of its audiences; without those that are too young."""
    return tuple(level for level in LEVELS if _is_named(event, level) and _oldest(level) >= (event.min_age or 0))


def _is_named(event: Event, level: str) -> bool:
    if event.levels:
        return level in event.levels
    return bool(AUDIENCES_OF_LEVEL.get(level, SCHOOL_AUDIENCES).intersection(event.audiences))


def _oldest(level: str) -> int:
    return USUAL_AGES[level][1] if level in USUAL_AGES else 99


def _size_misfit(slot: Slot, party: Party) -> Problem | None:
    """Sizes are counted in places: with the adults where they take some."""
    places = slot.places_for(party)
    if places < slot.min_party:
        return Problem("party_too_small", {"smallest": slot.min_party, "places": places})
    if slot.max_party is not None and places > slot.max_party:
        return Problem("party_too_large", {"largest": slot.max_party, "places": places})
    return None


def _adults_misfit(slot: Slot, party: Party) -> Problem | None:
    wanted = _adults_wanted(slot, party) if slot.adults_required else 0
    return Problem("adults_missing", {"wanted": wanted, "missing": wanted - party.adults}) if party.adults < wanted else None


def _adults_wanted(slot: Slot, party: Party) -> int:
    return slot.adults_wanted(party.pupils) if slot.pupils_per_adult else 0


def warnings_for(slot: Slot, party: Party, standing: Standing) -> list[Caution]:
    """What the party should know before it comes: adults missing, pupils who may be too young, two visits at once."""
    if not party.is_class:
        return []
    found: list[Caution] = []
    if party.adults < (wanted := _adults_wanted(slot, party)):
        found.append(Caution("adults_missing", {"wanted": wanted, "missing": wanted - party.adults}))
    age = slot.event.min_age
    if age and USUAL_AGES.get(party.level, (0, 0))[0] < age:
        found.append(Caution("some_too_young", {"age": age}))
    return [*found, *(_overlap(other) for other in standing.overlaps)]


def _overlap(other: Overlap) -> Caution:
    """Which other visit it is, only the person who booked it is told."""
    if not other.own:
        return Caution("overlap", {})
    named = {"reference": other.reference, "title": other.title, "event_id": other.event_id, "at": other.starts_at}
    return Caution("overlap_own", named)
