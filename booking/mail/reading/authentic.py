"""Whether a calendar's answer comes from whom it names: nothing is freed on the word of somebody else.

A UID is no proof, for a shared calendar exports it, and From is whatever its writer wrote. What counts is what our own mail
server found when the mail arrived, written into Authentication-Results (RFC 8601).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from authres import AuthenticationResultsHeader
from authres.core import AuthenticationResult, AuthResError

from booking.addresses import is_same_address, wire_domain
from booking.mail.reading.found import ReadMail

GOOGLE = "calendar-notification@google.com"
"""Google's calendar answers from its own address, for the person it names in Reply-To."""


@dataclass(frozen=True)
class _Checks:
    """What our own server found: the domains each check passed for, and whether DMARC said no."""

    refused: bool
    dmarc: frozenset[str]
    dkim: frozenset[str]
    spf: frozenset[str]


def is_authentic(mail: ReadMail, attendee: str, authserv_id: str | None) -> bool:
    """Whether this mail may speak for this attendee, by what the mail server named `authserv_id` (our own) found out.

    Only the topmost Authentication-Results header is read, and only if that server wrote it: each server puts its own above
    those it finds, so all below, and any under another name, may be the sender's invention (RFC 8601, section 5: our server
    must also take away those that come in under its name). Without an `authserv_id` nothing is believed.

    The domain of From must be vouched for: by DMARC for that very domain, or by a DKIM signature of it or of a domain
    above it, or by SPF for it. A failed DMARC is a no whatever else passed. And From must be the attendee; or the mail must
    be Google's calendar's, vouched for as google.com, with the attendee in Reply-To.
    """
    checks = _checks(mail, authserv_id)
    if checks is None or checks.refused or not attendee:
        return False
    if is_same_address(mail.sender, attendee) and _vouched_for(checks, _domain(mail.sender), by_dmarc=True):
        return True
    if not is_same_address(mail.reply_to, attendee):
        return False
    if is_same_address(mail.sender, GOOGLE):
        return _vouched_for(checks, _domain(GOOGLE), by_dmarc=True)
    # Google also writes the person into From and itself into Sender; DMARC looks at From alone.
    return (
        is_same_address(mail.real_sender, GOOGLE)
        and is_same_address(mail.sender, attendee)
        and _vouched_for(checks, _domain(GOOGLE), by_dmarc=False)
    )


def _checks(mail: ReadMail, authserv_id: str | None) -> _Checks | None:
    if not authserv_id or not mail.results:
        return None
    try:
        header = AuthenticationResultsHeader.parse_value(mail.results[0].rstrip("; "))
    except (AuthResError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    if (header.authserv_id or "").lower() != authserv_id.strip().lower():
        return None
    results = [result for result in header.results if isinstance(result, AuthenticationResult)]
    return _Checks(
        refused=any(result.method == "dmarc" and result.result == "fail" for result in results),
        dmarc=_passed(results, "dmarc", "header", ("from",)),
        dkim=_passed(results, "dkim", "header", ("d", "i")),
        spf=_passed(results, "spf", "smtp", ("mailfrom",)),
    )


def _passed(results: Iterable[AuthenticationResult], method: str, kind: str, names: tuple[str, ...]) -> frozenset[str]:
    """The domains a check passed for, in lower case: of each result the first property that is there."""
    found = set()
    for result in results:
        if result.method != method or result.result != "pass":
            continue
        values = {one.name: one.value or "" for one in result.properties if one.type == kind}
        found.add(_domain(next((values[name] for name in names if values.get(name)), "")))
    return frozenset(found - {""})


def _vouched_for(checks: _Checks, domain: str, *, by_dmarc: bool) -> bool:
    if not domain:
        return False
    signed = any(domain == signer or (signer.count(".") and domain.endswith(f".{signer}")) for signer in checks.dkim)
    return signed or domain in checks.spf or (by_dmarc and domain in checks.dmarc)


def _domain(value: str) -> str:
    """What follows the last @, or all of it, in lower case and as DNS writes it."""
    domain = value.strip().strip("<>").rpartition("@")[2].rstrip(".").lower()
    try:
        return wire_domain(domain)
    except UnicodeError:
        return ""
