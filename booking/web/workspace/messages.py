"""Every mail about one event: what was sent when, what arrived, what came back, and what can be sent again."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, g, render_template, request

from booking import clock
from booking.i18n import _
from booking.models import Event, Kind
from booking.permissions import Act
from booking.queries import event_messages
from booking.queries.event_messages import Fate, Filters
from booking.web.authorise import needs
from booking.web.reading import asked_number, asked_page
from booking.web.workspace.booking_words import kind_said, mail_said

bp = Blueprint("workspace_messages", __name__)
E = TypeVar("E", bound=StrEnum)

FATES = {Fate.DELIVERED: _("Remis"), Fate.WAITING: _("En attente"), Fate.FAILED: _("Revenus ou abandonnés")}


@bp.get("/workspace/events/<int:event_id>/messages")
@needs(Act.READ_BOOKINGS, Event)
def listing(event: Event) -> str:
    """The mails of the event's bookings and slots that suit the filters in the address, newest first, fifty a page."""
    filters = _asked(event)
    result = event_messages.search(event.slots, filters, asked_page())
    now = clock.now()
    slots = {slot.id: slot for slot in event.slots}
    lines = [
        {
            "mail": mail_said(message, result.of_bookings.get(message.booking_id or 0, ()), now, g.locale),
            "booking": message.booking,
            "slot": slots.get(message.booking.slot_id if message.booking else message.slot_id or 0),
        }
        for message in result.found
    ]
    return render_template(
        "workspace/messages.html",
        organisation=event.host,
        event=event,
        filters=filters,
        result=result,
        lines=lines,
        fates=FATES,
        kinds=sorted(((kind.value, kind_said(kind, g.locale)) for kind in result.kinds), key=lambda pair: pair[1]),
        bar=_bar(result),
        note=request.args.get("note") == "again",
    )


def _asked(event: Event) -> Filters:
    slot_id = asked_number("slot")
    return Filters(
        fate=_word(Fate, request.args.get("state", "")),
        kind=_word(Kind, request.args.get("kind", "")),
        slot_id=slot_id if slot_id in {slot.id for slot in event.slots} else None,
    )


def _word(words: type[E], given: str) -> E | None:
    """A word of a vocabulary; None for what is none of it."""
    return words(given) if given in {word.value for word in words} else None


def _bar(result: event_messages.MessagesPage) -> list[dict[str, Any]]:
    """The counts as parts of one bar of width 100, in the order of `FATES`."""
    total = sum(result.counts.values())
    parts, at = [], 0.0
    for fate in FATES:
        width = 100 * result.counts.get(fate, 0) / total if total else 0.0
        parts.append({"fate": fate, "at": round(at, 2), "width": round(width, 2), "count": result.counts.get(fate, 0)})
        at += width
    return parts
