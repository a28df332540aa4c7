"""Settings: read once from the environment, checked, and explained when they are wrong.

`docs/settings.md` lists every name; a test keeps the two equal. A file `var/settings.env`, written by
`make run`, fills in what the environment leaves out, so that commands typed in the same checkout agree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
RUN_FILE = ROOT / "var" / "settings.env"
DEMO_AUTHSERV_ID = "demo.coulisses.example"
"""Whose word the demo's own answers carry."""


class WrongSettings(Exception):
    """One sentence for each setting that is wrong or missing."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True)
class Settings:
    """Everything that may differ between two installations."""

    database_url: str
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    base_url: str
    demo: bool
    mail_server: str | None
    mail_port: int
    mail_username: str | None
    mail_password: str | None
    mail_use_tls: bool
    mail_timeout: int
    mail_default_sender: str
    inbox_url: str | None
    inbox_authserv_id: str | None
    rate_limits: bool
    hold_minutes: int
    workers: int
    port: int
    trusted_proxies: int
    map_tiles_url: str | None
    operator_name: str
    operator_address: str
    operator_email: str
    hosting_name: str

    @property
    def sender_address(self) -> str:
        """The bare address mail comes from: the ORGANIZER of every invitation."""
        return parseaddr(self.mail_default_sender)[1]

    @property
    def secure(self) -> bool:
        """Whether visitors come over https, which makes cookies Secure."""
        return self.base_url.startswith("https://")


class _Reader:
    """Reads names from a mapping and gathers one sentence for each that is wrong."""

    def __init__(self, source: Mapping[str, str]) -> None:
        self.source = source
        self.sentences: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self.source.get(name, "").strip() or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        given = self.text(name, str(default))
        if re.fullmatch(r"\d{1,9}", given) and low <= int(given) <= high:
            return int(given)
        self.sentences.append(f"{name} is {given!r}: set it to a whole number from {low} to {high}.")
        return default

    def switch(self, name: str, default: bool) -> bool:
        given = self.text(name, "on" if default else "off").lower()
        if given in {"on", "1", "true", "yes"}:
            return True
        if given not in {"off", "0", "false", "no"}:
            self.sentences.append(f"{name} is {given!r}: set it to on or off.")
        return False

    def web_address(self, name: str, default: str) -> str:
        given = self.text(name, default).rstrip("/")
        parts = urlsplit(given)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            self.sentences.append(f"{name} is {given!r}: set it to an address such as https://visites.example.")
        return given


def _run_file() -> dict[str, str]:
    if not RUN_FILE.exists():
        return {}
    lines = (line.partition("=") for line in RUN_FILE.read_text().splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in lines}


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process.

    Without an argument they come from the environment, completed by `var/settings.env`.
    Raises `WrongSettings` with one sentence for each setting to mend.
    """
    read = _Reader({**_run_file(), **os.environ} if environ is None else environ)
    demo = read.switch("DEMO", False)
    port = read.number("PORT", 8000, 1, 65535)
    settings = Settings(
        database_url=_database_url(read),
        secret_key=_secret_key(read),
        secret_key_fallbacks=tuple(read.text("SECRET_KEY_FALLBACKS").split()),
        base_url=read.web_address("BASE_URL", f"http://127.0.0.1:{port}"),
        demo=demo,
        mail_server=_mail_server(read, demo),
        mail_port=read.number("MAIL_PORT", 587, 1, 65535),
        mail_username=read.text("MAIL_USERNAME") or None,
        mail_password=read.text("MAIL_PASSWORD") or None,
        mail_use_tls=read.switch("MAIL_USE_TLS", _speaks_tls(read)),
        mail_timeout=read.number("MAIL_TIMEOUT", 30, 1, 240),
        mail_default_sender=_sender(read),
        inbox_url=_inbox(read),
        inbox_authserv_id=_authserv_id(read, demo),
        rate_limits=read.switch("RATE_LIMITS", True),
        hold_minutes=read.number("HOLD_MINUTES", 120, 5, 2880),
        workers=read.number("WORKERS", 2, 1, 64),
        port=port,
        trusted_proxies=read.number("TRUSTED_PROXIES", 0, 0, 10),
        map_tiles_url=read.text("MAP_TILES_URL") or None,
        operator_name=read.text("OPERATOR_NAME", "Coulisses (démonstration)"),
        operator_address=read.text("OPERATOR_ADDRESS", "adresse de l’exploitant à renseigner (OPERATOR_ADDRESS)"),
        operator_email=read.text("OPERATOR_EMAIL", "contact@coulisses.example"),
        hosting_name=read.text("HOSTING_NAME", "hébergeur à renseigner (HOSTING_NAME)"),
    )
    if read.sentences:
        raise WrongSettings(read.sentences)
    return settings


