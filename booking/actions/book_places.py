"""Book places on a slot for one party: the product's first verb."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from booking import clock
from booking.actions.expire_holds import expire
from booking.actions.limits import Limiter
from booking.actions.places import hold_places
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.steps import record
from booking.db import db
from booking.errors import AlreadyBooked, IdempotencyKeyReused, Invalid, Problem
from booking.models import BOOKER, Actor, Booking, HeldFor, Kind, Party, Slot, Status, Who
from booking.queries import fetch

_OCCUPYING = (Status.HELD, Status.WAITING, Status.CONFIRMED, Status.ATTENDED)


@dataclass(frozen=True)
class Terms:
    """How a request for places came in."""

    key: str
    """The idempotency key: the same key with the same request books once, however often it comes."""
    locale: str
    limiter: Limiter
    proven: bool = False
    """Whether this visitor has shown to own the address; otherwise the places are held until they do."""
    hold_for: timedelta = timedelta(hours=2)
    own_address: str = ""
    """The address our mail comes from: it is the ORGANIZER of every invitation and can be nobody's ATTENDEE."""
    who: Who = BOOKER


def book_places(slot_id: int, party: Party, terms: Terms) -> Booking:
    """Take places for a party, or find the booking the same request made before.

    An unproven address gets held places and a mail that asks to confirm; a proven one is confirmed at once, with
    the invitation. Raises `NotFound`, `IdempotencyKeyReused`, `AlreadyBooked`, `BookingClosed`, `Invalid`,
    `TooMany` or `SlotFull`. Places are taken by the last statement, so that the pools are locked for an instant.
    """
    now = clock.now()
    slot = fetch.slot(slot_id)
    request_hash = _hash(json.dumps([slot_id, asdict(party)], sort_keys=True, default=dict))
    earlier, expired = _earlier(slot, party, _hash(terms.key), request_hash, now)
    if earlier:
        return earlier
    if expired:
        slot = fetch.slot(slot_id)  # its places have just come back
    if party.email.casefold() == terms.own_address.casefold():
        raise Invalid({"email": Problem("own_address")})
    if refusal := slot.refusal_for(party, now, by_host=terms.who.actor is Actor.HOST):
        raise refusal
    # The host's word on the telephone proves no address: a mailbox is protected from it like from any stranger.
    trusted = terms.proven and terms.who.actor is not Actor.HOST
    terms.limiter.count(None if trusted else party.email, now)
    booking = _new_booking(slot, party, terms, request_hash, now)
    db.session.add(booking)
    db.session.flush()
    record(booking, terms.who, "booked", now, None)
    if terms.proven:
        booking.next_invitation(now)
        queue_message(booking, Kind.BOOKING_CONFIRMED, now)
        queue_host_notice(booking, Kind.HOST_BOOKING_CONFIRMED, now)
    else:
        queue_message(booking, Kind.BOOKING_TO_PROVE, now)
    hold_places(booking, [pool.id for pool in slot.pools], booking.places)
    return booking


def _earlier(slot: Slot, party: Party, key: str, request_hash: str, now: datetime) -> tuple[Booking | None, bool]:
    """The booking this very request made before, and whether an overdue hold of the same party was let go.

    Raises where the key or the party is taken by another request.
    """
    same_party = and_(Booking.slot_id == slot.id, Booking.party_key == _hash(party.same_party), Booking.status.in_(_OCCUPYING))
    found = list(db.session.scalars(select(Booking).where(or_(Booking.idempotency_key == key, same_party))))
    for booking in found:
        if booking.idempotency_key == key:
            if booking.request_hash != request_hash:
                raise IdempotencyKeyReused
            booking.replayed = True
            return booking, False
    for booking in found:
        if booking.status is not Status.HELD or booking.expires_at is None or booking.expires_at > now:
            raise AlreadyBooked(reference=booking.reference)
        expire(booking, now)
    return None, bool(found)


def _new_booking(slot: Slot, party: Party, terms: Terms, request_hash: str, now: datetime) -> Booking:
    return Booking(
        slot=slot,
        status=Status.CONFIRMED if terms.proven else Status.HELD,
        held_for=None if terms.proven else HeldFor.EMAIL,
        expires_at=None if terms.proven else min(now + terms.hold_for, slot.starts_at),
        audience=party.audience,
        email=party.email,
        name=party.name,
        phone=party.phone,
        locale=terms.locale,
        school_name=party.school_name,
        school_uai=party.school_uai,
        commune=party.commune,
        level=party.level,
        class_label=party.label,
        pupils=party.pupils,
        adults=party.adults,
        needs=dict(party.needs),
        places=slot.places_for(party),
        party_key=_hash(party.same_party),
        idempotency_key=_hash(terms.key),
        request_hash=request_hash,
        created_at=now,
        confirmed_at=now if terms.proven else None,
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
