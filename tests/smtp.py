"""A real SMTP server for tests that misbehaves on purpose: slow, refusing, dying, with TLS nobody vouches for."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

KEY_AND_CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/aYk1CB0MaruXyku
/hnIjcJ/LHS3us2DJx7o4hImGf2hRANCAARIuzI8rHb88e0jWWPXcoa229FVAM4W
IMYPMQXT7slZgELQjNQblTl5QuwBGRdgDc1aENH8Zq4Z1F6Al0vsSG+Z
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBZjCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEi7Mjysdvzx7SNZ
Y9dyhrbb0VUAzhYgxg8xBdPuyVmAQtCM1BuVOXlC7AEZF2ANzVoQ0fxmrhnUXoCX
S+xIb5mjTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBRW/bCe9AhftysFdxGHL32LHWirSDAKBggqhkjOPQQD
AgNHADBEAiAm1xV5/yFk17ZucQ+P4Yb0O7SyvGX6nu6diBTQ4CRDJgIgOUG4Vda3
/iq2T/ptdmEerr332NAc9GpgdfYzN2+X+8c=
-----END CERTIFICATE-----
"""
"""A throw-away pair for localhost and 127.0.0.1, signed by itself: it protects nothing but these tests."""


@dataclass(frozen=True)
class Received:
    """One mail the server got to the final dot of."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    over_tls: bool


@dataclass
class Behaviour:
    """Answers to give, first come first served; None and an empty queue mean: behave."""

    mail: deque[str | None] = field(default_factory=deque)
    rcpt: deque[str | None] = field(default_factory=deque)
    data: deque[str | None] = field(default_factory=deque)
    slow: float = 0
    """Seconds to wait after the final dot."""
    dies_after_final_dot: int = 0
    """How many times to cut the connection instead of saying 250."""
    dies_at_quit: bool = False
    on_data: Callable[[], object] = lambda: None


@dataclass
class Server:
    """A running server: what it got, and how it is to behave from now on."""

    port: int
    behaviour: Behaviour = field(default_factory=Behaviour)
    received: list[Received] = field(default_factory=list)
    clear_commands: list[str] = field(default_factory=list)
    """MAIL commands that came without TLS."""


class _Handler:
    def __init__(self, server: Server) -> None:
        self.server = server

    async def handle_MAIL(self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if session.ssl is None:
            self.server.clear_commands.append(address)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return _next(self.server.behaviour.mail) or "250 OK"

    async def handle_RCPT(self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if answer := _next(self.server.behaviour.rcpt):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        behaviour = self.server.behaviour
        if answer := _next(behaviour.data):
            return answer
        content = envelope.original_content or b""
        self.server.received.append(
            Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, session.ssl is not None)
        )
        behaviour.on_data()
        if behaviour.dies_after_final_dot:
            behaviour.dies_after_final_dot -= 1
            smtp.transport.abort()
        if behaviour.slow:
            await asyncio.sleep(behaviour.slow)
        return "250 OK"


class _Smtp(SMTP):
    behaviour: Behaviour

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        if self.behaviour.dies_at_quit:
            self.transport.abort()
            return
        await super().smtp_QUIT(arg)


class _Controller(Controller):
    def __init__(self, server: Server, **more: Any) -> None:
        self.behaviour = server.behaviour
        super().__init__(
            _Handler(server), hostname="127.0.0.1", port=server.port, ready_timeout=20, server_hostname="localhost", **more
        )

    def factory(self) -> SMTP:
        smtp = _Smtp(self.handler, **self.SMTP_kwargs)
        smtp.behaviour = self.behaviour
        return smtp


def _next(answers: deque[str | None]) -> str | None:
    return answers.popleft() if answers else None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def smtp_server(certificate: Path | None = None, *, implicit: bool = False) -> Iterator[Server]:
    """A server on 127.0.0.1. With a PEM file it offers STARTTLS, or speaks TLS from the first byte."""
    server = Server(free_port())
    more: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        more = {"ssl_context": context} if implicit else {"tls_context": context}
    controller = _Controller(server, **more)
    controller.start()
    try:
        yield server
    finally:
        controller.stop(no_assert=True)