def _database_url(read: _Reader) -> str:
    given = read.text("DATABASE_URL", f"sqlite:///{ROOT / 'var' / 'coulisses.sqlite3'}")
    scheme = given.partition(":")[0]
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        return "postgresql+psycopg" + given[len(scheme) :]
    if scheme != "sqlite" or not given.startswith("sqlite:///") or given in {"sqlite:///", "sqlite:///:memory:"}:
        read.sentences.append(
            f"DATABASE_URL starts with {scheme!r}: set it to postgresql://user:password@host/name or sqlite:///path/to/file."
        )
    return given


def _secret_key(read: _Reader) -> str:
    given = read.text("SECRET_KEY")
    if len(given) < 16:
        read.sentences.append(
            "SECRET_KEY is missing or shorter than 16 characters: set it to a long random text, "
            "for example the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    return given


def _mail_server(read: _Reader, demo: bool) -> str | None:
    given = read.text("MAIL_SERVER") or None
    if given is None and not demo:
        read.sentences.append(
            "MAIL_SERVER is missing: set it to the host name of your SMTP server, or DEMO=on to show mail at /mailbox."
        )
    return given


def _speaks_tls(read: _Reader) -> bool:
    """TLS is the default, except towards a server on this very machine."""
    return read.text("MAIL_SERVER") not in {"", "localhost", "127.0.0.1", "::1"}


def _sender(read: _Reader) -> str:
    given = read.text("MAIL_DEFAULT_SENDER", "Coulisses <reservations@coulisses.example>")
    address = parseaddr(given)[1]
    if not re.fullmatch(r"[^@\s,<>\"]+@[^@\s,<>\"]+", address):
        read.sentences.append(f"MAIL_DEFAULT_SENDER is {given!r}: set it to an address such as Coulisses <a@example.org>.")
    return given


def _inbox(read: _Reader) -> str | None:
    given = read.text("INBOX_URL") or None
    if given:
        try:
            inbox_address(given)
        except ValueError as error:
            read.sentences.append(f"INBOX_URL is wrong ({error}): set it to imaps://user:password@host/INBOX or maildir:///path.")
    return given


def _authserv_id(read: _Reader, demo: bool) -> str | None:
    """The demo believes the answers its own mailbox writes; where mail comes in from outside, only a name that was given."""
    return read.text("INBOX_AUTHSERV_ID") or (DEMO_AUTHSERV_ID if demo and not read.text("INBOX_URL") else None)


@dataclass(frozen=True)
class ImapFolder:
    """A folder on an IMAP server (RFC 5092, with the password in it)."""

    tls: bool
    """TLS from the first byte (imaps). Without, it is asked for with STARTTLS where the server offers it."""
    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    folder: str = "INBOX"


def inbox_address(url: str) -> ImapFolder | Path:
    """What INBOX_URL names: a folder on a server, or a Maildir. Raises `ValueError` with words that quote nothing of it."""
    try:
        parts = urlsplit(url)
    except ValueError:  # which may quote the password
        raise ValueError("it is no address") from None
    if parts.query or parts.fragment:
        raise ValueError("? and # in it must be written %3F and %23")
    if parts.scheme == "maildir":
        if parts.netloc or len(parts.path) < 2:
            raise ValueError("a maildir has three slashes and an absolute path")
        return Path(unquote(parts.path))
    if parts.scheme not in {"imap", "imaps"}:
        raise ValueError("it names neither a server nor a maildir")
    return _imap_folder(parts)


def _imap_folder(parts: SplitResult) -> ImapFolder:
    user, password = (unquote(part or "") for part in (parts.username, parts.password))
    if not (user and password):
        raise ValueError("the user or the password is missing")
    if any(ord(sign) < 32 or sign == "\N{REPLACEMENT CHARACTER}" for sign in user + password):
        raise ValueError("the user or the password has a sign that cannot be sent")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the port is no number; signs such as / : @ in a password are written %2F %3A %40") from None
    if not host:
        raise ValueError("the host is missing")
    tls = parts.scheme == "imaps"
    return ImapFolder(tls, host, port or (993 if tls else 143), user, password, unquote(parts.path.strip("/")) or "INBOX")
