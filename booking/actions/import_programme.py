"""Import a programme from a file: taken in, checked a few lines at a time, then written whole, in part, or not at all.

The worker does the checking and the writing, in steps that can be done again: what a step found or wrote is committed with how
far it came, and events are found by their keys, so that a file that comes twice changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, select
from sqlalchemy.orm import undefer

from booking.actions.edit_slot import edit_slot
from booking.actions.event_ground import event_changed
from booking.actions.import_plan import Plan, Planner
from booking.actions.import_words import COLUMNS, file_lines
from booking.actions.join_organisation import Wanted, make_organisation
from booking.actions.label_changes import note_label_changes
from booking.actions.move_meeting_point import move_meeting_point
from booking.actions.move_slot import move_slot
from booking.actions.publish_event import publish_event
from booking.actions.record_change import as_json, record_change
from booking.actions.set_capacity import set_capacity
from booking.actions.slot_changes import labelled_as, slot_changed
from booking.actions.write_event import write_event
from booking.db import db
from booking.errors import EventNotReady, Invalid, Problem, Refusal, WrongImportState
from booking.models import (
    Actor,
    Edition,
    Event,
    EventType,
    ImportState,
    Organisation,
    OrganisationKind,
    Pool,
    ProgrammeImport,
    Publication,
    Slot,
    Who,
)
from booking.models.slot_words import terms_of

LINES_A_STEP = 20
LINES_KEPT = timedelta(days=1)
DECIDE_WITHIN = timedelta(days=7)
_FRESH = {"populate_existing": True}


def send_import(
    edition_id: int, file_name: str, lines: Sequence[tuple[int, Mapping[str, str]]], who: Who, now: datetime
) -> ProgrammeImport:
    """Take in a file (`booking.sheets.read_lines`) for the worker to check. Raises `Invalid` for its header or a past edition."""
    edition = db.session.get_one(Edition, edition_id)
    if edition.is_past:
        raise Invalid({"edition_id": Problem("edition_over")})
    stored = file_lines(lines)
    made = ProgrammeImport(
        edition=edition,
        account_id=who.account_id,
        acting_for_id=who.acting_for_id,
        file_name="".join(sign for sign in file_name if sign.isprintable())[-120:] or "import.csv",
        lines=stored,
        total=len(stored),
        created_at=now,
    )
    db.session.add(made)
    db.session.flush()
    record_change(who, "import_sent", made, now)
    return made


def approve_import(import_id: int, only_good: bool, who: Who, now: datetime) -> ProgrammeImport:
    """Let the worker write what was checked: every line, or the good ones. Raises `WrongImportState`."""
    found = _import(import_id)
    if found is None or found.state is not ImportState.CHECKED:
        raise WrongImportState("state")
    if not only_good and counts(found)["wrong"]:
        raise WrongImportState("lines")
    found.state, found.only_good, found.done = ImportState.APPLYING, only_good, 0
    record_change(who, "import_approved", found, now)
    return found


def due_imports() -> list[int]:
    """The imports a worker has something to do for, the oldest first."""
    wanted = ProgrammeImport.state.in_([ImportState.QUEUED, ImportState.APPLYING])
    return list(db.session.scalars(select(ProgrammeImport.id).where(wanted).order_by(ProgrammeImport.id)))


def import_step(import_id: int, now: datetime) -> bool:
    """Do the next step of an import; says whether there was one. Another worker's import is left to it."""
    found = _import(import_id)
    if found is None or found.state not in {ImportState.QUEUED, ImportState.APPLYING}:
        return False
    if found.state is ImportState.QUEUED:
        _check(found, now)
    else:
        _apply(found, now)
    return True


def give_up_import(import_id: int, error: str, now: datetime) -> None:
    """End an import that cannot go on. Nothing of it is written."""
    found = _import(import_id)
    if found is not None and found.state not in {ImportState.DONE, ImportState.FAILED}:
        found.state, found.error, found.finished_at = ImportState.FAILED, error, now
        record_change(_who(found), "import_failed", found, now)


def tidy_imports(now: datetime) -> int:
    """Empty the lines of imports that ended a day ago, and end those nobody has decided about for a week. Says how many."""
    unanswered = select(ProgrammeImport.id).where(
        ProgrammeImport.state == ImportState.CHECKED, ProgrammeImport.created_at < now - DECIDE_WITHIN
    )
    for number in db.session.scalars(unanswered).all():
        give_up_import(number, "unanswered", now)
    db.session.flush()
    old = [ProgrammeImport.finished_at < now - LINES_KEPT, cast(ProgrammeImport.lines, String) != "[]"]
    ended = db.session.scalars(select(ProgrammeImport).where(*old).options(undefer(ProgrammeImport.report))).all()
    for one in ended:
        one.lines, one.report = [], [row | {"changes": {}} for row in one.report]
    return len(ended)


def counts(one: ProgrammeImport) -> Counter[str]:
    """How many lines would be created, changed, stay as they are, or are wrong."""
    return Counter(str(row["does"]) for row in one.report)


def _import(import_id: int) -> ProgrammeImport | None:
    statement = (
        select(ProgrammeImport)
        .where(ProgrammeImport.id == import_id)
        .options(undefer(ProgrammeImport.lines), undefer(ProgrammeImport.report))
        .with_for_update(of=ProgrammeImport, skip_locked=True)
    )
    return db.session.scalars(statement, execution_options=_FRESH).one_or_none()


def _who(one: ProgrammeImport) -> Who:
    """The import acts for who sent it."""
    return Who(Actor.AUTHORITY, one.account_id, one.acting_for_id)


