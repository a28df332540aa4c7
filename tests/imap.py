"""A real IMAP server for tests (pymap over a Maildir), and a line to it that is cut after so many bytes."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pysasl.hashing import BuiltinHash

from booking.mailboxes import TAKEN

ELSEWHERE = "127.0.0.2"
"""This machine, too, under an address that is not known as such."""
USER, PASSWORD = "answers@coulisses.example", 'p@ss/w:o"r\\d %é#?'


@dataclass(frozen=True)
class Server:
    """A running server with one mailbox."""

    port: int
    folder: Path
    """The Maildir the server serves."""

    def url(
        self, *, scheme: str = "imap", password: str = PASSWORD, host: str = "127.0.0.1", port: int = 0, folder: str = "INBOX"
    ) -> str:
        return f"{scheme}://{quote(USER, safe='')}:{quote(password, safe='')}@{host}:{port or self.port}/{folder}"

    def deliver(self, raw: bytes, name: str) -> None:
        deliver(self.folder, raw, name)

    def flags(self) -> dict[str, str]:
        """The flags of the mails that have some, by name: S is seen, a is our keyword."""
        names = [path.name.partition(":2,") for path in (self.folder / "cur").iterdir()]
        return {name: flags for name, _, flags in names}


def maildir(folder: Path) -> Path:
    """An empty Maildir."""
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True)
    return folder


def deliver(folder: Path, raw: bytes, name: str) -> None:
    """Put a mail into a Maildir as a mail server does."""
    (folder / "tmp" / name).write_bytes(raw)
    (folder / "tmp" / name).rename(folder / "new" / name)


@contextmanager
def imap_server(base: Path, *, keywords: bool = True, certificate: Path | None = None) -> Iterator[Server]:
    """A server on a free port of this machine, which keeps our keyword, or no keyword at all.

    With a `certificate` (and its key, in one file) it offers STARTTLS.
    """
    folder = maildir(base / "mail")
    (base / "pymap-etc-passwd").write_text(f"{USER}:x::::mail:\n")
    (base / "pymap-etc-shadow").write_text(f"{USER}:{BuiltinHash(rounds=1).hash(PASSWORD)}:::::::\n")
    if keywords:
        (folder / "dovecot-keywords").write_text(f"0 {TAKEN}\n")
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--host", ELSEWHERE, "--port", str(port)]
    command += ["--cert", str(certificate), "--key", str(certificate)] if certificate else ["--no-tls"]
    process = subprocess.Popen([*command, "maildir", str(base)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Server(port, folder)
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)


@contextmanager
def cut_line(port: int, after: int, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port that leads to another, until the server has said so many bytes: then both sides are hung up on.

    With `tls` the line to the client is TLS from the first byte, as a server for imaps has it.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_lead_on, args=(listener, port, after, tls), daemon=True).start()
        yield listener.getsockname()[1]


def _lead_on(listener: socket.socket, port: int, after: int, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        client = listener.accept()[0]
        client = tls.wrap_socket(client, server_side=True) if tls else client
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            left = after
            while left and (said := server.recv(min(left, 65536))):
                client.sendall(said)
                left -= len(said)
            for end in (client, server):
                end.shutdown(socket.SHUT_RDWR)


def _pump(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while said := here.recv(65536):
            there.sendall(said)
