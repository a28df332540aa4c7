"""What one line of a programme's file would do: make an event or a slot, change one, nothing at all, or what is wrong with it.

The plan is made twice, when the file is checked and when it is written, by the same reads; only the second writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from booking.actions import import_words
from booking.actions.edit_slot import COLUMNS as TERMS
from booking.actions.record_change import changes_between
from booking.actions.slot_changes import own_pool
from booking.db import db
from booking.errors import Invalid, Problem
from booking.models import Edition, Event, EventType, Organisation, OrganisationKind, Publication, Slot
from booking.models.event import plain
from booking.models.event_words import read_event
from booking.models.party import Reader
from booking.models.slot_words import read_slot, terms_of
from booking.numbers import read_siret
from booking.queries.event_history import FIELDS, for_history
from booking.queries.label_checks import missing_for_publication

_REFERENCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_PLACE = frozenset({"place_name", "address", "postcode", "commune", "meeting_point"})
_MEETING = ("meeting_point", "arrive_minutes_before")
_DEPENDS = {"headcount_until": "headcount_hours", "cancel_until": "cancel_hours"}
_YES, _NO = {"1", "oui", "yes", "vrai", "true", "x"}, {"", "0", "non", "no", "faux", "false"}
_DEFAULTS: Mapping[str, object] = dict.fromkeys(FIELDS, "") | {
    "type": EventType.COMPANY_VISIT, "audiences": (), "free": True, "closed_shoes": False, "identity_needed": False,
    "outdoors": False,
}  # fmt: skip
Line = Mapping[str, str]


@dataclass
class Plan:
    """What one line would do."""

    line: int
    reference: str
    key: str = ""
    head: bool = False
    """Whether it is the first line of its event, which says all of the event."""
    title: str = ""
    problems: dict[str, Problem] = field(default_factory=dict)
    """What is wrong, by the column it stands in."""
    host: tuple[str, str | None] = ("", None)
    """Name and SIRET of an organisation that is to be made, where `event` and `found` are None."""
    found: Organisation | None = None
    event: Event | None = None
    values: dict[str, object] = field(default_factory=dict)
    event_changes: dict[str, tuple[object, object]] = field(default_factory=dict)
    publish: bool = False
    slot: Slot | None = None
    slot_text: import_words.SlotText | None = None
    slot_row: dict[str, Any] = field(default_factory=dict)
    slot_changes: dict[str, tuple[object, object]] = field(default_factory=dict)

    @property
    def adds_slot(self) -> bool:
        return self.slot is None and bool(self.slot_row)

    @property
    def does(self) -> str:
        """In one word: wrong, create (an event, or one more slot of it), update or unchanged."""
        if self.problems:
            return "wrong"
        if self.head and (self.event_changes or self.slot_changes or (self.publish and self.event)):
            return "update"
        if self.adds_slot or (self.head and self.event is None):
            return "create"
        return "update" if self.slot_changes else "unchanged"

    @property
    def changes(self) -> dict[str, tuple[object, object]]:
        """What would change, by field, as the report keeps it: of people's addresses only that they do."""
        new = {"slots": (None, self.slot_row["starts_at"])} if self.adds_slot else {}
        published = {"publication": (Publication.DRAFT, Publication.PUBLISHED)} if self.publish and self.event else {}
        host = {"new_organisation": (None, self.host[0])} if self.head and self.event is None and self.found is None else {}
        return {**host, **for_history(self.event_changes), **published, **self.slot_changes, **new}


