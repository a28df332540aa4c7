"""What the doctor reads about places: counters, what each booking holds, queues and offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from booking.db import db
from booking.models import Booking, HeldFor, Holding, Offer, Outcome, Party, Pool, PoolKind, Status, Wait, slot_pools
from booking.models.booking import LIVE


def pools_that_disagree() -> Iterator[str]:
    """Pools whose counter is not what is held, or out of its bounds."""
    held = select(Holding.pool_id, func.sum(Holding.places).label("places")).group_by(Holding.pool_id).subquery()
    places = func.coalesce(held.c.places, 0)
    wrong = or_(Pool.taken != places, Pool.taken > Pool.capacity, Pool.taken < 0)
    statement = select(Pool.id, Pool.taken, Pool.capacity, places.label("held")).outerjoin(held, held.c.pool_id == Pool.id)
    for row in db.session.execute(statement.where(wrong).order_by(Pool.id)):
        yield f"pool {row.id} (counter {row.taken}, held {row.held}, capacity {row.capacity})"


def bookings_with_wrong_holdings() -> Iterator[str]:
    """Each live booking holds its places on every limit of its slot and, all in all, on its sources; any other holds nothing."""
    is_limit = Pool.kind == PoolKind.SHARED
    drawn = select(Booking.id.label("booking"), Pool.id.label("pool"), Pool.kind, Booking.places)
    drawn = drawn.join(slot_pools, slot_pools.c.slot_id == Booking.slot_id).join(Pool, Pool.id == slot_pools.c.pool_id)
    drawn = drawn.where(Booking.status.in_(LIVE))
    held = select(Holding.booking_id, Holding.pool_id, Holding.places).join(Pool, Pool.id == Holding.pool_id)
    owed = drawn.where(is_limit).with_only_columns(Booking.id, Pool.id, Booking.places)
    found = held.where(is_limit)
    wrong = _numbers(owed.except_(found)) | _numbers(found.except_(owed))
    sources = drawn.where(~is_limit).with_only_columns(Booking.id, Booking.places).distinct()
    of_sources = select(Holding.booking_id, func.sum(Holding.places)).join(Pool, Pool.id == Holding.pool_id).where(~is_limit)
    summed = of_sources.group_by(Holding.booking_id)
    wrong |= _numbers(sources.except_(summed)) | _numbers(summed.except_(sources))
    astray = held.where(~is_limit).with_only_columns(Holding.booking_id, Holding.pool_id)
    wrong |= _numbers(astray.except_(drawn.where(~is_limit).with_only_columns(Booking.id, Pool.id)))
    yield from (f"booking {number}" for number in sorted(wrong))
    bare = select(Booking.id).where(Booking.status.in_(LIVE), Booking.slot_id.not_in(select(slot_pools.c.slot_id)))
    yield from (f"booking {number} (its slot has no pool)" for number in db.session.scalars(bare))


def bookings_of_wrong_size() -> Iterator[str]:
    """Bookings that take another number of places than their headcount asks for."""
    taking = Booking.status.in_(LIVE | {Status.WAITING})
    of_slot = joinedload(Booking.slot, innerjoin=True).lazyload("*")
    for booking in db.session.scalars(select(Booking).where(taking).options(of_slot).order_by(Booking.id)):
        party = Party(booking.audience, email="", name="", pupils=booking.pupils, adults=booking.adults)
        if booking.places != (wanted := booking.slot.places_for(party)):
            yield f"booking {booking.id} ({booking.places} places for a party that takes {wanted})"


def holds_without_end() -> Iterator[str]:
    """Held bookings that do not say for what, or until when."""
    wrong = Booking.status == Status.HELD, or_(Booking.expires_at.is_(None), Booking.held_for.is_(None))
    return (f"booking {number}" for number in db.session.scalars(select(Booking.id).where(*wrong).order_by(Booking.id)))


def queues_that_disagree() -> Iterator[str]:
    """Who waits, with a proven address, stands in a queue by the rank given then; nobody else stands in any."""
    of_booking = exists().where(Wait.booking_id == Booking.id)
    elsewhere = exists().where(Wait.booking_id == Booking.id, Wait.rank != Booking.rank)
    waits = and_(Booking.status == Status.WAITING, Booking.proven_at.is_not(None))
    wrong = or_(and_(waits, ~of_booking), and_(~waits, of_booking), and_(waits, Booking.rank.is_(None)), elsewhere)
    yield from (f"booking {number}" for number in db.session.scalars(select(Booking.id).where(wrong).order_by(Booking.id)))


def offers_that_disagree() -> Iterator[str]:
    """Who is offered places has one open offer, of just these places; nobody else has an open one."""
    is_open = exists().where(Offer.booking_id == Booking.id, Offer.outcome == Outcome.OPEN)
    as_held = exists().where(
        Offer.booking_id == Booking.id, Offer.outcome == Outcome.OPEN, Offer.slot_id == Booking.slot_id,
        Offer.places == Booking.places, Offer.expires_at == Booking.expires_at,
    )  # fmt: skip
    offered = and_(Booking.status == Status.HELD, Booking.held_for == HeldFor.OFFER)
    wrong = or_(and_(offered, ~as_held), and_(~offered, is_open))
    yield from (f"booking {number}" for number in db.session.scalars(select(Booking.id).where(wrong).order_by(Booking.id)))


def _numbers(pairs: Any) -> set[int]:
    return {row[0] for row in db.session.execute(pairs)}
