"""A crowd: many clients in real processes, started at one moment, each answer written down."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

PATIENCE = 100
"""Seconds a crowd may take before the test gives up on it."""

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["tests.race.unguarded"])  # which imports the whole application, once for all processes


@dataclass(frozen=True)
class Answer:
    """What one client was told: `word` is done, a refusal's code, or error."""

    ask: Any
    word: str
    detail: str = ""


Client = Callable[[Any], Answer]


def run(clients: Callable[[str], Client], where: str, asks: list[Any], processes: int) -> list[Answer]:
    """Let every ask be made by a thread of its own, spread over so many processes, all starting at one moment.

    `clients` makes a process's client from `where`: a database's address, or a server's.
    """
    start, answers = forks.Barrier(processes), forks.SimpleQueue()
    crowd = [
        forks.Process(target=_process, args=(clients, where, asks[number::processes], start, answers), daemon=True)
        for number in range(processes)
    ]
    for process in crowd:
        process.start()
    given: list[Answer] = []
    collector = threading.Thread(target=lambda: given.extend(answer for _ in crowd for answer in answers.get()), daemon=True)
    collector.start()
    collector.join(PATIENCE)
    _end(crowd)
    assert len(given) == len(asks), f"{len(given)} of {len(asks)} clients got an answer"
    return given


def _process(clients: Callable[[str], Client], where: str, asks: list[Any], start: Any, answers: Any) -> None:
    client = clients(where)
    with ThreadPoolExecutor(max(len(asks), 1)) as threads:
        start.wait(PATIENCE)
        answers.put(list(threads.map(client, asks)))


def _end(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()
