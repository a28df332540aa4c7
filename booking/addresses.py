"""E-mail addresses as servers compare and carry them: without case, the domain in IDNA (RFC 5890)."""

from __future__ import annotations


def is_same_address(one: str, other: str) -> bool:
    """Whether two addresses are one mailbox, as servers see it: in any case, the domain in IDNA or not. No address is none.

    Not `casefold()`, which would make one person of weiß@ and weiss@.
    """
    return bool(one) and _plain(one) == _plain(other)


def wire_address(address: str) -> str:
    """An address as SMTP without extensions carries it: the domain in IDNA. Raises `ValueError` where that cannot be."""
    local, at, domain = address.rpartition("@")
    if not (at and local and local.isascii() and domain):
        raise ValueError("the recipient's address cannot be written in ASCII")
    written = f"{local}@{wire_domain(domain)}"
    if not written.isprintable() or any(sign in written for sign in ' ,;<>"'):
        raise ValueError("the recipient is no single address")
    return written


def wire_domain(domain: str) -> str:
    """A domain in ASCII. Raises `UnicodeError`, which is a `ValueError`, where it has no such form."""
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")


def _plain(address: str) -> str:
    local, _, domain = address.strip().lower().rpartition("@")
    try:
        return f"{local}@{wire_domain(domain)}"
    except UnicodeError:
        return f"{local}@{domain}"
