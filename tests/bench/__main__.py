"""`python -m tests.bench` (`make bench`): how fast, beside a bare floor and the database alone, on this machine, now."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.bench import floor, load, pgbench, queues, report, servers, statements
from tests.bench.load import Speed
from tests.databases import ENVIRONMENT, migrate, postgresql_server
from tests.race import site

CUSTOMERS, PLACES = 500, 31
PLENTY = 10_000_000
SERVER, CLIENT = servers.processors()
RESET = f"""DELETE FROM holdings WHERE booking_id IN (SELECT id FROM bookings WHERE slot_id = {{slot}});
DELETE FROM messages WHERE booking_id IN (SELECT id FROM bookings WHERE slot_id = {{slot}});
DELETE FROM history WHERE booking_id IN (SELECT id FROM bookings WHERE slot_id = {{slot}});
DELETE FROM bookings WHERE slot_id = {{slot}};
UPDATE {{counter}} SET taken = 0 WHERE capacity = {PLACES}"""


@dataclass
class Figures:
    """Everything measured: speeds by name, one for each round; rushes; single numbers."""

    speeds: dict[str, list[Speed]] = field(default_factory=lambda: defaultdict(list))
    rushes: dict[str, list[tuple[dict[str, int], float]]] = field(default_factory=lambda: defaultdict(list))
    plain: dict[str, Any] = field(default_factory=dict)

    def median(self, name: str) -> Speed:
        runs = self.speeds[name]
        return Speed(*(statistics.median(getattr(run, part) for run in runs) for part in ("per_second", "p50", "p95")))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, in less than a minute")
    quick = parser.parse_args().quick
    began = time.monotonic()
    figures = measure(rounds=1 if quick else 3, seconds=2.0 if quick else 4.0)
    figures.plain["took"] = time.monotonic() - began
    print("\n" + report.text(figures, CUSTOMERS, PLACES))


def measure(rounds: int, seconds: float) -> Figures:
    """All measurements, one after the other, on one PostgreSQL with its default durability."""
    figures = Figures()
    with servers.on(SERVER), postgresql_server() as url:
        say("PostgreSQL is running; preparing the databases")
        places = {name: _database(url, name) for name in ("bare", "product", "setup", "queues")}
        slots, event_id = _prepare(places["bare"], places["product"])
        figures.plain["machine"] = _machine(url)
        figures.plain["statements"] = statements.counted(places["product"], slots[0], event_id)
        _setup(figures, url, places["setup"], places["bare"])
        say("waiting lists, long and short")
        figures.plain["queues"] = queues.ratios(places["queues"])
        with ExitStack() as stack:
            bare = stack.enter_context(_bare(places["bare"]))
            environ = ENVIRONMENT | {"DATABASE_URL": places["product"], "RATE_LIMITS": "off"}
            product = stack.enter_context(servers.web("wsgi:app", environ, "/healthz"))
            for number in range(rounds):
                _round(
                    figures, f"round {number + 1} of {rounds}", seconds, places["bare"], bare.port, product.port, slots, event_id
                )
                _rushes(figures, f"round {number + 1} of {rounds}", places, bare.port, product.port, slots[-1])
    return figures


def _database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.replace("/postgres?", f"/{name}?")


def _prepare(bare: str, product: str) -> tuple[list[int], int]:
    """The same slots in both: three with plenty of places, one with 31; and in the floor 200 more for pgbench."""
    with psycopg.connect(bare) as connection:
        connection.execute(floor.SCHEMA)
        title = "Visite des activités portuaires"
        for capacity in [PLENTY] * 3 + [PLACES] + [PLENTY] * 200:
            connection.execute("INSERT INTO slots (title, capacity) VALUES (%s, %s)", [title, capacity])
    migrate(product)
    with site.opened(product):
        pools = {"a": PLENTY, "b": PLENTY, "c": PLENTY, "rush": PLACES}
        slots = site.build(pools, [["a"], ["b"], ["c"], ["rush"]])
    return slots, 1


@contextmanager
def _bare(url: str) -> Iterator[servers.Web]:
    environ = {"FLOOR_DATABASE": url, "SECRET_KEY": ENVIRONMENT["SECRET_KEY"]}
    with servers.web("tests.bench.floor:app", environ, "/events/1") as web:
        yield web


def _round(
    figures: Figures, name: str, seconds: float, bare_url: str, bare: int, product: int, slots: list[int], event_id: int
) -> None:
    works = [
        ("floor page", load.page, bare, [f"/events/{event_id}"]),
        ("event page", load.page, product, [f"/events/{event_id}"]),
        ("event page anew", load.page, product, [f"/events/{event_id}?fresh=1"]),
        ("floor order", load.order, bare, slots[:3]),
        ("order", load.order, product, slots[:3]),
        ("API", load.call, product, slots[:3]),
    ]
    for what, work, port, things in works:
        say(f"{name}: {what}")
        load.throughput(work, port, things, 0.3, CLIENT)  # warm: caches, connections, compiled statements
        figures.speeds[what].append(load.throughput(work, port, things, seconds, CLIENT))
    for what, first, last in (("pgbench hot", 1, 1), ("pgbench 200", 5, 204)):
        say(f"{name}: {what}")
        speed = pgbench.per_second(bare_url, first, last, max(1, int(seconds)), load.CLIENTS, CLIENT)
        figures.speeds[what].append(Speed(speed, load.CLIENTS / speed, 0))


def _rushes(figures: Figures, name: str, urls: dict[str, str], bare: int, product: int, slot_id: int) -> None:
    for what, work, port, database in (
        ("floor rush", load.order, bare, "bare"),
        ("rush", load.order, product, "product"),
        ("API rush", load.call, product, "product"),
    ):
        say(f"{name}: {what}")
        with psycopg.connect(urls[database], autocommit=True) as connection:
            counter = "slots" if database == "bare" else "pools"
            connection.execute(RESET.format(slot=slot_id, counter=counter))
            outcome, seconds = load.rush(work, port, slot_id, CUSTOMERS, CLIENT)
            sold = connection.execute("SELECT count(*) FROM bookings WHERE slot_id = %s", [slot_id]).fetchone()
            taken = connection.execute(f"SELECT taken FROM {counter} WHERE capacity = {PLACES}").fetchone()
        assert sold == taken, (sold, taken)
        figures.rushes[what].append((dict(outcome) | {"sold": sold[0] if sold else 0}, seconds))


def _setup(figures: Figures, url: str, setup: str, bare: str) -> None:
    """How long the first page takes after a start, and what everything together weighs after some visits."""
    environ = ENVIRONMENT | {"DATABASE_URL": setup, "WORKERS": "2", "RATE_LIMITS": "off"}
    say("first start: migrations and the demo world")
    household = Household(environ)
    figures.plain["first page, new"] = household.started_in
    household.stop()
    say("second start, some visits, memory")
    household = Household(environ)
    try:
        figures.plain["first page"] = household.started_in
        for path in ("/", "/events", "/events/1"):
            load.throughput(load.page, household.port, [path], 0.7, CLIENT)
        figures.plain["memory"] = servers.memory(servers.family(household.process.pid))
        figures.plain["database memory"] = servers.memory(servers.family(_postmaster(url)))
    finally:
        household.stop()
    with _bare(bare) as web:
        figures.plain["floor first page"] = web.started_in
        load.throughput(load.page, web.port, ["/events/1"], 0.7, CLIENT)
        figures.plain["floor memory"] = servers.memory(servers.family(web.process.pid))


class Household(servers.Web):
    """`flask serve`: web server and worker, as `make run` starts them."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.port = servers._free_port()
        self.address = f"127.0.0.1:{self.port}"
        mine = {"PORT": str(self.port), "BASE_URL": f"http://{self.address}"}
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "serve"],
            cwd=servers.ROOT, env={**os.environ, **environ, **mine}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.started_in = self._wait_for("/", began)


def _postmaster(url: str) -> int:
    with psycopg.connect(url) as connection:
        folder = connection.execute("SHOW data_directory").fetchone()
    assert folder
    return int((Path(folder[0]) / "postmaster.pid").read_text().split()[0])


def _machine(url: str) -> str:
    with psycopg.connect(url) as connection:
        version = connection.info.server_version // 10000
    cores = os.cpu_count()
    pinned = "server side on one, clients on another" if SERVER != CLIENT else "not pinned"
    return f"{cores} cores ({pinned}), {platform.machine()}, Python {platform.python_version()}, PostgreSQL {version}"


def say(what: str) -> None:
    print(f"  … {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
