"""Organisations, events, slots and pools of the demo world, made from the files' plain data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from booking import clock
from booking.actions.record_change import record_change
from booking.db import db
from booking.demo.files import in_week
from booking.models import (
    OPERATOR,
    Edition,
    Event,
    EventType,
    HostMails,
    Label,
    LabelDecision,
    Organisation,
    OrganisationKind,
    Pool,
    PoolKind,
    Publication,
    Slot,
)
from booking.models.event import Equipment
from booking.queries.label_checks import seen_of
from booking.queries.search_text import search_text_for

Data = Mapping[str, Any]

_TEXTS = (
    "title", "summary", "place_name", "address", "commune", "meeting_point", "access_info", "conditions", "accessibility_note",
)  # fmt: skip
_FLAGS = ("closed_shoes", "identity_needed", "outdoors", "host_approval")
_WORDS = ("audiences", "levels", "accessible_for")
_NAMES_OF_VALUES = {
    "title": "le titre",
    "type": "le type d’événement",
    "host": "l’organisme d’accueil",
    "starts_at": "l’heure de début",
    "ends_at": "l’heure de fin",
    "capacity": "le nombre de places",
    "audiences": "le public exact",
}


def organisation(key: str, data: Data) -> Organisation:
    """An organisation as the file describes it."""
    return Organisation(
        key=key,
        kind=OrganisationKind(data["kind"]),
        name=data["name"],
        commune=data.get("commune", ""),
        email=data.get("email"),
        uai=data.get("uai"),
        invented=data.get("invented", False),
    )


def event(edition: Edition, host: Organisation, parent: Event | None, data: Data, communes: Data) -> Event:
    """A published event of an edition, with its label; its slots are added by `slots`."""
    now = clock.now()
    made = Event(
        key=f"{edition.key}-{data['key']}",
        edition=edition,
        host=host,
        parent=parent,
        type=EventType(data["type"]),
        publication=Publication.PUBLISHED,
        cancelled_at=now if data.get("cancelled") else None,
        description="\n\n".join(filter(None, [data.get("description", "").strip(), _what_is_ours(data.get("invented", ()))])),
        partners=data.get("partners", "").strip(),
        equipment=Equipment(data.get("equipment", "none")),
        host_mails=HostMails(data.get("host_mails", "digest")),
        invented=edition.invented,
        updated_at=now,
        min_age=data.get("min_age"),
        **{name: data.get(name, "") for name in _TEXTS},
        **{name: data.get(name, False) for name in _FLAGS},
        **{name: tuple(data.get(name, ())) for name in _WORDS},
        **communes.get(data.get("commune", ""), {}),
    )
    made.search_text = search_text_for(made)
    db.session.add(made)
    if data.get("labelled", edition.invented):
        made.label = _label(data.get("label", {}), now)
    return made


def _label(data: Data, now: datetime) -> Label:
    """The authority's decision: the label, or where the file says so, a request that waits or was returned."""
    decision = LabelDecision(data.get("decision", "labelled"))
    return Label(
        decision=decision,
        requested_at=now - timedelta(days=data.get("days", 20)),
        decided_at=None if decision is LabelDecision.REQUESTED else now,
        remarks=data.get("remarks", ""),
    )


def tell_of_label(asked: Event, data: Data) -> None:
    """What the history says of a label whose story is not over. The event and its slots must have been flushed.

    Where the file says what the event `was` when it got its label, it waits for a look.
    """
    label = asked.label
    if label is None or "label" not in data:
        return
    record_change(OPERATOR, "submitted", label, label.requested_at)
    if label.decision is LabelDecision.RETURNED and label.decided_at:
        record_change(OPERATOR, "label_returned", label, label.decided_at, None, remarks=label.remarks)
    if was := data["label"].get("was"):
        label.seen = seen_of(asked) | was
        label.review_since = clock.now() - timedelta(days=1)
        record_change(OPERATOR, "label_review_asked", label, label.review_since)


def _what_is_ours(names: tuple[str, ...]) -> str:
    """The sentence under an archived event whose release leaves out what a table needs."""
    if not names:
        return ""
    listed = ", ".join(_NAMES_OF_VALUES[name] for name in names)
    return f"Le communiqué de presse ne donne pas tout. Inventé pour cette page : {listed}."


def past_slots(archived: Event, data: Data) -> list[Slot]:
    """The slots of an event of 2011 or 2023, at the hours of the release."""
    made = []
    for n, plan in enumerate(data["slots"], start=1):
        at = datetime.fromisoformat(plan["at"]).replace(tzinfo=clock.PARIS)
        made.append(_slot(archived, at.astimezone(UTC), n, plan))
    return made


def coming_slots(coming: Event, data: Data, monday: date, shared: dict[str, Pool]) -> list[Slot]:
    """The slots of an event of the week to come. `shared` gathers the pools that several slots draw on."""
    made = []
    for n, plan in enumerate(data["slots"], start=1):
        slot = _slot(coming, in_week(monday, plan["day"], plan["at"]), n, plan)
        slot.opens_at = in_week(monday, **plan["opens"]) if "opens" in plan else None
        if "closes" in plan:
            slot.closes_at = clock.at_paris(monday - timedelta(days=plan["closes"]["days_before_week"]), 18)
        if "reserved" in plan:
            slot.pools.append(_reserved_pool(coming, plan["reserved"], monday))
        if "shared" in plan:
            slot.pools.append(_shared_pool(coming, plan["shared"], shared))
        made.append(slot)
    return made


def _slot(of: Event, starts_at: datetime, n: int, plan: Data) -> Slot:
    """A slot with its own pool. Classes are asked to book the day before; a person may come two hours before."""
    key = f"{of.key}-{n}"
    slot = Slot(
        key=key,
        event=of,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=plan["minutes"]),
        arrive_minutes_before=plan.get("arrive", 0),
        counts_adults=plan.get("counts_adults", False),
        min_party=plan.get("min_party", 1),
        max_party=plan.get("max_party"),
        pupils_per_adult=plan.get("pupils_per_adult"),
        closes_at=starts_at - timedelta(hours=24 if "pupils_per_adult" in plan else 2),
        headcount_until=starts_at - timedelta(hours=48),
        cancel_until=starts_at,
        cancelled_at=clock.now() if plan.get("cancelled") else None,
        pools=[Pool(key=key, capacity=plan["capacity"])],
    )
    db.session.add(slot)
    return slot


def _reserved_pool(of: Event, plan: Data, monday: date) -> Pool:
    opens = in_week(monday, **plan["opens"])
    return Pool(
        key=f"{of.edition.key}-{plan['key']}",
        kind=PoolKind.RESERVED,
        event=of,
        name=plan["name"],
        capacity=plan["capacity"],
        audiences=tuple(plan["audiences"]),
        opens_at=opens,
    )


def _shared_pool(of: Event, plan: Data, shared: dict[str, Pool]) -> Pool:
    key = f"{of.edition.key}-{plan['key']}"
    if key not in shared:
        shared[key] = Pool(key=key, kind=PoolKind.SHARED, event=of, name=plan["name"], capacity=plan["capacity"])
        db.session.add(shared[key])
    return shared[key]