class Planner:
    """Plans the lines of one file for one edition. What is in the database is read once, and `taken_in` says what was added."""

    def __init__(self, edition: Edition, lines: Sequence[Line], now: datetime) -> None:
        self._edition, self._lines, self._now = edition, lines, now
        self._heads: dict[str, int] = {}
        self._starts: dict[tuple[str, str], int] = {}
        self._with_slots = {_reference(line) for line in lines if line.get(import_words.BEGINS)}
        for n, line in enumerate(lines):
            reference = _reference(line)
            self._heads.setdefault(reference, n)
            self._starts.setdefault((reference, line.get(import_words.BEGINS, "")), n)
        self._plans: dict[int, Plan] = {}
        self._events = self._known_events()
        organisations = list(db.session.scalars(select(Organisation).order_by(Organisation.id)))
        self._by_siret = {one.siret: one for one in organisations if one.siret}
        self._by_name: dict[str, Organisation] = {}
        for one in organisations:
            if one.kind not in {OrganisationKind.AUTHORITY, OrganisationKind.SCHOOL} or one.id == edition.authority_id:
                self._by_name.setdefault(_name(one.name), one)

    def _known_events(self) -> dict[str, Event]:
        statement = (
            select(Event)
            .where(Event.key.like(f"{self._edition.key}-%"))
            .options(joinedload(Event.host), joinedload(Event.label), selectinload(Event.slots).selectinload(Slot.pools))
        )
        found = db.session.scalars(statement, execution_options={"populate_existing": True}).unique()
        return {event.key: event for event in found}

    def taken_in(self, event: Event) -> None:
        """An event that was just written: later lines of it find it, and its organisation is known."""
        self._events[event.key] = event
        self._by_name.setdefault(_name(event.host.name), event.host)
        if event.host.siret:
            self._by_siret.setdefault(event.host.siret, event.host)

    def plan(self, n: int) -> Plan:
        """The plan of one line."""
        line = self._lines[n]
        plan = Plan(int(line[import_words.NUMBER]), _reference(line), title=line.get("titre", "")[:140])
        if not _REFERENCE.fullmatch(plan.reference):
            plan.problems[import_words.REFERENCE] = Problem("import_reference") if plan.reference else Problem("required")
            return plan
        plan.key = f"{self._edition.key}-{plan.reference}"
        plan.head = self._heads[plan.reference] == n
        plan.event = self._events.get(plan.key)
        if plan.event is not None and plan.event.edition_id != self._edition.id:
            plan.problems[import_words.REFERENCE] = Problem("import_reference_taken")
            return plan
        if plan.head:
            self._plan_event(plan, line)
        else:
            self._follow(plan, line)
        self._plan_slot(plan, line, n)
        if plan.head:
            self._check_publication(plan, line)
            self._check_fixed(plan)
            self._plans[n] = plan
        return plan

    def _plan_event(self, plan: Plan, line: Line) -> None:
        try:
            plan.values = read_event(import_words.event_text(line))
        except Invalid as invalid:
            plan.problems |= import_words.by_columns(invalid.fields)
        plan.title = str(plan.values.get("title") or plan.title)
        self._find_host(plan, line)
        if plan.event is None or plan.problems:
            return
        event = plan.event
        plan.event_changes = changes_between({name: getattr(event, name) for name in plan.values}, plan.values)
        if plan.event_changes.keys() & _PLACE and any(slot.taken and slot.starts_at > self._now for slot in event.slots):
            plan.problems["lieu"] = Problem("import_booked_place")

    def _find_host(self, plan: Plan, line: Line) -> None:
        """By SIRET, else by name, else one that is to be made; an event never changes hands by a file."""
        reader = Reader(dict(line))
        name = reader.text(import_words.HOST, 160, required=plan.event is None)
        given = reader.text(import_words.SIRET, 30, required=False)
        siret = read_siret(given) if given else None
        if given and siret is None and not reader.problems:
            reader.refuse(import_words.SIRET, Problem("not_a_siret"))
        plan.problems |= reader.problems
        if reader.problems or not (name or siret):
            return
        named = self._by_name.get(_name(name))
        if named is not None and siret and named.siret not in {None, siret}:
            named = None  # a namesake
        plan.found = (self._by_siret.get(siret) if siret else None) or named
        plan.host = (name, siret)
        if (
            plan.found is not None
            and plan.found.kind is OrganisationKind.AUTHORITY
            and plan.found.id != self._edition.authority_id
        ):
            plan.problems[import_words.SIRET] = Problem("import_other_authority")
        elif plan.event is not None and plan.found is not plan.event.host:
            plan.problems[import_words.HOST] = Problem("import_other_host", {"host": plan.event.host.name})

    def _follow(self, plan: Plan, line: Line) -> None:
        """A further line of an event repeats what its first line says, or says nothing of it."""
        n = self._heads[plan.reference]
        head = self._plans.get(n) or self.plan(n)
        first = self._lines[n]
        plan.title = head.title
        if head.problems:
            plan.problems[import_words.REFERENCE] = Problem("import_first_line_wrong", {"line": head.line})
        for column in (import_words.HOST, import_words.SIRET, *import_words.EVENT_COLUMNS):
            if line.get(column) and line[column] != first.get(column):
                plan.problems[column] = Problem("import_not_as_first", {"line": head.line})

    def _plan_slot(self, plan: Plan, line: Line, n: int) -> None:
        try:
            text = import_words.slot_text(line)
        except Invalid as invalid:
            plan.problems |= invalid.fields
            return
        if text is None:
            if not plan.head:
                plan.problems[import_words.BEGINS] = Problem("required")
            return
        plan.slot_text = text
        if (twin := self._starts[plan.reference, line[import_words.BEGINS]]) != n:
            plan.problems[import_words.BEGINS] = Problem(
                "import_same_slot", {"line": int(self._lines[twin][import_words.NUMBER])}
            )
        slots = plan.event.slots if plan.event else []
        plan.slot = next((slot for slot in slots if slot.starts_at == text.starts_at), None)
        try:
            plan.slot_row = read_slot((terms_of(plan.slot) if plan.slot else {}) | _capacity_of(plan.slot) | dict(text.raw))
        except Invalid as invalid:
            plan.problems |= import_words.by_columns(invalid.fields, of_slot=True)
            return
        if plan.slot is None:
            if text.starts_at <= self._now:
                plan.problems[import_words.BEGINS] = Problem("in_the_past")
            return
        plan.slot_changes = _slot_changes(plan.slot, plan.slot_row, text)
        plan.problems |= _forbidden_changes(plan.slot, plan.slot_changes, self._now)

    def _check_publication(self, plan: Plan, line: Line) -> None:
        """Where the file says so a draft is published, if it then lacks nothing. What a host has withdrawn stays withdrawn."""
        said = plain(line.get(import_words.PUBLISHED, "")).strip()
        if said not in _YES | _NO:
            plan.problems[import_words.PUBLISHED] = Problem("not_yes_or_no")
        plan.publish = said in _YES and (plan.event is None or plan.event.publication is Publication.DRAFT)
        if not plan.publish or plan.problems:
            return
        words = {name: getattr(plan.event, name) for name in FIELDS} if plan.event else dict(_DEFAULTS)
        slots = [slot for slot in plan.event.slots if not slot.cancelled_at] if plan.event else []
        told = SimpleNamespace(
            **(words | plan.values),
            slots=slots or ([SimpleNamespace(cancelled_at=None)] if plan.reference in self._with_slots else []),
        )
        for lacking in missing_for_publication(cast("Event", told)):
            column = {"place": "lieu", "slots": import_words.BEGINS}.get(lacking) or import_words.column_of(lacking)
            plan.problems[column] = Problem("import_needed_to_publish")

    def _check_fixed(self, plan: Plan) -> None:
        """What is cancelled stays as it is."""
        if plan.event is not None and plan.event.cancelled_at and plan.does != "unchanged" and not plan.problems:
            plan.problems[import_words.REFERENCE] = Problem("import_cancelled")


