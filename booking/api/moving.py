"""Moving a booking to another slot of its event, and splitting a class over two."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from booking.actions.move_booking import move_booking
from booking.actions.split_booking import split_booking
from booking.api.bookings import bearer, booking_body, limiter, opened
from booking.api.door import LARGEST_ID, answer, bp
from booking.api.reading import number, read_object, unknown_fields
from booking.app_settings import settings
from booking.db import in_transaction
from booking.errors import Invalid, Problem
from booking.links import MANAGE, make_token
from booking.models.party import read_number


@bp.post("/bookings/<reference>/slot")
def move_to_slot(reference: str) -> Response:
    """Let the party come to another slot of the event. Doing so twice moves once."""
    token = bearer()
    booking = opened(reference, token, MANAGE)
    body = read_object()
    act = partial(move_booking, reference, _slot_id(body, ("slot_id",)))
    return answer(booking_body(in_transaction(lambda: limiter().changing(booking.reference, act)), token))


@bp.post("/bookings/<reference>/split")
def split_over_slots(reference: str) -> Response:
    """Let some of a class come to another slot of the event; answers with the new half. Doing so twice splits once."""
    token = bearer()
    booking = opened(reference, token, MANAGE)
    body = read_object()
    slot_id = _slot_id(body, ("slot_id", "pupils", "adults"))
    act = partial(split_booking, reference, slot_id, number(body.get("pupils")), number(body.get("adults")))
    half = in_transaction(lambda: limiter().changing(booking.reference, act))
    its_own = make_token(settings().secret_key, MANAGE, half.link_nonce)
    made = booking_body(half, its_own)
    return answer(made | {"token": its_own}, 201, {"Location": made["links"]["self"]})


def _slot_id(body: Mapping[str, Any], known: tuple[str, ...]) -> int:
    """The slot a body names. Raises `Invalid` where it names none, or holds what nobody reads."""
    problems = unknown_fields(body, known)
    slot_id = read_number(number(body.get("slot_id")), 1, LARGEST_ID)
    if isinstance(slot_id, Problem):
        problems["slot_id"] = slot_id
    if problems or isinstance(slot_id, Problem):
        raise Invalid(problems)
    return slot_id
