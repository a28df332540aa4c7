"""Servers for measurements and races: each on a free port of this machine, on the processor it is given, ended by its id."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STARTED_WITHIN = 30


def processors() -> tuple[set[int], set[int]]:
    """The processor of the server's side and the one of the clients; all of them where they cannot be told apart."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (set(usable[:1]), set(usable[1:2])) if len(usable) > 1 else (set(usable), set(usable))


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Inside the block this process, and every child started in it, stays on these processors."""
    if not cores or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Web:
    """A running gunicorn: its port, its process and how long its first page took."""

    def __init__(self, target: str, environ: Mapping[str, str], first_page: str, workers: int, threads: int) -> None:
        self.port = _free_port()
        self.address = f"127.0.0.1:{self.port}"
        command = [
            sys.executable, "-m", "gunicorn", target, "--bind", self.address, "--worker-class", "gthread", "--workers", str(workers),
            "--threads", str(threads), "--log-level", "error", "--no-control-socket",
        ]  # fmt: skip
        base = {"BASE_URL": f"http://{self.address}", "PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        began = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **base, **environ}, stdin=subprocess.DEVNULL)
        self.started_in = self._wait_for(first_page, began)

    def _wait_for(self, page: str, began: float) -> float:
        while time.perf_counter() - began < STARTED_WITHIN and self.process.poll() is None:
            if _status(self.address, page) == 200:
                return time.perf_counter() - began
            time.sleep(0.01)
        self.stop()
        raise RuntimeError(f"{page} was not served within {STARTED_WITHIN} seconds")

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def web(target: str, environ: Mapping[str, str], first_page: str, workers: int = 2, threads: int = 4) -> Iterator[Web]:
    """Serve a WSGI application with gunicorn's threads until the block ends."""
    server = Web(target, environ, first_page, workers, threads)
    try:
        yield server
    finally:
        server.stop()


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grandchild for child in children for grandchild in family(int(child)))]


def memory(pids: list[int]) -> tuple[float, float]:
    """Megabytes of some processes: resident sizes added up, and the share that is truly theirs (PSS)."""
    resident = shared = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            sizes = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss:", "Pss:"))}
            resident, shared = resident + sizes["Rss:"], shared + sizes["Pss:"]
    return resident / 1024, shared / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _status(address: str, page: str) -> int:
    connection = HTTPConnection(address, timeout=STARTED_WITHIN)
    try:
        connection.request("GET", page)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
