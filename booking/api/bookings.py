"""Bookings: made with an idempotency key, then read, changed, confirmed and cancelled with their secret token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from booking import clock
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.confirm_booking import confirm_booking
from booking.actions.limits import Limiter
from booking.api.door import LARGEST_ID, answer, bp, instant, link, locale, speak
from booking.api.problems import IdempotencyKeyMissing, Unauthorized, plain_fact
from booking.api.queues import offer_body, waiting_body
from booking.api.reading import line, number, part, read_object, unknown_fields, yes_or_no
from booking.app_settings import secrets_of, settings
from booking.db import in_transaction
from booking.errors import Invalid, NotFound, Problem
from booking.i18n import LOCALES
from booking.links import CONFIRM, MANAGE, make_token, opens
from booking.models import Booking, Party, read_party
from booking.models.admission import Caution
from booking.models.event import AccessKind, Audience
from booking.models.party import SCHOOL
from booking.models.reason import LONGEST_REASON
from booking.queries import fetch
from booking.queries.standing import cautions_of
from booking.wording import caution_sentence

_GROUP = ("school_name", "school_uai", "commune", "level", "label", "pupils", "adults", "head_asked")
_PERSON = ("old_enough",)
_CONTACT = ("email", "name", "phone")
_FIELDS = ("audience", *_CONTACT, "locale", "group", "person", "needs")


@bp.post(f"/slots/<int(max={LARGEST_ID}):slot_id>/bookings")
def create_booking(slot_id: int) -> Response:
    """Take places for a class or a person. They are held until the link in the mail is used."""
    key = idempotency_key()
    party = party_of(read_object())
    terms = terms_for(f"api:{key}")
    try:
        booking = in_transaction(lambda: book_places(slot_id, party, terms))
    except Invalid as refusal:
        raise Invalid(in_json_terms(refusal.fields)) from None
    return made_answer(booking)


@bp.get("/bookings/<reference>")
def show_booking(reference: str) -> Response:
    """A booking, for whoever has its token."""
    token = bearer()
    return answer(booking_body(opened(reference, token, MANAGE), token))


@bp.patch("/bookings/<reference>")
def change_booking(reference: str) -> Response:
    """Change how many pupils or adults come, inside `group` as they were booked or by themselves; what is left out stays."""
    token = bearer()
    booking = opened(reference, token, MANAGE)
    body = read_object()
    problems = unknown_fields(body, ("pupils", "adults", "group"))
    numbers = body | part(body, "group", ("pupils", "adults"), problems)
    numbers.pop("group", None)
    if not problems and not numbers:
        problems = {"pupils": Problem("required")}
    if problems:
        raise Invalid(problems)
    try:
        act = partial(_change, reference, numbers)
        return answer(booking_body(in_transaction(lambda: limiter().changing(booking.reference, act)), token))
    except Invalid as invalid:
        raise Invalid(in_json_terms(invalid.fields) if body.get("group") else invalid.fields) from invalid


@bp.post("/bookings/<reference>/cancellation")
def create_cancellation(reference: str) -> Response:
    """Cancel: the places come back, whoever was invited is told. Doing so twice cancels once."""
    token = bearer()
    opened(reference, token, MANAGE)
    body = read_object(required=False)
    problems = unknown_fields(body, ("reason",))
    reason = line(body.get("reason"), LONGEST_REASON)
    if isinstance(reason, Problem):
        problems["reason"] = reason
    if problems or isinstance(reason, Problem):
        raise Invalid(problems)
    return answer(booking_body(in_transaction(lambda: cancel_booking(reference, why=reason)), token))


@bp.post("/bookings/<reference>/confirmation")
def create_confirmation(reference: str) -> Response:
    """Confirm with the token of the mail, as Bearer or in the body: it proves the address. Twice confirms once."""
    body = read_object(required=False)
    given = body.get("token")
    problems = unknown_fields(body, ("token",))
    if given is not None and not isinstance(given, str):
        problems["token"] = Problem("not_text")
    if problems:
        raise Invalid(problems)
    booking = opened(reference, given or bearer(), CONFIRM)
    token = make_token(settings().secret_key, MANAGE, booking.link_nonce)
    return answer(booking_body(in_transaction(lambda: confirm_booking(reference)), token))


def idempotency_key() -> str:
    """The key this request is known by. Raises `IdempotencyKeyMissing`."""
    key = request.headers.get("Idempotency-Key", "")
    if not re.fullmatch(r"[\x20-\x7e]{1,200}", key):
        raise IdempotencyKeyMissing
    return key


def terms_for(key: str) -> Terms:
    """How a request for places came in. Read the party first: it may name the language."""
    found = settings()
    return Terms(
        key=key,
        locale=locale(),
        limiter=limiter(),
        hold_for=timedelta(minutes=found.hold_minutes),
        own_address=found.sender_address,
    )


def limiter() -> Limiter:
    """The limits against abuse, for who sends this request."""
    return Limiter(settings().secret_key, request.remote_addr or "", settings().rate_limits)


def made_answer(booking: Booking) -> Response:
    """The answer to a request that made a booking, or had made it before: the booking, and the token that opens it."""
    token = make_token(settings().secret_key, MANAGE, booking.link_nonce)
    made = booking_body(booking, token)
    headers = {"Location": made["links"]["self"]} | ({"Idempotency-Replayed": "true"} if booking.replayed else {})
    return answer(made | {"token": token}, 201, headers)


def party_of(body: Mapping[str, Any]) -> Party:
    """The party a body describes, in the language it asks for. Raises `Invalid` with the body's own names."""
    problems = unknown_fields(body, _FIELDS)
    if (chosen := body.get("locale")) in LOCALES:
        speak(chosen)
    elif chosen is not None:
        problems["locale"] = Problem("not_a_choice")
    group, needs = part(body, "group", _GROUP, problems), part(body, "needs", tuple(AccessKind), problems)
    person = part(body, "person", _PERSON, problems)
    alone = body.get("group") is None and body.get("person") is not None
    audience = body.get("audience", None if alone else SCHOOL)
    _match_audience(body, audience, problems)
    raw: dict[str, object] = {name: body.get(name) for name in _CONTACT} | {name: group.get(name) for name in _GROUP}
    raw |= {name: number(raw[name]) for name in ("pupils", "adults")}
    raw |= {
        "head_asked": yes_or_no(group, "group.head_asked", problems),
        "old_enough": yes_or_no(person, "person.old_enough", problems),
    }
    raw |= {f"needs_{kind}": number(needs.get(kind)) for kind in AccessKind}
    try:
        party = read_party(raw | {"audience": audience})
    except Invalid as refusal:
        problems = in_json_terms(refusal.fields) | problems
    if problems:
        raise Invalid(_without_parts_of_wrong_ones(problems))
    return party


