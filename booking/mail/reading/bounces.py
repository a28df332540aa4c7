"""Mails of mail servers about mails they could not deliver: RFC 3464, and those that were written before it or despite it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from booking.mail.reading.addresses import id_of, is_address
from booking.mail.reading.found import Bounce
from booking.mail.reading.parts import Headers, Part, split
from booking.mail.reading.words import one_line

_STATUS_KINDS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ORIGINAL_KINDS = frozenset({
    "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers",
})  # fmt: skip
_MOST_BYTES = 100_000
_MOST_RECIPIENTS = 50
_LONGEST_REASON = 300
_CODE = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)", re.ASCII)
_GAVE_UP = re.compile(r"(?<![\d.])(5\.\d{1,3}\.\d{1,3})(?![\d.]*\d)", re.ASCII)
_ORIGINAL_ID = re.compile(r"^[ \t>]{0,20}Message-ID:\s{0,20}(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
_IN_TEXT = re.compile(r"<([^\s<>]{1,254})>")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_TYPE = re.compile(r"[\w-]{1,40};\s*")
_SERVERS = frozenset({"mailer-daemon", "postmaster", "mail-daemon"})
_EXCHANGE = "microsoftexchange"


@dataclass(frozen=True)
class _Recipient:
    action: str
    status: str
    address: str
    diagnosis: str

    @property
    def failed(self) -> bool:
        """The server gave up: also after days of trying, when the code still says 4."""
        return self.action == "failed" or (not self.action and self.status.startswith("5"))

    @property
    def delayed(self) -> bool:
        return self.action == "delayed" or (not self.action and self.status.startswith("4"))


def is_report(parts: Sequence[Part]) -> bool:
    """Whether a server reports what became of a mail, well or ill (RFC 3464)."""
    return any(part.kind in _STATUS_KINDS for part in parts)


def bounce_in(headers: Headers, parts: Sequence[Part], sender: str, text: str) -> Bounce | None:
    """The bounce a mail is, or None. Of several recipients, one that failed counts before one that is late."""
    if is_report(parts):
        recipients = [recipient for part in parts if part.kind in _STATUS_KINDS for recipient in _recipients(part)]
        told = next((one for one in recipients if one.failed), None) or next((one for one in recipients if one.delayed), None)
        if told is None:  # delivered, relayed, expanded: no bounce
            return None
        reason = one_line(told.diagnosis or text, _LONGEST_REASON)
        return Bounce(told.failed, told.status, told.address, _original_id(parts), reason)
    return _without_report(headers, parts, sender, text)


def _recipients(part: Part) -> list[_Recipient]:
    """The groups of fields after the first, which is about the mail. Some servers write one group for all."""
    groups = re.split(rb"\r?\n[ \t]*\r?\n", part.content(_MOST_BYTES).strip(), maxsplit=_MOST_RECIPIENTS)
    read = [_recipient(Headers(group)) for group in groups]
    return [one for one in read if one.action or one.status]


def _recipient(fields: Headers) -> _Recipient:
    code = _CODE.search(fields.first("status")) or _CODE.search(fields.first("diagnostic-code"))
    return _Recipient(
        action=one_line(fields.first("action").partition("(")[0], 40).lower(),
        status=code[1] if code else "",
        address=_typed_address(fields.first("original-recipient")) or _typed_address(fields.first("final-recipient")),
        diagnosis=one_line(_TYPE.sub("", fields.first("diagnostic-code"), count=1), _LONGEST_REASON),
    )


def _typed_address(value: str) -> str:
    """`rfc822; somebody@example.org`, where signs may be written in hexadecimal (RFC 3461, xtext)."""
    kind, _, address = value.rpartition(";")
    bare = address.strip().strip("<>").strip().lower()
    if kind.strip().lower() in {"rfc822", ""}:
        unpacked = _XTEXT.sub(lambda found: unquote(f"%{found[1]}"), address.strip().strip("<>").strip()).lower()
        bare = unpacked if is_address(unpacked) and "@" not in bare else bare
    return bare if is_address(bare) else ""


def _original_id(parts: Sequence[Part]) -> str:
    for part in parts:
        if part.kind in _ORIGINAL_KINDS:
            found = id_of(split(part.content(_MOST_BYTES).lstrip())[0])
            if found:
                return found
    return ""


def _without_report(headers: Headers, parts: Sequence[Part], sender: str, text: str) -> Bounce | None:
    """A server that writes a letter. It is believed where it looks like one and shows the Message-ID of a mail."""
    to_nobody = headers.first("return-path").strip() == "<>"
    local = sender.partition("@")[0]
    is_server = local in _SERVERS or local.startswith(_EXCHANGE) or (to_nobody and not sender)
    written = _ORIGINAL_ID.search(text)
    original = written[1] if written else _original_id(parts)
    said = text[: written.start()] if written else text
    code = _GAVE_UP.search(said)
    if not original or not (is_server or (to_nobody and code)):
        return None
    named = [address.strip() for address in headers.first("x-failed-recipients").split(",")]  # Exim, and Google
    addresses = [found for found in [*named, *_IN_TEXT.findall(said)] if is_address(found) and found.lower() != sender]
    status = code or _CODE.search(said)
    return Bounce(
        permanent=code is not None,
        status=status[1] if status else "",
        recipient=addresses[0].lower() if addresses else "",
        original_id=original,
        reason=one_line(_around(said, code), _LONGEST_REASON),
    )


def _around(said: str, code: re.Match[str] | None) -> str:
    """The lines around a code, to the next empty one; without a code, the letter's beginning."""
    if code is None:
        return said
    end = said.find("\n\n", code.end())
    return said[said.rfind("\n", 0, code.start()) + 1 : end if end >= 0 else len(said)]
