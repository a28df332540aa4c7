"""`python -m tests.states`: play many histories on both databases, and stop at the first that breaks a rule.

Every run has another seed, which is printed: `--seed` plays the same histories again. What fails is printed as the shortest list
of steps that still fails; write it into tests/test_states.py as it stands.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from booking import clock
from booking.app import create_app
from booking.db import db
from tests.databases import migrate, postgresql_server, settings_for
from tests.states.arena import BEGINS, Arena
from tests.states.play import play

DATABASES = ("sqlite", "postgresql")
A_BATCH = 50
"""Histories of one seed; the next batch has the next one."""
PLAYED = "histories"


def main() -> None:
    """Play and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.states", description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000, help="how many histories on each database")
    parser.add_argument("--steps", type=int, default=40, help="how many steps a history has at most")
    parser.add_argument("--seconds", type=float, help="begin nothing new after so long on a database, whatever is left to play")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="which histories")
    parser.add_argument("--database", choices=DATABASES, help="one database only")
    parser.add_argument(
        "--doctor", action="store_true", help="ask the doctor after every step, and not only at the end of a history"
    )
    parser.add_argument("--quick-failure", action="store_true", help="print what fails as it is, without seeking a shorter one")
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    print(f"seed {asked.seed}", flush=True)
    for name in (asked.database,) if asked.database else DATABASES:
        began = time.monotonic()
        counts = _on(name, asked)
        seconds = time.monotonic() - began
        print(f"{name}: {counts.pop(PLAYED)} histories, {counts.total()} steps in {seconds:.0f} s, all rules kept.", flush=True)
        for what, number in sorted(counts.items()):
            print(f"  {number:7} {what}")


def _on(name: str, asked: argparse.Namespace) -> Counter[str]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        url = f"sqlite:///{folder}/states.sqlite3" if name == "sqlite" else stack.enter_context(postgresql_server())
        migrate(url)
        stack.enter_context(create_app(settings_for(url)).app_context())
        stack.enter_context(clock.clock_at(BEGINS))
        stack.callback(lambda: db.engine.dispose())
        return _played(Arena.build(), asked)


def _played(arena: Arena, asked: argparse.Namespace) -> Counter[str]:
    """The histories of one seed after the other, a batch of each, until there are enough or the time is over."""
    counts, began = Counter[str](), time.monotonic()
    for n, left in enumerate(range(asked.examples, 0, -A_BATCH)):
        if asked.seconds is not None and time.monotonic() - began > asked.seconds:
            break
        batch = min(A_BATCH, left)
        counts += play(
            arena, histories=batch, steps=asked.steps, seed=asked.seed + n, examine_each_step=asked.doctor,
            shrink=not asked.quick_failure,
        )  # fmt: skip
        counts[PLAYED] += batch
    return counts


if __name__ == "__main__":
    sys.exit(main())
