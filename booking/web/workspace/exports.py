"""Exports: the list of bookings as CSV, the slots for the host's calendar. They read, change nothing, and are kept by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, g, stream_with_context

from booking import clock, vocabulary
from booking.app_settings import settings
from booking.i18n import _, translate
from booking.mail.host_invitation import HostSlot, host_calendar
from booking.models import Booking, Organisation
from booking.permissions import Act
from booking.queries import door, workspace_bookings
from booking.sheets import write_csv
from booking.web.authorise import needs
from booking.web.workspace.booking_filters import read_filters

bp = Blueprint("workspace_exports", __name__)

COLUMNS = (
    _("Référence"),
    _("État"),
    _("Événement"),
    _("Jour"),
    _("Début"),
    _("Fin"),
    _("Public"),
    _("Établissement"),
    _("Code UAI"),
    _("Commune"),
    _("Niveau"),
    _("Classe"),
    _("Élèves"),
    _("Adultes"),
    _("Places"),
    _("Nom"),
    _("Adresse électronique"),
    _("Téléphone"),
    _("Accessibilité"),
    _("Réservée le"),
    _("Terminée le"),
    _("Motif"),
)


@bp.get("/workspace/organisations/<int:organisation_id>/bookings.csv")
@needs(Act.READ_BOOKINGS, Organisation)
def bookings_csv(organisation: Organisation) -> Response:
    """The list with the filters in the address, whole, as a spreadsheet opens it."""
    locale = g.locale
    bookings = workspace_bookings.export(read_filters(organisation).filters)
    header = [translate(locale, name) for name in COLUMNS]
    lines = write_csv(header, _rows(bookings, locale))
    return _attached(Response(stream_with_context(lines), mimetype="text/csv"), f"{organisation.key}-{_today()}.csv")


@bp.get("/workspace/organisations/<int:organisation_id>/slots.ics")
@needs(Act.READ_BOOKINGS, Organisation)
def slots_ics(organisation: Organisation) -> Response:
    """The slots with how many are expected, for the host's own calendar."""
    slots = [HostSlot(one, changed) for one, changed in door.calendar(organisation.id, clock.now())]
    answer = Response(host_calendar(slots, settings(), g.locale), mimetype="text/calendar")
    return _attached(answer, f"{organisation.key}.ics")


def _rows(bookings: Iterator[Booking], locale: str) -> Iterator[list[object]]:
    for booking in bookings:
        slot = booking.slot
        starts, ends = clock.in_paris(slot.starts_at), clock.in_paris(slot.ends_at)
        needs = [f"{translate(locale, vocabulary.ACCESS[kind])} ({number})" for kind, number in booking.needs.items()]
        yield [
            booking.reference,
            translate(locale, vocabulary.STATES[booking.status]),
            slot.event.title,
            f"{starts:%Y-%m-%d}",
            f"{starts:%H:%M}",
            f"{ends:%H:%M}",
            translate(locale, vocabulary.AUDIENCES[booking.audience]),
            booking.school_name,
            booking.school_uai,
            booking.commune,
            booking.level,
            booking.class_label,
            booking.pupils,
            booking.adults,
            booking.places,
            booking.name,
            booking.email,
            booking.phone,
            ", ".join(needs),
            f"{clock.in_paris(booking.created_at):%Y-%m-%d %H:%M}",
            f"{clock.in_paris(booking.ended_at):%Y-%m-%d %H:%M}" if booking.ended_at else None,
            booking.end_reason,
        ]


def _today() -> str:
    return clock.paris_day(clock.now()).isoformat()


def _attached(answer: Response, name: str) -> Response:
    """A file to be kept by whoever asked for it. Its name is made of our own signs alone."""
    safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-.") else "-" for sign in name)
    answer.headers["Content-Disposition"] = f'attachment; filename="{safe}"'
    return answer
