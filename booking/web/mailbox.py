"""The demo's mailbox: every mail as its reader would see it, so that the whole story works without an SMTP server.

It opens everybody's mail to everybody, so it is registered in the demo alone. Messages that were sent and whose
content is not (or no longer) kept have nothing to show, and are no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import SMTP
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from icalendar import Calendar
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import undefer

from booking import vocabulary
from booking.app_settings import settings
from booking.db import db
from booking.errors import NotFound
from booking.i18n import _
from booking.mail.opened import OpenedMail, open_mail
from booking.models import Delivery, Kind, Message
from booking.models.message import TO_HOSTS
from booking.web.security import content_policy, forbid_keeping

bp = Blueprint("mailbox", __name__)

A_PAGE = 30
LARGEST_ID = 2**31 - 1
_LONGEST_ADDRESS = 254
_LINK = re.compile(r"https?://[^\s<>\"«»]+")
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_TOP = '<base target="_top">'
_FOLDED = re.compile(r"\r?\n[ \t]")
_FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_KINDS = {
    Kind.BOOKING_TO_PROVE: _("Adresse à confirmer"),
    Kind.BOOKING_CONFIRMED: _("Réservation confirmée"),
    Kind.BOOKING_CHANGED: _("Réservation changée"),
    Kind.BOOKING_CANCELLED: _("Réservation annulée"),
    Kind.BOOKING_EXPIRED: _("Délai passé"),
    Kind.HOST_BOOKING_CONFIRMED: _("À l’organisateur : nouvelle réservation"),
    Kind.HOST_BOOKING_CHANGED: _("À l’organisateur : effectif changé"),
    Kind.HOST_BOOKING_CANCELLED: _("À l’organisateur : annulation"),
    Kind.BOOKING_RESCHEDULED: _("Visite déplacée"),
    Kind.BOOKER_LETTER: _("Message de l’organisateur"),
    **vocabulary.NOTICES,
    Kind.SIGN_IN: _("Code de connexion"),
    Kind.MEMBER_INVITED: _("Accès à un espace"),
    Kind.JOIN_ASKED: _("Espace demandé"),
    Kind.JOIN_ACCEPTED: _("Espace ouvert"),
    Kind.JOIN_REFUSED: _("Espace refusé"),
    Kind.LABEL_ASKED: _("Label demandé"),
    Kind.LABEL_GRANTED: _("Label donné"),
    Kind.LABEL_RETURNED: _("Label : à compléter"),
    Kind.LABEL_REFUSED: _("Label refusé"),
    Kind.LABEL_REVIEW: _("Changé après le label"),
    Kind.HELP_STARTED: _("Une autorité consulte l’espace"),
    Kind.ACCOUNT_IDLE: _("Compte sans visite"),
}
_STATES = {Delivery.QUEUED: _("En attente"), Delivery.SENT: _("Remis"), Delivery.DEAD: _("Abandonné")}
_METHODS = {
    "REQUEST": _("Invitation, ou mise à jour d’une invitation"),
    "CANCEL": _("Annulation : l’entrée quitte l’agenda"),
}
_ENTRY_STATES = {"CONFIRMED": _("Confirmé"), "CANCELLED": _("Annulé"), "TENTATIVE": _("Provisoire")}


@dataclass(frozen=True)
class Entry:
    """What a calendar makes of an invitation. Instants are in UTC; names of codes are messages to translate."""

    method: str
    method_name: str
    status: str
    status_name: str
    sequence: int
    summary: str
    place: str
    attendee: str
    starts_at: datetime
    ends_at: datetime
    source: str
    """The object as text, its folded lines joined."""


@bp.after_request
def _keep_nothing(response: Response) -> Response:
    """The pages carry secret links."""
    forbid_keeping(response)
    return response


@bp.get("/mailbox")
def show() -> str:
    """The mails, newest first; `?to=` keeps those whose recipient contains it."""
    to = _wanted_recipient()
    messages, older = _page(to)
    subjects = {message.id: _headers(message.content)["Subject"] for message in messages if message.content}
    return render_template(
        "mailbox/list.html", messages=messages, subjects=subjects, older=older, to=to, kinds=_KINDS, states=_STATES
    )


@bp.get("/mailbox.json")
def listing() -> Response:
    """The same for programs, with the links each mail's text shows. `older` is the address of the next page, or null."""
    to = _wanted_recipient()
    messages, older = _page(to)
    return jsonify(
        messages=[_described(message) for message in messages],
        older=url_for("mailbox.listing", to=to or None, before=older) if older else None,
    )


