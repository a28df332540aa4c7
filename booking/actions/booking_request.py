"""What every request for places has in common, whether it books, waits or splits a class."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from booking.actions.expire_holds import expire
from booking.actions.limits import Limiter
from booking.db import db
from booking.errors import AlreadyBooked, IdempotencyKeyReused, Invalid, Problem
from booking.models import BOOKER, Actor, Booking, HeldFor, Party, Slot, Status, Who
from booking.models.booking import OCCUPYING
from booking.queries.schools import head_mailbox_of


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


@dataclass(frozen=True)
class Earlier:
    """What the same request, or the same party, did before."""

    booking: Booking | None
    """The booking this very request made."""
    let_go: bool = False
    """Whether an overdue hold of the same party was let go: the slot's places have just changed."""


def request_hash_of(slot_ids: object, party: Party, *more: object) -> str:
    """A fingerprint of a request, so that another payload under the same key is known for another."""
    return hashed(json.dumps([slot_ids, asdict(party), *more], sort_keys=True, default=dict))


def earlier(slot: Slot, party: Party, terms: Terms, request_hash: str, now: datetime) -> Earlier:
    """The booking this very request made before, if any.

    Raises `IdempotencyKeyReused` or `AlreadyBooked` where the key or the party is taken by another request.
    """
    key = hashed(terms.key)
    same_party = and_(Booking.slot_id == slot.id, Booking.party_key == hashed(party.same_party), Booking.status.in_(OCCUPYING))
    found = list(db.session.scalars(select(Booking).where(or_(Booking.idempotency_key == key, same_party))))
    for booking in found:
        if booking.idempotency_key == key:
            if booking.request_hash != request_hash:
                raise IdempotencyKeyReused
            booking.replayed = True
            return Earlier(booking)
    for booking in found:
        if not booking.is_overdue(now):
            raise AlreadyBooked(reference=booking.reference)
        expire(booking, now)
    return Earlier(None, bool(found))


def refuse_own_address(party: Party, terms: Terms) -> None:
    """Nobody books with the address our own mail comes from. Raises `Invalid`."""
    if party.email.casefold() == terms.own_address.casefold():
        raise Invalid({"email": Problem("own_address")})


def count_against_limits(party: Party, terms: Terms, now: datetime) -> None:
    """Count one request. Raises `TooMany`.

    The host's word on the telephone proves no address: a mailbox is protected from it like from any stranger.
    """
    trusted = terms.proven and terms.who.actor is not Actor.HOST
    terms.limiter.count(None if trusted else party.email, now)


def new_booking(slot: Slot, party: Party, terms: Terms, request_hash: str, now: datetime) -> Booking:
    """A booking as it was asked for; its verb says where it goes from here.

    Who books by the host's hand needs no host's yes, and no head's unless the teacher asked for it. Raises `Invalid` where the
    head must be asked and the school's official mailbox is not known, or `TooMany` where this address asks too many heads.
    """
    by_host = terms.who.actor is Actor.HOST
    booking = Booking(
        slot=slot,
        status=Status.HELD,
        held_for=HeldFor.EMAIL,
        expires_at=min(now + terms.hold_for, slot.starts_at),
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
        party_key=hashed(party.same_party),
        school_key=party.school_key,
        class_key=party.class_key,
        idempotency_key=hashed(terms.key),
        request_hash=request_hash,
        head_needed=party.is_class and (party.head_asked or (slot.event.head_approval and not by_host)),
        created_at=now,
        proven_at=now if terms.proven else None,
        host_approved_at=now if by_host else None,
    )
    if booking.head_needed:
        mailbox = head_mailbox_of(party.school_uai)
        if mailbox is None:
            raise Invalid({"school_uai": Problem("head_unknown") if party.school_uai else Problem("uai_for_head")})
        booking.head_email = mailbox
        terms.limiter.count_asking(party.email, now)
    return booking


def hashed(text: str) -> str:
    """A name for a text that says nothing about it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
