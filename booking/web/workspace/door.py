"""The door: the slots of today and to come, and the list of one slot for whoever greets, as a page and on paper.

What is needed at the gate and no more: a telephone number, and no e-mail address.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, url_for
from sqlalchemy import Row
from werkzeug.wrappers import Response as BaseResponse

from booking import clock, i18n, vocabulary
from booking.i18n import _, translate
from booking.models import Organisation, Slot
from booking.paper import MOST_ROWS, day_sheet
from booking.permissions import Act
from booking.queries import door
from booking.web.authorise import needs
from booking.web.templating import gettext, ngettext

bp = Blueprint("workspace_door", __name__)

LABELS = {
    "places": _("Places prises"),
    "meeting_point": _("Rendez-vous"),
    "host": _("Organisme"),
    "contact": _("Contact"),
    "came": _("Là"),
    "reference": _("Référence"),
    "who": _("Qui"),
    "level": _("Niveau"),
    "pupils": _("Élèves"),
    "adults": _("Adultes"),
    "needs": _("Accessibilité"),
    "present": _("Présents"),
    "total": _("Total"),
    "none": _("Personne n’est attendu."),
    "page": _("Page %(page)s sur %(pages)s"),
    "held": _("Pas encore confirmées"),
}
"""The words of the sheet, on the page and on paper."""


@bp.get("/workspace/organisations/<int:organisation_id>/door")
@needs(Act.READ_DOOR_LIST, Organisation)
def listing(organisation: Organisation) -> str:
    """Today's slots and those to come, each with how many are expected."""
    now = clock.now()
    coming = door.coming(organisation.id, now)
    days = [(day, list(slots)) for day, slots in groupby(coming, key=lambda one: clock.paris_day(one.slot.starts_at))]
    return render_template("workspace/door.html", organisation=organisation, days=days, today=clock.paris_day(now))


@bp.get("/workspace/slots/<int:slot_id>/day-sheet")
@needs(Act.READ_DOOR_LIST, Slot)
def show(slot: Slot) -> str:
    """Who is expected at one slot; printed, it is a list to tick."""
    listed = door.of_slot(slot.id, clock.now())
    expected, held = [_entry(row) for row in listed.expected], [_entry(row) for row in listed.held]
    return render_template(
        "workspace/door_sheet.html",
        organisation=slot.event.host,
        slot=slot,
        event=slot.event,
        expected=expected,
        held=held,
        places=_places(slot, listed),
        too_long=len(expected) + len(held) > MOST_ROWS,
        most=MOST_ROWS,
        labels=LABELS,
    )


@bp.get("/workspace/slots/<int:slot_id>/day-sheet.pdf")
@needs(Act.READ_DOOR_LIST, Slot)
def pdf(slot: Slot) -> BaseResponse:
    """The same list on paper. One that is too long for a sheet is shown as a page, which says so."""
    listed = door.of_slot(slot.id, clock.now())
    if len(listed.expected) + len(listed.held) > MOST_ROWS:
        return redirect(url_for("workspace_door.show", slot_id=slot.id), 303)
    answer = Response(day_sheet(_sheet(slot, listed)), mimetype="application/pdf")
    name = f"{clock.in_paris(slot.starts_at):%Y-%m-%d-%H%M}-{slot.id}.pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _sheet(slot: Slot, listed: door.DoorList) -> dict[str, object]:
    event = slot.event
    printed = translate(g.locale, _("Imprimé le %(at)s")) % {"at": i18n.moment(clock.now(), g.locale)}
    return {
        "locale": g.locale,
        "labels": {name: translate(g.locale, said) for name, said in LABELS.items()},
        "title": event.title,
        "day": i18n.instant_day(slot.starts_at, g.locale),
        "hours": i18n.hours(slot.starts_at, slot.ends_at, g.locale),
        "meeting_point": slot.meets_at,
        "host": event.host.name,
        "contact": event.contact_phone,
        "places": _places(slot, listed),
        "printed": printed,
        "bookings": [_on_paper(_entry(row)) for row in listed.expected],
        "held": [_on_paper(_entry(row)) for row in listed.held],
    }


def _on_paper(entry: dict[str, Any]) -> dict[str, Any]:
    """Paper has a narrow column for levels: who somebody alone comes as stands behind the name."""
    return entry if entry["french"] else entry | {"who": f"{entry['who']} ({entry['level']})", "level": ""}


def _entry(row: Row[Any]) -> dict[str, Any]:
    """One booking as the sheet lists it: a class, or the name somebody gives at the gate, with who they come as.

    A person alone counts as one adult, so that the totals are people.
    """
    is_class = row.audience == "school"
    person = gettext(vocabulary.PERSONS.get(row.audience, vocabulary.AUDIENCES[row.audience])) if not is_class else ""
    group = ", ".join(part for part in (row.class_label, row.school_name) if part)
    return {
        "reference": row.reference,
        "who": group if is_class else row.name or person,
        "level": gettext(vocabulary.LEVELS.get(row.level, row.level)) if row.level else person,
        "contact_name": row.name if is_class else "",
        "phone": row.phone,
        "pupils": row.pupils,
        "adults": row.adults if is_class else 1,
        "needs": [
            gettext(_("%(kind)s : %(number)s")) % {"kind": gettext(vocabulary.ACCESS[kind]), "number": number}
            for kind, number in row.needs.items()
            if kind in vocabulary.ACCESS
        ],
        "french": is_class,
    }


def _places(slot: Slot, listed: door.DoorList) -> str:
    taken = sum(row.places for row in (*listed.expected, *listed.held))
    said = ngettext("%(num)s place sur %(all)s", "%(num)s places sur %(all)s", taken)
    return said % {"num": taken, "all": slot.capacity}