def _check(one: ProgrammeImport, now: datetime) -> None:
    """Plan the next lines, and add them to the report."""
    planner = Planner(one.edition, one.lines, now)
    a_step = max(LINES_A_STEP, one.total // 25)
    upto = min(one.done + a_step, one.total)
    one.report = [*one.report, *(_row(planner.plan(n)) for n in range(one.done, upto))]
    one.done = upto
    if upto == one.total:
        one.state = ImportState.CHECKED


def _apply(one: ProgrammeImport, now: datetime) -> None:
    """Write everything. Where a line is no longer good and all were wanted, nothing is written and the reason is kept."""
    who = _who(one)
    if one.edition.is_past:
        give_up_import(one.id, "over", now)
        return
    nested = db.session.begin_nested()
    try:
        report = _write_all(one, who, now)
    except Refusal:  # a rule said no between the plan and the writing: somebody was quicker
        nested.rollback()
        give_up_import(one.id, "refused", now)
        return
    if not one.only_good and any(row["does"] == "wrong" for row in report):
        nested.rollback()
        _import(one.id)
        one.report = report
        give_up_import(one.id, "lines", now)
        return
    nested.commit()
    one.report, one.done, one.state, one.finished_at = report, one.total, ImportState.DONE, now
    db.session.flush()
    record_change(who, "import_applied", one, now, None, **dict(counts(one)))


def _write_all(one: ProgrammeImport, who: Who, now: datetime) -> list[dict[str, Any]]:
    planner = Planner(one.edition, one.lines, now)
    writer = _Writer(one.edition, planner, who, now)
    report = []
    to_publish: dict[int, int] = {}
    for n in range(one.total):
        plan = planner.plan(n)
        report.append(_row(plan))
        if not plan.problems:
            writer.write(plan)
            if plan.publish and plan.event:
                to_publish[n] = plan.event.id
    for n, event_id in to_publish.items():
        try:
            publish_event(event_id, who)
        except EventNotReady:  # the lines with its slots were not good
            report[n]["problems"].append(_said("publie", Problem("import_needed_to_publish")))
    return report


class _Writer:
    """Writes plans through the verbs of forms, so that whoever has to be told is told."""

    def __init__(self, edition: Edition, planner: Planner, who: Who, now: datetime) -> None:
        self._edition, self._planner, self._who, self._now = edition, planner, who, now

    def write(self, plan: Plan) -> None:
        """Do what a good line says."""
        if plan.head:
            plan.event = self._event(plan)
        if plan.event is None or not plan.slot_row:
            return
        if plan.slot is None:
            self._add_slot(plan.event, plan)
        elif plan.slot_changes:
            self._change_slot(plan.slot, plan)

    def _event(self, plan: Plan) -> Event:
        if plan.event is not None:
            if plan.event_changes:
                write_event(plan.event.id, plan.values, plan.event.version, self._who)
            return plan.event
        event = Event(key=plan.key, host=plan.found or self._host(plan), edition=self._edition, publication=Publication.DRAFT)
        for name, value in plan.values.items():
            setattr(event, name, value)
        if "type" not in plan.values:
            event.type = EventType.COMPANY_VISIT
        db.session.add(event)
        db.session.flush()
        event_changed(event, self._who, "imported", self._now)
        db.session.refresh(event)
        self._planner.taken_in(event)
        return event

    def _host(self, plan: Plan) -> Organisation:
        name, siret = plan.host
        wanted = Wanted(OrganisationKind.COMPANY, name or f"SIRET {siret}", str(plan.values.get("commune") or ""), siret)
        return make_organisation(wanted, self._who, self._now)

    def _add_slot(self, event: Event, plan: Plan) -> None:
        seen = labelled_as(event)
        columns = {name: value for name, value in plan.slot_row.items() if name != "capacity"}
        slot = Slot(event_id=event.id, pools=[Pool(capacity=plan.slot_row["capacity"])], **columns)
        db.session.add(slot)
        db.session.flush()
        slot_changed(slot, self._who, "imported", self._now, starts_at=slot.starts_at, capacity=plan.slot_row["capacity"])
        note_label_changes(event, self._now, self._who, before=seen)
        db.session.expire(event, ["slots"])

    def _change_slot(self, slot: Slot, plan: Plan) -> None:
        assert plan.slot_text is not None
        changed = plan.slot_changes.keys()
        raw = dict(plan.slot_text.raw)
        if "ends_at" in changed:
            move_slot(slot.id, raw, "", self._who)
        if changed & {"meeting_point", "arrive_minutes_before"}:
            move_meeting_point(slot.id, terms_of(slot) | raw, "", self._who)
        if "capacity" in changed:
            set_capacity(slot.id, raw, self._who)
        if changed - {"ends_at", "meeting_point", "arrive_minutes_before", "capacity"}:
            edit_slot(slot.id, terms_of(slot) | raw, slot.version, self._who)


def _row(plan: Plan) -> dict[str, Any]:
    """A plan as the report keeps it, in plain JSON."""
    return {
        "line": plan.line,
        "reference": plan.reference,
        "title": plan.title,
        "does": plan.does,
        "changes": {} if plan.problems else as_json(plan.changes),
        "problems": [_said(column, plan.problems[column]) for column in COLUMNS if column in plan.problems],
    }


def _said(column: str, problem: Problem) -> dict[str, Any]:
    facts = {name: value for name, value in problem.facts.items() if isinstance(value, str | int)}
    return {"column": column, "code": problem.code, "facts": facts}