def _match_audience(body: Mapping[str, Any], audience: object, problems: dict[str, Problem]) -> None:
    """A class comes with `group` alone, a person with `person` or nothing."""
    named = audience.strip().casefold() if isinstance(audience, str) else ""
    if named == SCHOOL and body.get("group") is None:
        problems["group"] = Problem("required")
    other = "person" if named == SCHOOL else "group"
    if named in {SCHOOL, *Audience} and body.get(other) is not None:
        problems.setdefault(other, Problem("unknown_field"))


def in_json_terms(fields: Mapping[str, Problem]) -> dict[str, Problem]:
    """Problems under the names the body has: `group.pupils`, `needs.motor`, `email`."""
    names = {name: f"group.{name}" for name in _GROUP} | {name: f"person.{name}" for name in _PERSON}
    names |= {f"needs_{kind}": f"needs.{kind}" for kind in AccessKind}
    return {names.get(name, name): problem for name, problem in fields.items()}


def _without_parts_of_wrong_ones(problems: Mapping[str, Problem]) -> dict[str, Problem]:
    """Where a whole part is missing or wrong, its fields need no word."""
    return {
        name: problem for name, problem in problems.items() if name == (whole := name.partition(".")[0]) or whole not in problems
    }


def _change(reference: str, body: Mapping[str, Any]) -> Booking:
    current = fetch.booking(reference)
    pupils, adults = body.get("pupils", current.pupils), body.get("adults", current.adults)
    if not current.is_class:
        pupils = adults = 1  # any number will do: the verb says that a person has no headcount
    return change_headcount(reference, number(pupils), number(adults))


def opened(reference: str, token: str, purpose: str) -> Booking:
    """The booking this token opens for this purpose. Raises `NotFound`, whether it is unknown or somebody else's.

    The token of one half of a split class opens the other too, as it does on their page.
    """
    if not re.fullmatch(r"[0-9A-Za-z]{4}-[0-9A-Za-z]{4}", reference):
        raise NotFound
    booking = fetch.booking(reference)
    if not any(opens(token, secrets_of(settings()), purpose, half.link_nonce) for half in fetch.together(booking)):
        raise NotFound
    return booking


def bearer() -> str:
    """The token of the Authorization header (RFC 6750, 2.1). Raises `Unauthorized` without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise Unauthorized
    return token.strip()


def booking_body(booking: Booking, token: str) -> dict[str, Any]:
    """A booking as programs read it, with the links its token opens."""
    slot, base = booking.slot, settings().base_url
    itself = link(base, f"/bookings/{booking.reference}")
    page = f"{base}/bookings/{booking.reference}"
    return {
        "reference": booking.reference,
        "together": [half.reference for half in fetch.together(booking)],
        "status": booking.status.value,
        "held_for": booking.held_for.value if booking.held_for else None,
        "expires_at": instant(booking.expires_at),
        "audience": booking.audience,
        "places": booking.places,
        "pupils": booking.pupils,
        "adults": booking.adults,
        "slot": {"id": slot.id, "starts_at": instant(slot.starts_at), "ends_at": instant(slot.ends_at)},
        "event": {"id": slot.event.id, "title": slot.event.title},
        "waiting": waiting_body(booking),
        "offer": offer_body(booking),
        "created_at": instant(booking.created_at),
        "confirmed_at": instant(booking.confirmed_at),
        "ended_at": instant(booking.ended_at),
        "warnings": [_warning(caution) for caution in cautions_of(booking, clock.now(), for_booker=True)],
        "links": {
            "self": itself,
            "page": f"{page}?token={token}",
            "slot": link(base, f"/slots/{slot.id}"),
            "event": link(base, f"/events/{slot.event.id}"),
            "cancellation": f"{itself}/cancellation",
            "acceptance": f"{itself}/offer/acceptance",
            "refusal": f"{itself}/offer/refusal",
            "move": f"{itself}/slot",
            "split": f"{itself}/split",
            "confirmation": f"{itself}/confirmation",
            "invitation": f"{page}/invitation.ics?token={token}" if booking.is_invited else None,
        },
    }


def _warning(caution: Caution) -> dict[str, Any]:
    """What to know before coming. Another visit is named only where the same, proven address booked it."""
    facts = {name: caution.facts[name] for name in ("wanted", "missing", "age") if name in caution.facts}
    if "event_id" in caution.facts:
        event = {"id": caution.facts["event_id"], "title": caution.facts["title"]}
        facts["visit"] = {"event": event, "starts_at": plain_fact(caution.facts["at"])}
    return {"code": caution.code, "message": caution_sentence(caution, locale()), **facts}
