"""Decide about a label: grant it, return or refuse the request, keep it after a change.

Label, publication and availability are three things: no decision publishes or hides an event, or closes its bookings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, selectinload

from booking.actions.queue_message import HOST_LOCALE, queue_letter
from booking.actions.record_change import record_change
from booking.db import db
from booking.errors import Invalid, NotFound, Problem, WrongLabelState
from booking.models import Event, Kind, Label, LabelDecision, Slot, Who
from booking.models.party import Reader
from booking.queries.label_checks import seen_of
from booking.queries.label_queue import fingerprint
from booking.queries.workspace import managers_of

LONGEST_REMARKS = 2000


class Verdict(StrEnum):
    """What the authority can say about a request, or about a labelled event that changed."""

    GRANT = "grant"
    RETURN = "return"
    REFUSE = "refuse"
    KEEP = "keep"


REQUEST, REVIEW = "requested", "review"
STEPS: Mapping[Verdict, frozenset[str]] = MappingProxyType(
    {
        Verdict.GRANT: frozenset({REQUEST}),
        Verdict.KEEP: frozenset({REVIEW}),
        Verdict.RETURN: frozenset({REQUEST, REVIEW}),
        Verdict.REFUSE: frozenset({REQUEST, REVIEW}),
    }
)
"""What a label must wait for, so that a verdict may be given."""

_LEADS_TO = {
    Verdict.GRANT: (LabelDecision.LABELLED, "label_granted", Kind.LABEL_GRANTED),
    Verdict.KEEP: (LabelDecision.LABELLED, "label_kept", None),
    Verdict.RETURN: (LabelDecision.RETURNED, "label_returned", Kind.LABEL_RETURNED),
    Verdict.REFUSE: (LabelDecision.REFUSED, "label_refused", Kind.LABEL_REFUSED),
}
_NEEDS_WORDS = frozenset({Verdict.RETURN, Verdict.REFUSE})


def waits_for(label: Label | None) -> str:
    """What a label waits for: a first decision (`requested`), a look at what changed (`review`), or nothing."""
    if label is None:
        return ""
    if label.decision is LabelDecision.REQUESTED:
        return REQUEST
    return REVIEW if label.decision is LabelDecision.LABELLED and label.review_since is not None else ""


def verdicts_for(label: Label | None) -> list[Verdict]:
    """What can be said now."""
    return [verdict for verdict, from_ in STEPS.items() if waits_for(label) in from_]


def decide_label(event_id: int, verdict: Verdict, remarks: str, seen: str, who: Who, now: datetime) -> Event:
    """Give a verdict on an event as it was shown (`seen`: its `fingerprint`), and write to the organiser.

    Raises `Invalid` where remarks are missing that must be given, and `WrongLabelState` (`why`: decided or changed) when
    somebody else was faster, or the event is no longer what was looked at.
    """
    said = _remarks(verdict, remarks)
    event = _event(event_id)
    label = event.label
    if label is None or waits_for(label) not in STEPS[verdict]:
        raise WrongLabelState("decided")
    if fingerprint(event) != seen:
        raise WrongLabelState("changed")
    decision, action, letter = _LEADS_TO[verdict]
    _write(label, decision, said, event, who, now)
    details = {"remarks": said} if said else {}
    record_change(who, action, label, now, None, **details)
    if letter:
        _tell(event, letter, said, now)
    return event


def _remarks(verdict: Verdict, remarks: str) -> str:
    reader = Reader({"remarks": remarks})
    said = reader.lines("remarks", LONGEST_REMARKS)
    if verdict in _NEEDS_WORDS and not said and not reader.problems:
        reader.refuse("remarks", Problem("required"))
    if reader.problems:
        raise Invalid(reader.problems)
    return said


def _event(event_id: int) -> Event:
    statement = (
        select(Event)
        .where(Event.id == event_id)
        .options(joinedload(Event.label), joinedload(Event.host), selectinload(Event.slots).selectinload(Slot.pools))
    )
    found = db.session.scalars(statement, execution_options={"populate_existing": True}).unique().one_or_none()
    if found is None:
        raise NotFound
    return found


def _write(label: Label, decision: LabelDecision, said: str, event: Event, who: Who, now: datetime) -> None:
    """Two who decide at once read the same state; the UPDATE names it, and the second one matches no row."""
    values = {
        "decision": decision,
        "decided_at": now,
        "decided_by_id": who.account_id,
        "remarks": said,
        "review_since": None,
    } | ({"seen": seen_of(event)} if decision is LabelDecision.LABELLED else {})
    still = [Label.id == label.id, Label.decision == label.decision, Label.requested_at == label.requested_at]
    still.append(Label.review_since.is_(None) if label.review_since is None else Label.review_since == label.review_since)
    plain = {"synchronize_session": False}
    if db.session.connection().execute(update(Label).where(*still).values(values)).rowcount != 1:
        raise WrongLabelState("decided")
    db.session.refresh(label)
    # The public page shows the seal, and knows by this that it is old. The event's words, and so its version, stay as they are.
    db.session.execute(update(Event).where(Event.id == event.id).values(updated_at=now), execution_options=plain)


def _tell(event: Event, kind: Kind, said: str, now: datetime) -> None:
    """Write to everybody at the organiser's who reads about its events, each once, in their language."""
    addresses = {account.email.casefold(): (account.email, account.locale) for account in managers_of(event.host_id)}
    for address in event.notice_addresses:
        addresses.setdefault(address.casefold(), (address, HOST_LOCALE))
    facts = {"title": event.title, "event_id": event.id, "organisation": event.host.name}
    for address, locale in addresses.values():
        queue_letter(address, locale, kind, now, **facts, **({"remarks": said} if said else {}))
