"""One-time codes: the key of a second factor, the codes of the moment (TOTP, RFC 6238), and those that replace a lost device.

The key is an HMAC of SECRET_KEY over the account's nonce, so that the database holds nothing that makes codes.
"""

from __future__ import annotations

import base64
import hmac
import secrets as random
from collections.abc import Sequence
from datetime import datetime

import pyotp

from booking.links import keyed_hash

ISSUER = "Coulisses"
STEP_SECONDS = 30
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without the signs that are taken for one another."""


def key_of(secret: str, nonce: bytes) -> str:
    """The key of a second factor in Base32, as authenticator apps take it: 160 bits (RFC 4226, 4, R6)."""
    return base64.b32encode(hmac.digest(secret.encode(), b"totp:" + nonce, "sha1")).decode()


def address_of_key(key: str, email: str) -> str:
    """The key as an `otpauth://` address, which apps read from a QR code."""
    return pyotp.TOTP(key).provisioning_uri(name=email, issuer_name=ISSUER)


def code_at(key: str, now: datetime) -> str:
    """The code of the moment."""
    return pyotp.TOTP(key).generate_otp(_step_of(now))


def fitting_step(code: str, keys: Sequence[str], after: int | None, now: datetime) -> int | None:
    """The time step a code belongs to: this one, the one before or the next, for clocks differ (RFC 6238, 5.2).

    Steps up to `after` have served already. None where the code fits none.
    """
    given = "".join(code.split()).encode("utf-8", "replace")
    this = _step_of(now)
    for step in (this, this - 1, this + 1):
        for key in keys:
            fits = hmac.compare_digest(given, pyotp.TOTP(key).generate_otp(step).encode())
            if fits and (after is None or step > after):
                return step
    return None


def new_recovery_codes() -> list[str]:
    """Ten codes of 49 bits each, to be written down: « k7f2q-9xpmd »."""
    return ["-".join("".join(random.choice(_ALPHABET) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)]


def recovery_hash(secret: str, account_id: int, code: str) -> str:
    """What is stored of a recovery code, however it was typed."""
    plain = "".join(sign for sign in code.casefold() if sign.isalnum())
    return keyed_hash(secret, "recovery", str(account_id), plain)


def _step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS
