"""Ask for the label: the machine checks first, then the authority is written to and has four working days."""

from __future__ import annotations

from booking import clock
from booking.actions.event_ground import event_changed, event_to_change
from booking.actions.label_changes import write_to_authority
from booking.db import db
from booking.errors import EventFixed, EventNotReady, TooLate
from booking.models import Event, Kind, Label, LabelDecision, Who
from booking.queries.label_checks import checks
from booking.queries.label_queue import ANSWER_WITHIN
from booking.workdays import working_deadline

_ANSWERED = frozenset({LabelDecision.REQUESTED, LabelDecision.LABELLED})


def submit_event(event_id: int, who: Who) -> Event:
    """Ask for an event's label, for the first time or again after it was returned. Asking twice is asking once.

    Raises `TooLate` after the edition's last day for it, `EventNotReady` (`missing`: codes of the checks that are not met),
    `EventFixed` or `NotFound`.
    """
    now = clock.now()
    event = event_to_change(event_id)
    label = event.label
    if label is not None and label.decision in _ANSWERED:
        return event
    if label is not None and label.decision is LabelDecision.REFUSED:
        raise EventFixed("label_refused")
    if event.edition.authority is None:
        raise EventFixed("no_authority")
    last_day = event.edition.labels_until
    if clock.paris_day(now) > last_day:
        raise TooLate("label", at=clock.at_paris(last_day, 23, 59))
    if missing := [check.code for check in checks(event) if check.met is False]:
        raise EventNotReady("label", missing)
    if label is None:
        event.label = Label(decision=LabelDecision.REQUESTED, requested_at=now)
    else:
        label.decision, label.requested_at, label.decided_at, label.decided_by_id = LabelDecision.REQUESTED, now, None, None
        label.review_since = None
    db.session.flush()
    event_changed(event, who, "submitted", now)
    write_to_authority(event, Kind.LABEL_ASKED, now, answer_by_at=working_deadline(now, ANSWER_WITHIN).isoformat())
    return event
