"""Reading what programs send: JSON without ambiguity (RFC 8259, RFC 7493), then field by field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from booking.errors import Problem, Refusal

LARGEST_BODY = 64 * 1024
DEEPEST = 8
_LONGEST_NUMBER = 40
_LONGEST_NAME = 80
_MOST_UNKNOWN = 20

NOT_A_NUMBER = float("nan")
"""Stands for a value that is no JSON integer where one is asked for: forms may write numbers as text, programs may not."""


class MalformedJson(Refusal):
    """The body is no JSON object, or one that two readers could understand differently."""

    code = "malformed_json"
    status = 400


def read_object(*, required: bool = True) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object where nothing is required.

    Raises `MalformedJson` for anything but an object in UTF-8, for a name given twice, NaN, lone surrogates and
    deep nesting, and the HTTP errors 413 and 415.
    """
    request.max_content_length = LARGEST_BODY + 1  # one more, because Werkzeug cuts a chunked body off at the limit silently
    body = request.get_data(cache=False)
    if len(body) > LARGEST_BODY:
        raise RequestEntityTooLarge
    if not body and not required:
        return {}
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant, parse_int=_whole_number)
        _check(found, 1)
    except (ValueError, RecursionError):
        raise MalformedJson from None
    if not isinstance(found, dict):
        raise MalformedJson
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is given twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _whole_number(text: str) -> int | float:
    """A number longer than any we accept is not worth computing."""
    return int(text) if len(text) <= _LONGEST_NUMBER else NOT_A_NUMBER


def _check(value: object, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        value.encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def unknown_fields(given: Iterable[str], known: Iterable[str], inside: str = "") -> dict[str, Problem]:
    """A problem for each name nobody reads, so that a slip of the pen is not silently lost."""
    strange = [name for name in given if name not in set(known)][:_MOST_UNKNOWN]
    return {f"{inside}{name[:_LONGEST_NAME]}": Problem("unknown_field") for name in strange}


def part(body: Mapping[str, Any], name: str, known: Iterable[str], problems: dict[str, Problem]) -> dict[str, Any]:
    """An object inside the body; what is wrong with it goes to `problems`."""
    given = body.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        problems[name] = Problem("not_an_object")
        return {}
    problems.update(unknown_fields(given, known, f"{name}."))
    return given


def number(value: object) -> object:
    """A JSON integer as it is, and anything that only looks like one as `NOT_A_NUMBER`; null stays None."""
    return NOT_A_NUMBER if isinstance(value, str | bool) else value


def yes_or_no(found: Mapping[str, Any], path: str, problems: dict[str, Problem]) -> bool:
    """An optional JSON boolean of a part of the body, named by its path; what is wrong with it goes to `problems`."""
    given = found.get(path.rpartition(".")[2])
    if given is not None and not isinstance(given, bool):
        problems[path] = Problem("not_true_or_false")
    return given is True


def line(value: object, longest: int) -> str | Problem:
    """An optional line of text, or what is wrong with it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return Problem("not_text")
    cleaned = value.strip()
    if len(cleaned) > longest:
        return Problem("too_long", {"longest": longest})
    return cleaned if cleaned.isprintable() else Problem("forbidden_character")
