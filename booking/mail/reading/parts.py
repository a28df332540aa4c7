"""A mail taken apart (RFC 5322, RFC 2045 to 2047), within limits.

The standard library's parser is not used on whole mails: it descends as deep as a mail nests, compares every line with
every boundary above it, and its reading of parameters takes a time that grows with the square of their length. Here
everything is cut before it is read, so that no mail takes more than a moment.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

MOST_BYTES = 2_000_000
"""A larger mail is not looked into; its headers are."""
MOST_PARTS = 100
MOST_DEPTH = 10
_MOST_HEADER_BYTES = 300_000
_LONGEST_VALUE = 8000
_LONGEST_PARAMETERS = 2000
_MOST_OF_A_NAME = 20
_MOST_NAMES = 200
_BLANK_LINE = re.compile(rb"\A\r?\n|\n\r?\n")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


class Headers:
    """The headers of a mail or of a part: unfolded, under lower-case names, in their order, the first of each name."""

    def __init__(self, block: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in _fields(block[:_MOST_HEADER_BYTES]):
            values = self._values.setdefault(name, []) if len(self._values) < _MOST_NAMES else self._values.get(name, [])
            if len(values) < _MOST_OF_A_NAME:
                values.append(value)

    def __bool__(self) -> bool:
        return bool(self._values)

    def all(self, name: str) -> list[str]:
        """Every value of one name, the topmost first."""
        return self._values.get(name, [])

    def first(self, name: str) -> str:
        """The topmost value of one name, or ""."""
        return self._values.get(name, [""])[0]


def _fields(block: bytes) -> Iterator[tuple[str, str]]:
    name, pieces, size = "", list[bytes](), 0
    for line in [*block.split(b"\n"), b":"]:
        if line[:1] in {b" ", b"\t"}:
            if size < _LONGEST_VALUE:
                pieces.append(line[:_LONGEST_VALUE].strip())
                size += len(pieces[-1]) + 1
            continue
        if name:
            yield name, _text(b" ".join(pieces)[:_LONGEST_VALUE])
        label, colon, value = line[:_LONGEST_VALUE].partition(b":")
        name = label.strip().lower().decode("ascii", "replace") if colon and len(label) <= 80 else ""
        pieces, size = [value.strip()], len(value)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


@dataclass(frozen=True)
class Part:
    """One part that holds no parts, still in its transfer encoding."""

    kind: str
    """For example text/calendar, in lower case."""
    charset: str
    filename: str
    attached: bool
    encoding: str
    body: bytes = field(repr=False)

    def content(self, most: int) -> bytes:
        """The decoded bytes, at most so many; what cannot be decoded is passed over."""
        body = self.body[: 3 * most]
        if self.encoding == "base64":
            body = _from_base64(body)
        elif self.encoding == "quoted-printable":
            body = binascii.a2b_qp(body)
        return body[:most]


def _from_base64(body: bytes) -> bytes:
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        letters = _NOT_BASE64.sub(b"", body)
        usable = letters[: len(letters) // 4 * 4]
        rest = letters[len(usable) :]
        return binascii.a2b_base64(usable + (rest + b"==")[:4] if len(rest) > 1 else usable)


def split(raw: bytes) -> tuple[Headers, bytes]:
    """The headers and what follows them."""
    found = _BLANK_LINE.search(raw)
    return (Headers(raw[: found.start() + 1]), raw[found.end() :]) if found else (Headers(raw), b"")


def leaves(headers: Headers, body: bytes) -> list[Part]:
    """The parts of a mail that hold no parts, in their order; an attached mail is one of them and is not entered."""
    found: list[Part] = []
    waiting = [(headers, body, 0)]
    seen = 0
    while waiting and seen < MOST_PARTS:
        seen += 1
        headers, body, depth = waiting.pop()
        part, boundary = _described(headers, body)
        if not part.kind.startswith("multipart/"):
            found.append(part)
        elif boundary and depth < MOST_DEPTH:
            inner = [(*split(piece), depth + 1) for piece in _pieces(body, boundary)]
            waiting.extend(reversed(inner))
    return found


def _described(headers: Headers, body: bytes) -> tuple[Part, str]:
    """What the headers say of a part, and the boundary of the parts in it."""
    read = Message()
    for name in ("Content-Type", "Content-Disposition"):
        if value := headers.first(name.lower()):
            read[name] = value[:_LONGEST_PARAMETERS].replace("\r", " ").replace("\n", " ")
    try:
        part = Part(
            kind=read.get_content_type(),
            charset=str(read.get_content_charset() or ""),
            filename=str(read.get_filename() or ""),
            attached=read.get_content_disposition() == "attachment",
            encoding=headers.first("content-transfer-encoding").strip().lower(),
            body=body,
        )
        boundary = str(read.get_boundary() or "")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Part("text/plain", "", "", attached=False, encoding="", body=body), ""
    return part, boundary


def _pieces(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the boundaries (RFC 2046, 5.1.1), without the line end before each."""
    body = b"\n" + body  # every boundary follows a line end: the search begins with what is rare
    delimiter = re.compile(re.escape(b"\n--" + boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    pieces: list[bytes] = []
    begin = -1
    for found in delimiter.finditer(body):
        if begin >= 0:
            pieces.append(body[begin : found.start()].removesuffix(b"\r"))
        begin = -1 if found[1] else _after_line_end(body, found.end())
        if found[1] or len(pieces) >= MOST_PARTS:
            break
    else:
        if begin >= 0:  # cut off before its end
            pieces.append(body[begin:])
    return pieces


def _after_line_end(body: bytes, at: int) -> int:
    return at + (2 if body[at : at + 2] == b"\r\n" else 1)
