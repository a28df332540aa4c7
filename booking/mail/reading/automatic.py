"""Mails that programs wrote (RFC 3834, and the customs before it)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from booking.mail.reading.parts import Headers, Part

_ALWAYS = ("x-autoreply", "x-autorespond", "x-autoresponder", "list-id")
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_REPORTS = frozenset({"message/disposition-notification", "message/feedback-report", "message/global-disposition-notification"})
_AWAY = re.compile(
    r"(automatic reply|autoreply|auto-reply|auto:|out of (the )?office|réponse automatique|absence du bureau|absent du bureau"
    r"|message d.absence|automatische antwort|abwesen|respuesta automática|risposta automatica|automatisch antwoord)",
    re.IGNORECASE,
)


def is_automatic(headers: Headers, parts: Sequence[Part], subject: str) -> bool:
    """Whether a program wrote this mail: nobody waits for an answer, and none may be given."""
    submitted = headers.first("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
    if submitted not in {"", "no"}:
        return True
    if any(headers.first(name) for name in _ALWAYS):
        return True
    if headers.first("precedence").strip().lower() in _PRECEDENCE or headers.first("return-path").strip() == "<>":
        return True
    if any(part.kind in _REPORTS for part in parts):
        return True
    # Exchange writes this header into mails of people too: there, only the subject tells.
    return bool(headers.first("x-auto-response-suppress")) and bool(_AWAY.match(subject))
