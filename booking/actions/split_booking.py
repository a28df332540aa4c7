"""Split a class that holds places: some of its pupils come to another slot of the event instead, as a second half."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from booking import clock
from booking.actions.move_booking import make_way, other_slot, refuse_unless_it_may_change
from booking.actions.offer_places import offer_places
from booking.actions.places import hold_places, take_and_give_back
from booking.actions.queue_message import queue_host_notice, queue_message
from booking.actions.settle import ask_again, settle
from booking.actions.steps import record
from booking.db import db
from booking.errors import AlreadySplit, Invalid, Problem, TooLate
from booking.models import BOOKER, Actor, Booking, HeldFor, Kind, Party, Slot, Status, Who
from booking.models.admission import misfits
from booking.models.booking import LIVE
from booking.models.party import read_number
from booking.queries import fetch

_COPIED = (
    "audience", "email", "name", "phone", "locale", "school_name", "school_uai", "commune", "level", "class_label", "party_key",
    "school_key", "class_key", "head_needed", "head_email", "head_reminded_at",
)  # fmt: skip


def split_booking(reference: str, other_slot_id: int, pupils: object, adults: object, who: Who = BOOKER) -> Booking:
    """Let `pupils` and `adults` of a class come to another slot; the others stay. Says which booking the new half is.

    Both halves share one `group_key`. The new one is confirmed with an invitation of its own, or held like the first and no
    longer; the first half's invitation follows with its smaller headcount. All of it or nothing. The same split again changes
    nothing. The numbers come as a form or a program wrote them; the booker may split as long as the headcount can be changed.
    Raises `NotFound`, `WrongState`, `AlreadySplit`, `TooLate`, `AlreadyBooked`, `SlotFull`, `Invalid` (fields `pupils` and
    `adults` are what goes) or what else `rule_against` answers.
    """
    booking, now = fetch.booking(reference), clock.now()
    other = live_half_of(booking)
    if other and (other.slot_id, str(other.pupils), str(other.adults)) == (
        other_slot_id,
        str(pupils).strip(),
        str(adults).strip(),
    ):
        return other
    refuse_unless_it_may_change(booking, now)
    if who.actor is Actor.BOOKER and now >= booking.slot.headcount_until:
        raise TooLate("headcount", at=booking.slot.headcount_until)
    if other:
        raise AlreadySplit(reference=other.reference)
    goes, stays = _parts(booking, pupils, adults)
    slot = other_slot(booking, other_slot_id, now)
    make_way(booking, slot, goes, who, now)
    left = [pool.id for pool in booking.slot.pools]
    half = _new_half(booking, slot, goes, now)
    _let_stay(booking, stays, half, who, now)
    settle(half, who, "split", now, new=True, ask=False)
    if half.expires_at and booking.expires_at:
        half.expires_at = min(booking.expires_at, slot.starts_at)
    db.session.flush()
    # All the pools are locked already: what the first half gives back on a limit both slots share goes to the second alone.
    take_and_give_back(booking, booking.slot, now)
    hold_places(half, slot, now)
    offer_places(left, now)
    return fetch.booking(half.reference)


def live_half_of(booking: Booking) -> Booking | None:
    """The other half of a split class, while it holds places too."""
    return next((half for half in fetch.together(booking) if half.id != booking.id and half.status in LIVE), None)


def _parts(booking: Booking, pupils: object, adults: object) -> tuple[Party, Party]:
    """Who goes and who stays. Raises `Invalid`: each half keeps a pupil and an adult, and suits the slot it stays on."""
    if not booking.is_class:
        raise Invalid({"pupils": Problem("not_a_class")})
    if booking.pupils < 2:
        raise Invalid({"pupils": Problem("too_few_to_split")})
    if booking.adults < 2:
        raise Invalid({"adults": Problem("adult_for_each_half")})
    read = {
        "pupils": read_number(pupils, 1, booking.pupils - 1),
        "adults": read_number(adults, 1, booking.adults - 1),
    }
    going, grown = read["pupils"], read["adults"]
    if not isinstance(going, int) or not isinstance(grown, int):
        raise Invalid({name: problem for name, problem in read.items() if isinstance(problem, Problem)})
    stays = replace(booking.party, pupils=booking.pupils - going, adults=booking.adults - grown)
    if problems := {name: found for name, found in misfits(booking.slot, stays).items() if name in read}:
        raise Invalid({f"staying_{name}": problem for name, problem in problems.items()})
    return replace(booking.party, pupils=going, adults=grown), stays


def _new_half(booking: Booking, slot: Slot, party: Party, now: datetime) -> Booking:
    """The second half as a row of its own: the same people, proofs and approvals, its own reference, links and UID."""
    stands_since = booking.confirmed_at  # a confirmed class needs no approval that was asked for later
    half = Booking(
        slot=slot, status=Status.HELD, held_for=HeldFor.EMAIL, expires_at=booking.expires_at or slot.starts_at,
        pupils=party.pupils, adults=party.adults, places=slot.places_for(party), needs=needs_of_half(party),
        proven_at=booking.proven_at or stands_since, host_approved_at=booking.host_approved_at or stands_since,
        head_approved_at=booking.head_approved_at or stands_since, created_at=now, group_key=secrets.token_hex(16),
        **{name: getattr(booking, name) for name in _COPIED},
    )  # fmt: skip
    db.session.add(half)
    db.session.flush()
    return half


def needs_of_half(party: Party) -> dict[str, int]:
    """What accessibility each half announces: nobody knows yet who goes where, so both sites prepare for it."""
    return {kind: min(number, party.pupils + party.adults) for kind, number in party.needs.items()}


def _let_stay(booking: Booking, stays: Party, half: Booking, who: Who, now: datetime) -> None:
    """The first half with those who stay; its invitation, or whoever must approve, hears of it."""
    before = {"pupils": booking.pupils, "adults": booking.adults, "places": booking.places}
    booking.pupils, booking.adults, booking.places = stays.pupils, stays.adults, booking.slot.places_for(stays)
    booking.needs, booking.group_key = needs_of_half(stays), half.group_key
    booking.asked_pupils = booking.change_asked = None
    record(booking, who, "split", now, booking.status, {"before": before, "other": half.reference})
    if booking.status is not Status.CONFIRMED:
        ask_again(booking, now)
        return
    booking.next_invitation(now)
    queue_message(booking, Kind.BOOKING_CHANGED, now, before=before)
    queue_host_notice(booking, Kind.HOST_BOOKING_CHANGED, now, before=before)
