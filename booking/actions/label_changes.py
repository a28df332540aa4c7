"""Notice that a labelled event is no longer what was labelled, and ask the authority for a look."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from booking.actions.queue_message import HOST_LOCALE, queue_letter
from booking.actions.record_change import changes_between, record_change
from booking.db import db
from booking.models import CLOCK, Event, Kind, Who
from booking.queries.label_checks import seen_of
from booking.queries.workspace import managers_of


def note_label_changes(event: Event, now: datetime, who: Who = CLOCK, *, before: Mapping[str, object] | None = None) -> bool:
    """Call it after every change of an event's days, price, audiences or place; says whether a look is now asked for.

    The event stays labelled and visible. The authority is written to once: a second change before anybody has looked asks for
    nothing more, and an event that is again what was labelled needs no look. `before` is `seen_of` the event before the change,
    for labels given before anybody kept what was seen.
    """
    if not event.is_labelled or event.label is None or event.cancelled_at:
        return False  # nobody has to look at what does not take place
    label = event.label
    db.session.flush()
    db.session.refresh(event, ["slots"])
    now_is = seen_of(event)
    if not label.seen and before is not None:
        label.seen = dict(before)
    changes = changes_between(label.seen, now_is)
    if not changes and label.seen:
        if label.review_since is not None:
            label.review_since = None
            record_change(who, "label_as_seen", label, now)
        return False
    if label.review_since is None:
        label.review_since = now
        db.session.flush()
        record_change(who, "label_review_asked", label, now, changes)
        write_to_authority(event, Kind.LABEL_REVIEW, now)
    return True


def write_to_authority(event: Event, kind: Kind, now: datetime, **facts: object) -> None:
    """A letter about an event's label to everybody who manages its edition's authority, else to the authority's own address."""
    authority = event.edition.authority
    if authority is None:
        return
    readers = [(account.email, account.locale) for account in managers_of(authority.id)]
    if not readers and authority.email:
        readers = [(authority.email, HOST_LOCALE)]
    for address, locale in readers:
        queue_letter(address, locale, kind, now, title=event.title, organisation=event.host.name, event_id=event.id, **facts)
