"""Raise or lower the places of a slot, never below what is taken."""

from __future__ import annotations

from collections.abc import Mapping

from booking import clock
from booking.actions.offer_places import lock_around, offer_places
from booking.actions.pool_places import set_places
from booking.actions.slot_changes import own_pool, running_slot_to_change, slot_changed
from booking.errors import NotFound
from booking.models import Who
from booking.models.slot_words import read_capacity


def set_capacity(slot_id: int, raw: Mapping[str, object], who: Who) -> int:
    """Set the number of places in the slot's own pool (`capacity` as a form wrote it), and answer with it.

    Raises `NotFound` (also where the slot has no places of its own), `Invalid`, `BookingClosed` (cancelled, past, archived), or
    `CapacityTaken`, which names the bookings in the way.
    """
    capacity = read_capacity(raw)
    slot = running_slot_to_change(slot_id)
    pool = own_pool(slot)
    if pool is None:
        raise NotFound
    before = pool.capacity
    if before == capacity:
        return capacity
    lock_around([pool.id])
    set_places(pool, capacity)
    now = clock.now()
    slot_changed(slot, who, "resized", now, {"capacity": (before, capacity)})
    offer_places([pool.id], now)
    return capacity
