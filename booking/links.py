"""Secret links: derived from SECRET_KEY and a booking's nonce, never stored.

A link is HMAC-SHA256 over its purpose and 128 random bits of the booking, so the database alone opens nothing,
a link of one purpose never serves another, and a later mail can carry the same link without keeping it anywhere.
Keys in SECRET_KEY_FALLBACKS still open old links after a rotation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

MANAGE = "manage"
CONFIRM = "confirm"
HEAD = "head"
SIGN_IN = "sign-in"
FEED = "feed"


def make_token(secret: str, purpose: str, nonce: bytes) -> str:
    """The token of one purpose for one booking: 43 characters that fit in a URL."""
    digest = hmac.digest(secret.encode(), f"link:{purpose}:".encode() + nonce, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def make_code(secret: str, purpose: str, nonce: bytes) -> str:
    """A code of six digits for one purpose, derived like a token. It must be short-lived and its attempts counted."""
    digest = hmac.digest(secret.encode(), f"code:{purpose}:".encode() + nonce, "sha256")
    return f"{int.from_bytes(digest) % 1_000_000:06d}"


def fits_code(code: str, secrets: Iterable[str], purpose: str, nonce: bytes) -> bool:
    """Whether a code is the right one, whatever spaces it was typed with, compared in constant time."""
    given = "".join(code.split()).encode("utf-8", "replace")
    return any(hmac.compare_digest(given, make_code(secret, purpose, nonce).encode()) for secret in secrets)


def opens(token: str, secrets: Iterable[str], purpose: str, nonce: bytes) -> bool:
    """Whether a token is the right one, compared in constant time."""
    given = token.encode("utf-8", "replace")
    return any(hmac.compare_digest(given, make_token(secret, purpose, nonce).encode()) for secret in secrets)


def keyed_hash(secret: str, *parts: str) -> str:
    """A name for something personal that says nothing without the key (limits, proven addresses)."""
    return hmac.new(secret.encode(), "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()
