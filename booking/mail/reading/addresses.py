"""Addresses and ids in headers (RFC 5322, 3.4 and 3.6.4)."""

from __future__ import annotations

import re

from booking.mail.reading.parts import Headers

_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,190}\Z")
_ID = re.compile(r"<[^<>\s]{1,900}>")
_TAG = re.compile(r"\+([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})@", re.IGNORECASE)
_SENT_TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
_MOST_IDS = 50
_MOST_TAGS = 5


def is_address(value: str) -> bool:
    """Whether this is one bare address as calendars and mail programs write them, and no half of something else."""
    return bool(_ADDRESS.match(value)) and value.isprintable()


def address_of(headers: Headers, name: str) -> str:
    """The one address of a header, bare and in lower case; "" where there is none, or where there are several.

    Names, quotes and comments are taken away before an address is looked for, so that none can be read out of them.
    """
    found = {address for value in headers.all(name) for address in _bare(value)}
    return found.pop() if len(found) == 1 else ""


def _bare(value: str) -> list[str]:
    outside = _outside_quotes(value)
    in_brackets = [piece.partition(">")[0].strip() for piece in outside.split("<")[1:]]
    candidates = in_brackets or [piece.strip() for piece in outside.split(",")]
    return [candidate.lower() if is_address(candidate) else "" for candidate in candidates if candidate]


def _outside_quotes(value: str) -> str:
    """Without quoted strings and comments; a quote or comment that never ends takes the rest with it."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for sign in value:
        if escaped:
            escaped = False
        elif sign == "\\" and (quoted or depth):
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
            kept.append(" ")
        elif sign == "(" and not quoted:
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
            kept.append(" ")
        elif not quoted and not depth:
            kept.append(sign)
    return "".join(kept)


def id_of(headers: Headers) -> str:
    """The mail's own id with its angle brackets, or ""."""
    found = _ID.search(headers.first("message-id"))
    return _plain(found[0]) if found else ""


def ids_it_answers(headers: Headers) -> tuple[str, ...]:
    """In-Reply-To first, for it names the nearest; then References, of which the last are the nearest."""
    nearest = [found for value in headers.all("in-reply-to") for found in _ID.findall(value)]
    earlier = [found for value in headers.all("references") for found in _ID.findall(value)]
    return tuple(dict.fromkeys(map(_plain, [*nearest[:_MOST_IDS], *earlier[-_MOST_IDS:]])))


def _plain(value: str) -> str:
    return value if value.isprintable() else "".join(sign for sign in value if sign.isprintable())


def tags_of(headers: Headers) -> tuple[str, ...]:
    """References of bookings in the plus-addresses the mail was sent to: `envelope_sender` wrote them."""
    found = [tag for name in _SENT_TO for value in headers.all(name.lower()) for tag in _TAG.findall(value)]
    return tuple(dict.fromkeys(tag.upper() for tag in found))[:_MOST_TAGS]
