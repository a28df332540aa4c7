"""The waiting list: join it, then accept or decline what is offered. A booking that waits says where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

from booking.actions.answer_offer import accept_offer, decline_offer
from booking.actions.join_waiting_list import join_waiting_list
from booking.api.bookings import bearer, booking_body, idempotency_key, in_json_terms, made_answer, opened, party_of, terms_for
from booking.api.door import LARGEST_ID, answer, bp
from booking.api.reading import number, read_object, unknown_fields, yes_or_no
from booking.db import in_transaction
from booking.errors import Invalid, Problem
from booking.links import MANAGE
from booking.models import Party
from booking.models.party import LARGEST_CLASS, read_number

_OWN = ("at_least", "also")
_MOST_SLOTS = 100


@bp.post(f"/slots/<int(max={LARGEST_ID}):slot_id>/waiting")
def create_waiting(slot_id: int) -> Response:
    """Wait for a full slot. The place in the queue is given when the link in the mail is used."""
    key = idempotency_key()
    body = read_object()
    wish = {name: body.pop(name, None) for name in _OWN}
    party = party_of(body)
    at_least, also = _read_wish(wish, party)
    terms = terms_for(f"api-wait:{key}")
    try:
        booking = in_transaction(lambda: join_waiting_list(slot_id, party, terms, at_least, also))
    except Invalid as refusal:
        raise Invalid(in_json_terms(refusal.fields)) from None
    return made_answer(booking)


@bp.post("/bookings/<reference>/offer/acceptance")
def create_acceptance(reference: str) -> Response:
    """Take the offered places. Doing so twice accepts once."""
    token = bearer()
    opened(reference, token, MANAGE)
    if problems := unknown_fields(read_object(required=False), ()):
        raise Invalid(problems)
    return answer(booking_body(in_transaction(lambda: accept_offer(reference)), token))


@bp.post("/bookings/<reference>/offer/refusal")
def create_refusal(reference: str) -> Response:
    """Give the offered places up; with `stay` the party keeps its rank and waits for what was not offered."""
    token = bearer()
    opened(reference, token, MANAGE)
    body = read_object(required=False)
    problems = unknown_fields(body, ("stay",))
    stay = yes_or_no(body, "stay", problems)
    if problems:
        raise Invalid(problems)
    return answer(booking_body(in_transaction(lambda: decline_offer(reference, stay=stay)), token))


def _read_wish(wish: Mapping[str, Any], party: Party) -> tuple[int | None, list[int]]:
    """With how few a class would come, and the other slots. Raises `Invalid`."""
    problems: dict[str, Problem] = {}
    at_least: int | None = None
    if wish["at_least"] is not None:
        read = read_number(number(wish["at_least"]), 1, LARGEST_CLASS)
        if isinstance(read, Problem):
            problems["at_least"] = read
        elif not party.is_class:
            problems["at_least"] = Problem("unknown_field")
        else:
            at_least = read
    also = wish["also"] if wish["also"] is not None else []
    if not isinstance(also, list) or len(also) > _MOST_SLOTS or not all(_names_a_slot(one) for one in also):
        problems["also"] = Problem("not_a_choice")
    if problems:
        raise Invalid(problems)
    return at_least, also


def _names_a_slot(value: object) -> bool:
    return isinstance(read_number(number(value), 1, LARGEST_ID), int)
