"""Logs: one JSON object a line on standard error, without personal data and without secrets.

What is logged is named by us (events, identifiers, counts, durations); `redact` stands behind it for what libraries
and exceptions say: addresses, telephone numbers, tokens and the parameters of statements never get through.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

FIELDS = ("method", "route", "status", "ms", "kind", "count", "message_id", "booking_id", "attempt", "worker")
"""The extra fields a record may carry; anything else is dropped."""

_SECRETS = (
    (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), "[parameters: …]"),
    (re.compile(r"DETAIL: .*"), "DETAIL: …"),
    (re.compile(r"(?i)\b(token|key|secret|password|code)=[^\s&\"']+"), r"\1=…"),
    (re.compile(r"(?i)(://[^\s:/@]+):[^\s@/]+@"), r"\1:…@"),
    (re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:]+"), "…@…"),
    (re.compile(r"(/feeds/\d+-)[^\s/?.\"']+"), r"\1[token]"),
    (re.compile(r"(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])"), "[token]"),
    (re.compile(r"(?<!\d)(?:\+33 ?|0)[1-9](?:[ .-]?\d{2}){4}(?!\d)"), "[phone]"),
)
_requests = logging.getLogger("booking.requests")


def redact(text: str) -> str:
    """Text without e-mail addresses, telephone numbers, tokens, passwords and the parameters of SQL statements."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class JsonLines(logging.Formatter):
    """One record as one line of JSON: time (UTC), level, logger, message, the fields that are allowed, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        for name in FIELDS:
            if (value := getattr(record, name, None)) is not None:
                line[name] = redact(value) if isinstance(value, str) else value
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class _OurHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic for mypy alone
    """Writes to whatever standard error is at the moment, so that a redirected one is honoured."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(JsonLines())

    @property
    def stream(self) -> object:
        return sys.stderr


def configure_logs(level: int = logging.INFO) -> None:
    """Send every log of this process to standard error as JSON lines. Calling it again changes nothing."""
    root = logging.getLogger()
    if not any(isinstance(handler, _OurHandler) for handler in root.handlers):
        root.addHandler(_OurHandler())
    root.setLevel(logging.WARNING)  # libraries speak when something is wrong
    for ours in ("booking", "coulisses"):
        logging.getLogger(ours).setLevel(level)


def log_request(method: str, route: str, status: int, ms: float) -> None:
    """Log one answered request by its route (`/bookings/<reference>`), never by the address that was asked for."""
    extra = {"method": method, "route": route, "status": status, "ms": round(ms, 1)}
    _requests.info("request", extra=extra)
