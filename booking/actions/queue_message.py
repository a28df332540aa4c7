"""Queue a message by its kind. Its facts are frozen here; what it says is the business of `booking.mail`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from booking.actions.host_entries import entry_for_notice, note_host_entry
from booking.db import add_rows, db
from booking.models import Booking, HostMails, Kind, Message, Slot
from booking.models.booking import LIVE

_CALENDAR_METHODS = {
    Kind.BOOKING_CONFIRMED: "REQUEST",
    Kind.BOOKING_CHANGED: "REQUEST",
    Kind.BOOKING_RESCHEDULED: "REQUEST",
    Kind.BOOKING_CANCELLED: "CANCEL",
}
HOST_LOCALE = "fr"
_REPEATED = frozenset({Kind.HOST_APPROVAL_ASKED, Kind.HOST_REQUEST_EXPIRED, Kind.HOST_CHANGE_ASKED})
"""Notices to the host that may come more than once before an invitation does."""
_OF_WHO_COMES = frozenset({Kind.HOST_BOOKING_CONFIRMED, Kind.HOST_BOOKING_CHANGED, Kind.HOST_BOOKING_CANCELLED})
"""Notices of a change in who comes: they carry the slot's calendar entry, and a host may wish for one mail a day instead."""
_TO_STRANGERS = frozenset({Kind.BOOKING_TO_PROVE, Kind.WAITING_TO_PROVE})
"""Mails to an address nobody has proven carry none of the visitor's own text: a booking form must not become a
way to write to strangers. The end of a request is such a mail where the address was never proven."""
_FOR_BOTH_HALVES = frozenset(
    {
        Kind.BOOKING_TO_PROVE,
        Kind.BOOKING_PENDING,
        Kind.BOOKING_CONFIRMED,
        Kind.HEAD_ASKED,
        Kind.HEAD_REMINDED,
        Kind.HOST_APPROVAL_ASKED,
    }
)
"""Mails about one half of a split class that name the other: questions put once for both, and each half's confirmation."""


def queue_message(booking: Booking, kind: Kind, now: datetime, **more: object) -> None:
    """Add one mail to the booker to the outbox, with the facts as they are now.

    For invitations call `booking.next_invitation(now)` first: SEQUENCE and DTSTAMP are frozen with the rest.
    """
    _queue(booking, kind, booking.email, booking.locale, now, more)


def queue_host_notice(booking: Booking, kind: Kind, now: datetime, **more: object) -> None:
    """Tell the host, at each of the event's contact addresses; call it when the booking is what it is from now on.

    Who comes to a slot changes with a booking that was confirmed once. Where the host wishes for one mail a day, that is what
    tells of it; what needs an answer, and the end of what needed one, is written at once.
    """
    slot, before, carried = booking.slot, 0, {}
    if kind in _OF_WHO_COMES and booking.is_invited:
        if slot.event.host_mails is HostMails.DIGEST:
            note_host_entry(slot, now)
            return
        entry = entry_for_notice(slot, now)
        carried = {"slot_id": slot.id} if entry else {}
        more |= {"entry": entry} if entry else {}
    elif kind in _REPEATED:
        before = times_told(booking, kind)
    for copy, address in enumerate(slot.event.notice_addresses, start=before):
        _queue(booking, kind, address, HOST_LOCALE, now, more, copy, **carried)


def queue_to_head(booking: Booking, kind: Kind, now: datetime, **more: object) -> None:
    """Add one mail to the school's head, at its official mailbox."""
    _queue(booking, kind, booking.head_email, HOST_LOCALE, now, more, times_told(booking, kind))


def times_told(booking: Booking, kind: Kind) -> int:
    """How many mails of a kind there are about a booking: the number of the next one, where several may share a SEQUENCE."""
    of_kind = Message.booking_id == booking.id, Message.kind == kind
    return db.session.scalar(select(func.count()).select_from(Message).where(*of_kind)) or 0


def queue_slot_mail(slot: Slot, sequence: int, now: datetime, **facts: object) -> None:
    """Add one mail about a whole slot to the outbox for each of the event's contact addresses, with the slot as it is now."""
    for copy, address in enumerate(slot.event.notice_addresses):
        row = {
            "booking_id": None,
            "slot_id": slot.id,
            "kind": Kind.HOST_SLOT,
            "sequence": sequence,
            "copy": copy,
            "recipient": address,
            "locale": HOST_LOCALE,
            "facts": {"booking": {}, "calendar": None} | slot_facts(slot) | facts,
            "created_at": now,
            "next_attempt_at": now,
        }
        add_rows(Message, [row])


def queue_letter(recipient: str, locale: str, kind: Kind, now: datetime, **facts: object) -> None:
    """Add one mail about no booking to the outbox. `booking.mail.letters` says which facts its kind needs."""
    row = {
        "booking_id": None,
        "kind": kind,
        "recipient": recipient,
        "locale": locale,
        "facts": facts,
        "created_at": now,
        "next_attempt_at": now,
    }
    add_rows(Message, [row])


