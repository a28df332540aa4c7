"""Customers: raw sockets, few instructions, so that the server is what is measured.

A customer is a fresh browser: it opens one connection, keeps its cookies, reads the hidden fields out of the form.
"""

from __future__ import annotations

import html
import json
import multiprocessing
import os
import re
import socket
import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.bench.servers import on

CLIENTS = 8
PAGES_A_VISIT = 10
_HIDDEN = re.compile(r'<input\b[^>]*type="hidden"[^>]*>')
_ATTRIBUTE = re.compile(r'(name|value)="([^"]*)"')
_forks = multiprocessing.get_context("fork")
_numbers = count(1)


class Browser:
    """One visitor's connection and cookies."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], str]:
        """Send one request and read its answer: status, headers in lower case, body."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Accept-Language: fr"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return self._answer()

    def _answer(self) -> tuple[int, dict[str, str], str]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        first, *lines = received[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
            if name.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
        missing = end + 4 + int(headers.get("content-length", 0)) - len(received)
        parts = [received[end + 4 :]]
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        return int(first.split()[1]), headers, b"".join(parts).decode()

    def _receive(self) -> bytes:
        if part := self.socket.recv(65536):
            return part
        raise ConnectionError("the server hung up")

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def a_class(pupils: int = 1) -> dict[str, str]:
    """The fields of a class nobody has booked for yet."""
    label = f"3e {os.getpid()}-{next(_numbers)}"
    return {
        "audience": "school", "email": f"prof-{label.replace(' ', '-')}@college.example", "name": "Camille Martin",
        "phone": "01 23 45 67 89", "school_name": f"Collège {label}", "commune": "Gennevilliers", "level": "3e", "label": label,
        "pupils": str(pupils), "adults": "2",
    }  # fmt: skip


def order(port: int, slot_id: int) -> str:
    """A whole order in a browser: the form, the POST with its hidden fields, the booking's page. Says how it ended."""
    browser = Browser(port)
    try:
        status, _, page = browser.request("GET", f"/slots/{slot_id}/bookings/new")
        hidden = dict[str, str]()
        for field in _HIDDEN.findall(page):
            found = dict(_ATTRIBUTE.findall(field))
            hidden[found.get("name", "")] = html.unescape(found.get("value", ""))
        if status != 200 or "csrf_token" not in hidden or "key" not in hidden:
            return "full" if status in {200, 409} else f"form {status}"
        body = urlencode(a_class() | {"csrf_token": hidden["csrf_token"], "key": hidden["key"]}).encode()
        form_type = "application/x-www-form-urlencoded"
        status, headers, _ = browser.request("POST", f"/slots/{slot_id}/bookings", body, Content_Type=form_type)
        if status != 303:
            return "full" if status == 409 else f"post {status}"
        status, _, _ = browser.request("GET", urlsplit(headers["location"]).path)
        return "booked" if status == 200 else f"page {status}"
    finally:
        browser.close()


def call(port: int, slot_id: int) -> str:
    """The same through the API: one POST."""
    fields = a_class()
    group = {name: fields[name] for name in ("school_name", "commune", "level", "label")} | {"pupils": 1, "adults": 2}
    body = json.dumps({name: fields[name] for name in ("email", "name", "phone")} | {"group": group}).encode()
    browser = Browser(port)
    try:
        status, _, _ = browser.request(
            "POST", f"/api/v1/slots/{slot_id}/bookings", body, Content_Type="application/json", Idempotency_Key=fields["email"]
        )
        return {201: "booked", 409: "full"}.get(status, f"api {status}")
    finally:
        browser.close()


def page(port: int, path: str) -> list[float]:
    """One visit: some pages over one connection. Returns the seconds each took."""
    browser = Browser(port)
    try:
        seconds = []
        for _ in range(PAGES_A_VISIT):
            began = time.perf_counter()
            status, _, _ = browser.request("GET", path)
            assert status == 200, status
            seconds.append(time.perf_counter() - began)
        return seconds
    finally:
        browser.close()


@dataclass(frozen=True)
class Speed:
    """What a run came to: works a second, and how long each took in seconds."""

    per_second: float
    p50: float
    p95: float


def throughput(work: Callable[..., Any], port: int, things: list[Any], seconds: float, cores: set[int]) -> Speed:
    """Let the clients do one kind of work without pause, each in turn on one of `things`, for so many seconds."""
    with on(cores):
        start, answers = _forks.Barrier(2), _forks.SimpleQueue()
        halves = [_forks.Process(target=_half, args=(work, port, things, seconds, start, answers), daemon=True) for _ in range(2)]
        for half in halves:
            half.start()
        told = [answers.get() for _ in halves]
        for half in halves:
            half.join()
    if faults := [answer for answer in told if isinstance(answer, str)]:
        raise RuntimeError(faults[0])
    times = [taken for answer in told for taken in answer]
    if len(times) < 2:
        return Speed(len(times) / seconds, seconds, seconds)
    cuts = statistics.quantiles(times, n=100)
    return Speed(len(times) / seconds, cuts[49], cuts[94])


def _half(work: Callable[..., Any], port: int, things: list[Any], seconds: float, start: Any, answers: Any) -> None:
    with ThreadPoolExecutor(CLIENTS // 2) as threads:
        start.wait(30)
        until = time.perf_counter() + seconds
        clients = [
            threads.submit(_client, work, port, things[number:] + things[:number], until) for number in range(CLIENTS // 2)
        ]
        try:
            answers.put([taken for client in clients for taken in client.result()])
        except (AssertionError, OSError, ValueError) as error:
            answers.put(f"{work.__name__} on {things}: {error!r}")


def _client(work: Callable[..., Any], port: int, things: list[Any], until: float) -> list[float]:
    times: list[float] = []
    for turn in count():
        began = time.perf_counter()
        outcome = work(port, things[turn % len(things)])
        ended = time.perf_counter()
        if ended > until:
            return times
        assert isinstance(outcome, list) or outcome == "booked", outcome
        times += outcome if isinstance(outcome, list) else [ended - began]
    return times


def rush(work: Callable[[int, int], str], port: int, slot_id: int, customers: int, cores: set[int]) -> tuple[Counter[str], float]:
    """All customers at once for one slot: how each ended, and the seconds until everybody had an answer."""
    processes = 4
    with on(cores):
        start, answers = _forks.Barrier(processes), _forks.SimpleQueue()
        parts = [
            _forks.Process(target=_part, args=(work, port, slot_id, customers // processes, start, answers), daemon=True)
            for _ in range(processes)
        ]
        for part in parts:
            part.start()
        told = [answers.get() for _ in parts]
        for part in parts:
            part.join()
    began, ended = min(first for first, _, _ in told), max(last for _, last, _ in told)
    return Counter(word for _, _, words in told for word in words), ended - began


def _part(work: Callable[[int, int], str], port: int, slot_id: int, customers: int, start: Any, answers: Any) -> None:
    def one(_: int) -> str:
        try:
            return work(port, slot_id)
        except OSError as error:
            return type(error).__name__

    with ThreadPoolExecutor(customers) as threads:
        start.wait(60)
        began = time.monotonic()
        words = list(threads.map(one, range(customers)))
        answers.put((began, time.monotonic(), words))
