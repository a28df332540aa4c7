"""A real IMAP server for tests (pymap over a Maildir), and a line to it that is cut after so many bytes."""

from __future__ import annotations

import socket
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

USER, PASSWORD = "answers@coulisses.example", 'p@ss/w:o"r\\d %é#?'


@dataclass(frozen=True)
class Server:
    """A running server with one mailbox."""

    port: int
    folder: Path
    """The Maildir the server serves."""

    def url(self, *, password: str = PASSWORD, port: int = 0, folder: str = "INBOX") -> str:
        return f"imap://{quote(USER, safe='')}:{quote(password, safe='')}@127.0.0.1:{port or self.port}/{folder}"

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
def imap_server(base: Path, *, keywords: bool = True) -> Iterator[Server]:
    """A server on a free port, which keeps our keyword or no keyword at all."""
    folder = maildir(base / "mail")
    (base / "pymap-etc-passwd").write_text(f"{USER}:x::::mail:\n")
    (base / "pymap-etc-shadow").write_text(f"{USER}:{BuiltinHash(rounds=1).hash(PASSWORD)}:::::::\n")
    if keywords:
        (folder / "dovecot-keywords").write_text(f"0 {TAKEN}\n")
    port = free_port()
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
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
def cut_line(port: int, after: int) -> Iterator[int]:
    """A port that leads to another, until the server has said so many bytes: then both sides are hung up on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_lead_on, args=(listener, port, after), daemon=True).start()
        yield listener.getsockname()[1]


def _lead_on(listener: socket.socket, port: int, after: int) -> None:
    with suppress(OSError):
        client = listener.accept()[0]
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