def queue_copy(booking: Booking, kind: Kind, now: datetime, copy: int, **more: object) -> None:
    """Add one more mail of a kind to the booker, where several may share a SEQUENCE: a letter, a mail sent again."""
    _queue(booking, kind, booking.email, booking.locale, now, more, copy)


def _queue(
    booking: Booking,
    kind: Kind,
    recipient: str,
    locale: str,
    now: datetime,
    more: dict[str, object],
    copy: int = 0,
    slot_id: int | None = None,
) -> None:
    row = {
        "booking_id": booking.id,
        "slot_id": slot_id,
        "kind": kind,
        "sequence": booking.sequence,
        "copy": copy,
        "recipient": recipient,
        "locale": locale,
        "facts": facts_of(booking, kind) | _other_half(booking, kind) | more,
        "created_at": now,
        "next_attempt_at": now,
    }
    add_rows(Message, [row])


def _other_half(booking: Booking, kind: Kind) -> dict[str, Any]:
    if booking.group_key is None or kind not in _FOR_BOTH_HALVES:
        return {}
    same_class = Booking.group_key == booking.group_key, Booking.id != booking.id, Booking.status.in_(LIVE)
    other = db.session.scalar(select(Booking).where(*same_class))
    if other is None:
        return {}
    return {"other_half": half_facts(other)}


def half_facts(half: Booking) -> dict[str, Any]:
    """What a mail about one half of a split class may say of the other."""
    slot = half.slot
    when = {"starts_at": slot.starts_at.isoformat(), "ends_at": slot.ends_at.isoformat(), "arrive_at": slot.arrive_at.isoformat()}
    return when | {"meeting_point": slot.meets_at, "pupils": half.pupils, "adults": half.adults, "places": half.places}


def facts_of(booking: Booking, kind: Kind) -> dict[str, Any]:
    """Everything a mail about this booking may say, as plain JSON. Instants are ISO 8601 in UTC."""
    method = _CALENDAR_METHODS.get(kind)
    return {
        "booking": _numbers(booking) | ({} if _to_stranger(booking, kind) else _own_words(booking)),
        **slot_facts(booking.slot),
        "calendar": {
            "method": method,
            "uid": booking.uid,
            "sequence": booking.sequence,
            "dtstamp": booking.calendar_stamp.isoformat() if booking.calendar_stamp else None,
        }
        if method
        else None,
    }


def slot_facts(slot: Slot) -> dict[str, Any]:
    """What a mail may say of a slot and its event, as plain JSON. Instants are ISO 8601 in UTC."""
    event = slot.event
    return {
        "slot": {
            "id": slot.id,
            "starts_at": slot.starts_at.isoformat(),
            "ends_at": slot.ends_at.isoformat(),
            "arrive_at": slot.arrive_at.isoformat(),
            "meeting_point": slot.meets_at,
            "closes_at": slot.closes_at.isoformat(),
            "headcount_until": slot.headcount_until.isoformat(),
            "cancel_until": slot.cancel_until.isoformat(),
            "capacity": slot.capacity,
        },
        "event": {
            "id": event.id,
            "title": event.title,
            "host": event.host.name,
            "place_name": event.place_name,
            "address": event.address,
            "postcode": event.postcode,
            "commune": event.commune,
            "latitude": event.latitude,
            "longitude": event.longitude,
            "access_info": event.access_info,
            "closed_shoes": event.closed_shoes,
            "identity_needed": event.identity_needed,
            "outdoors": event.outdoors,
            "equipment": event.equipment.value,
            "min_age": event.min_age,
            "conditions": event.conditions,
            "accessibility_note": event.accessibility_note,
            "contact_email": event.notice_address,
            "contact_phone": event.contact_phone,
        },
    }


def _to_stranger(booking: Booking, kind: Kind) -> bool:
    unproven = booking.proven_at is None and kind in {Kind.BOOKING_EXPIRED, Kind.BOOKING_CANCELLED, Kind.WAITING_ENDED}
    return kind in _TO_STRANGERS or unproven


def _numbers(booking: Booking) -> dict[str, Any]:
    return {
        "reference": booking.reference,
        "audience": booking.audience,
        "pupils": booking.pupils,
        "adults": booking.adults,
        "places": booking.places,
        "asked_pupils": booking.asked_pupils,
        "at_least": booking.at_least,
        "other_slots": len(set(booking.wanted_slots or ()) - {booking.slot_id}),
        "held_for": booking.held_for.value if booking.held_for else None,
        "expires_at": booking.expires_at.isoformat() if booking.expires_at else None,
    }


def _own_words(booking: Booking) -> dict[str, Any]:
    return {
        "name": booking.name,
        "email": booking.email,
        "phone": booking.phone,
        "school_name": booking.school_name,
        "commune": booking.commune,
        "level": booking.level,
        "class_label": booking.class_label,
        "needs": booking.needs,
        "head_email": booking.head_email,
    }
