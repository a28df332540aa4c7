"""Refusals and errors as `application/problem+json` (RFC 9457), each with a stable `code`.

`detail` speaks the reader's language, `code` speaks to programs, and facts such as `remaining` stand beside them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from booking.api.door import answer, bp, instant, locale
from booking.errors import Invalid, Problem, Refusal
from booking.i18n import _, translate
from booking.wording import problem_sentence, refusal_sentence

MIMETYPE = "application/problem+json"
_FACTS = ("remaining", "wanted", "why", "what", "at", "scope", "retry_after", "limit", "uai_missing")
_POSSIBLE = ("levels", "audiences", "age", "smallest", "largest", "places", "wanted", "missing")
_log = logging.getLogger("coulisses.error")

TITLES: Mapping[str, str] = {
    "bad_request": _("Requête incompréhensible"),
    "malformed_json": _("JSON illisible"),
    "unauthorized": _("Jeton manquant"),
    "not_found": _("Introuvable"),
    "method_not_allowed": _("Méthode impossible ici"),
    "body_too_large": _("Requête trop longue"),
    "unsupported_media_type": _("Type de contenu inattendu"),
    "invalid": _("Champs à revoir"),
    "idempotency_key_missing": _("Clé d’idempotence manquante"),
    "idempotency_key_reused": _("Clé d’idempotence déjà utilisée"),
    "slot_full": _("Pas assez de places"),
    "booking_closed": _("Réservations closes"),
    "already_booked": _("Déjà réservé"),
    "class_booked": _("Classe déjà inscrite"),
    "school_limit": _("Limite de l’établissement atteinte"),
    "priority_only": _("Réservé aux établissements prioritaires"),
    "not_full": _("Il reste de la place"),
    "already_split": _("Déjà répartie"),
    "too_late": _("Trop tard"),
    "wrong_state": _("Impossible dans cet état"),
    "too_many_requests": _("Trop de demandes"),
    "internal_error": _("Erreur de notre part"),
}
"""Every code the API answers with, and its short name."""

_DETAILS: Mapping[str, str] = {
    "bad_request": _("La requête ne suit pas les règles de HTTP."),
    "malformed_json": _("Le corps doit être un objet JSON en UTF-8, sans nom répété, sans NaN, et peu imbriqué."),
    "unauthorized": _("Envoyez le jeton de la réservation : « Authorization: Bearer … »."),
    "not_found": _("Il n’y a rien à cette adresse, ou rien que ce jeton ouvre."),
    "method_not_allowed": _("Cette adresse ne connaît pas cette méthode ; l’en-tête Allow dit lesquelles elle connaît."),
    "body_too_large": _("Le corps ne peut dépasser 64 Kio."),
    "unsupported_media_type": _("Envoyez du JSON : « Content-Type: application/json »."),
    "idempotency_key_missing": _(
        "Envoyez un en-tête Idempotency-Key de 1 à 200 caractères ASCII imprimables, par exemple un UUID."
    ),
    "idempotency_key_reused": _("Cette clé d’idempotence a déjà servi pour une autre demande. Choisissez-en une nouvelle."),
    "internal_error": _("L’erreur vient de nous ; elle est notée. Réessayez plus tard avec la même clé d’idempotence."),
}
"""Sentences that speak of HTTP; the others are the house's own, from `booking.wording`."""

_HTTP_CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}


class Unauthorized(Refusal):
    """No token came with a request that needs one."""

    code = "unauthorized"
    status = 401


class IdempotencyKeyMissing(Refusal):
    """A booking needs a key by which its repetition is known."""

    code = "idempotency_key_missing"
    status = 422


def init_app(app: Flask) -> None:
    """Answer for addresses under /api that no operation knows: routing fails before a blueprint is found."""

    @app.before_request
    def _refuse_unknown_address() -> Response | None:
        error = request.routing_exception
        ours = request.path == "/api" or request.path.startswith("/api/")
        if not ours or error is None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return None
        return _http(error)


@bp.errorhandler(Refusal)
def _refused(refusal: Refusal) -> Response:
    facts: dict[str, Any] = {name: plain_fact(refusal.facts[name]) for name in _FACTS if refusal.facts.get(name) is not None}
    headers = {}
    if refusal.code == "wrong_state":
        facts["booking_status"] = str(refusal.facts["status"])
    if refusal.code == "unauthorized":
        headers["WWW-Authenticate"] = 'Bearer realm="bookings"'
    if "retry_after" in facts:
        headers["Retry-After"] = str(facts["retry_after"])
    if isinstance(refusal, Invalid):
        facts["fields"] = {
            name: {"code": problem.code, "message": problem_sentence(problem, locale())} | _possible(problem)
            for name, problem in refusal.fields.items()
        }
    detail = None if refusal.code in _DETAILS else refusal_sentence(refusal, locale())
    return _problem(refusal.code, refusal.status, detail, facts, headers)


@bp.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    kept = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    code = _HTTP_CODES.get(status, "bad_request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal_error")
    return _problem(code, status, None, {}, kept)


@bp.errorhandler(Exception)
def _crashed(error: Exception) -> Response:
    _log.error("unexpected", exc_info=error)
    return _problem("internal_error", 500, None, {}, {})


def _possible(problem: Problem) -> dict[str, Any]:
    """What would be possible, where a rule says it: numbers, or the words that are admitted."""
    return {name: list(fact) if isinstance(fact, tuple) else fact for name, fact in problem.facts.items() if name in _POSSIBLE}


def _problem(code: str, status: int, detail: str | None, facts: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    language = locale()
    body = {
        "type": f"urn:coulisses:problem:{code}",
        "title": translate(language, TITLES[code]),
        "status": int(status),
        "detail": detail or translate(language, _DETAILS[code]),
        "code": code,
        **facts,
    }
    return answer(body, status, {"Content-Language": language, **headers}, MIMETYPE)


def plain_fact(value: object) -> object:
    """A fact as JSON has it."""
    return instant(value) if isinstance(value, datetime) else value