def _reference(line: Line) -> str:
    return plain(line.get(import_words.REFERENCE, "")).strip()


def _name(name: str) -> str:
    return " ".join(plain(name).split())


def _capacity_of(slot: Slot | None) -> dict[str, str]:
    pool = own_pool(slot) if slot else None
    return {"capacity": str(pool.capacity)} if pool else {}


def _slot_changes(slot: Slot, row: Mapping[str, Any], text: import_words.SlotText) -> dict[str, tuple[object, object]]:
    """What a line would change on a slot that is there; terms it does not name stay as they are."""
    pool = own_pool(slot)
    named = {name for name in (*TERMS, *_MEETING) if _DEPENDS.get(name, name) in text.given}
    before = {name: getattr(slot, name) for name in (*named, "ends_at")} | {"capacity": pool.capacity if pool else None}
    return changes_between(before, {name: row[name] for name in before})


def _forbidden_changes(slot: Slot, changes: Mapping[str, tuple[object, object]], now: datetime) -> dict[str, Problem]:
    """A file never takes places from who has them, nor moves people without a word."""
    problems: dict[str, Problem] = {}
    if not changes:
        return problems
    if slot.cancelled_at:
        return {import_words.BEGINS: Problem("import_cancelled")}
    if slot.starts_at <= now:
        return {import_words.BEGINS: Problem("in_the_past")}
    pool = own_pool(slot)
    if "capacity" in changes and (pool is None or int(str(changes["capacity"][1])) < pool.taken):
        problems["places"] = Problem("import_below_taken", {"taken": pool.taken if pool else 0})
    if slot.taken and (moved := changes.keys() & {"ends_at", "counts_adults", *_MEETING}):
        name = min(moved)
        column = import_words.ENDS if name == "ends_at" else import_words.column_of(name, of_slot=True)
        problems[column] = Problem("import_booked_slot", {"places": slot.taken})
    return problems