@bp.get(f"/mailbox/<int(max={LARGEST_ID}):message_id>")
def letter(message_id: int) -> Response:
    """One mail: its headers, its HTML in a frame, its text and its invitation."""
    message = message_to_show(message_id)
    mail = open_mail(message.content) if message.content else None
    page = render_template(
        "mailbox/letter.html",
        message=message,
        mail=mail,
        headers=_headers(message.content) if message.content else {},
        entry=_entry(mail.calendar) if mail and mail.calendar else None,
        to_answer=is_to_answer(message),
        kinds=_KINDS,
        states=_STATES,
    )
    answer = Response(page, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = content_policy(settings(), frame_src="'self'")
    return answer


def is_to_answer(message: Message) -> bool:
    """Whether a mail invites a booker, so that a calendar can answer it; and whether the answer would be believed."""
    if message.booking_id is None or message.kind in TO_HOSTS or message.content is None or not settings().inbox_authserv_id:
        return False
    calendar = open_mail(message.content).calendar
    return calendar is not None and Calendar.from_ical(calendar).get("METHOD") == "REQUEST"


@bp.get(f"/mailbox/<int(max={LARGEST_ID}):message_id>/html")
def html(message_id: int) -> Response:
    """The HTML part for the frame: it runs nothing, fetches nothing, and its links open in the whole window."""
    mail = _mail(message_id)
    framed, found = _HEAD.subn(lambda head: head[0] + _TOP, mail.html, count=1)
    answer = Response(framed if found else _TOP + mail.html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = _FRAME_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


@bp.get(f"/mailbox/<int(max={LARGEST_ID}):message_id>/invite.ics")
def invitation(message_id: int) -> Response:
    """The calendar part, for a calendar to open."""
    calendar = _mail(message_id).calendar
    if calendar is None:
        raise NotFound
    answer = Response(calendar, mimetype="text/calendar")
    answer.headers["Content-Disposition"] = 'attachment; filename="invite.ics"'
    return answer


@bp.get(f"/mailbox/<int(max={LARGEST_ID}):message_id>/raw")
def raw(message_id: int) -> Response:
    """The bytes as they go over the wire."""
    message = message_to_show(message_id)
    if message.content is None:
        raise NotFound
    return Response(message.content, mimetype="text/plain")


def _wanted_recipient() -> str:
    given = request.args.get("to", "").strip()
    return "".join(sign for sign in given if sign.isprintable())[:_LONGEST_ADDRESS]


def _page(to: str) -> tuple[Sequence[Message], int | None]:
    """One page of messages, and where the next one begins."""
    statement = _visible().order_by(Message.id.desc()).limit(A_PAGE + 1)
    if to:
        statement = statement.where(func.lower(Message.recipient).contains(to.lower(), autoescape=True))
    before = request.args.get("before", type=int)
    if before is not None:
        statement = statement.where(Message.id < max(0, min(before, LARGEST_ID)))
    found = db.session.scalars(statement).all()
    return found[:A_PAGE], found[A_PAGE - 1].id if len(found) > A_PAGE else None


def _visible() -> Select[Message]:
    has_something = or_(Message.delivery != Delivery.SENT, Message.content.is_not(None))
    return select(Message).where(has_something).options(undefer(Message.content))


def message_to_show(message_id: int) -> Message:
    """A mail the mailbox shows, with its bytes. Raises `NotFound`."""
    found = db.session.scalars(_visible().where(Message.id == message_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _mail(message_id: int) -> OpenedMail:
    content = message_to_show(message_id).content
    if content is None:
        raise NotFound
    return open_mail(content)


def _headers(content: bytes) -> Any:
    return BytesHeaderParser(policy=SMTP).parsebytes(content)


def _described(message: Message) -> dict[str, Any]:
    mail = open_mail(message.content) if message.content else None
    return {
        "id": message.id,
        "to": message.recipient,
        "subject": mail.subject if mail else None,
        "kind": message.kind.value,
        "state": message.delivery.value,
        "error": message.last_error or None,
        "created_at": message.created_at.isoformat(),
        "links": [link.rstrip(".,;:!?)") for link in _LINK.findall(mail.text)] if mail else [],
    }


def _entry(calendar: bytes) -> Entry:
    """The one entry of an invitation of ours."""
    opened = Calendar.from_ical(calendar)
    event = opened.walk("VEVENT")[0]
    method, status = str(opened.get("METHOD", "")), str(event.get("STATUS", ""))
    return Entry(
        method=method,
        method_name=_METHODS.get(method, method),
        status=status,
        status_name=_ENTRY_STATES.get(status, status),
        sequence=int(event.get("SEQUENCE", 0)),
        summary=str(event.get("SUMMARY", "")),
        place=str(event.get("LOCATION", "")),
        attendee=str(event.get("ATTENDEE", "")).removeprefix("mailto:"),
        starts_at=event.decoded("DTSTART"),
        ends_at=event.decoded("DTEND"),
        source=_FOLDED.sub("", calendar.decode()).replace("\r\n", "\n"),
    )
