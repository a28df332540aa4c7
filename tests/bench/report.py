"""The table at the end: ratios first, because absolute figures drift by half on a shared machine."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.__main__ import Figures


def text(figures: Figures, customers: int, places: int) -> str:
    """Everything measured, as people read it."""
    return "\n\n".join(
        [
            f"Machine: {figures.plain['machine']}",
            _targets(figures, places),
            _speeds(figures),
            _rushes(figures, customers, places),
            f"Took {figures.plain['took']:.0f} s.",
        ]
    )


def _targets(figures: Figures, places: int) -> str:
    speed, plain = figures.median, figures.plain
    floor_order, floor_page = speed("floor order").per_second, speed("floor page").per_second
    rush = _seconds(figures, "rush") / _seconds(figures, "floor rush")
    sold = {outcome["sold"] for name, runs in figures.rushes.items() if "floor" not in name for outcome, _ in runs}
    counts = plain["statements"]
    whole = sum(counts[name] for name in ("form", "order", "booking page"))
    memory = plain["memory"][1] + plain["database memory"][1]
    rows = [
        ("whole order / bare floor", f"{speed('order').per_second / floor_order:.2f}", "≥ 0.5"),
        ("one API call / floor's whole order", f"{speed('API').per_second / floor_order:.2f}", ""),
        ("event page / floor's page with one SELECT", f"{speed('event page').per_second / floor_page:.2f}", "≥ 0.4"),
        ("event page made anew / floor's page", f"{speed('event page anew').per_second / floor_page:.2f}", ""),
        ("whole order / pgbench, hot slot", f"{speed('order').per_second / speed('pgbench hot').per_second:.3f}", ""),
        ("whole order / pgbench, 200 slots", f"{speed('order').per_second / speed('pgbench 200').per_second:.3f}", ""),
        ("statements of a whole order", f"{whole} ({counts['form']} + {counts['order']} + {counts['booking page']})", "≤ 12"),
        ("statements of an API call", str(counts["API"]), ""),
        ("statements of the event page (made anew)", f"{counts['event page']} ({counts['event page made anew']})", ""),
        ("rush: time / floor's time", f"{rush:.1f}", "≤ 5"),
        (f"rush: places sold of {places}", ", ".join(map(str, sorted(sold))), f"= {places}"),
        ("memory of everything, MB", f"{memory:.0f}", "≤ 250"),
        ("first page after the start, s", f"{plain['first page']:.1f}", "≤ 2"),
    ]
    rows += [(f"freeing places, 10,000 waiting / 10: {what}", f"{ratio:.2f}", "≤ 2") for what, ratio in plain["queues"].items()]
    return _table(("ratio or count", "measured", "wanted"), rows)


def _speeds(figures: Figures) -> str:
    names = {
        "floor page": "floor: page with one SELECT",
        "event page": "event page",
        "event page anew": "event page, made anew each time",
        "floor order": "floor: whole order (3 requests)",
        "order": "whole order (3 requests)",
        "API": "order through the API (1 request)",
        "pgbench hot": "pgbench: the transaction alone, hot slot",
        "pgbench 200": "pgbench: the transaction alone, 200 slots",
    }
    rows = []
    for name, title in names.items():
        speed = figures.median(name)
        p95 = f"{speed.p95 * 1000:.1f}" if speed.p95 else ""
        rows.append((title, f"{speed.per_second:.0f}", f"{speed.p50 * 1000:.1f}", p95))
    return _table(("8 clients without pause, medians of the rounds", "per second", "p50 ms", "p95 ms"), rows)


def _rushes(figures: Figures, customers: int, places: int) -> str:
    rows = []
    for name, runs in figures.rushes.items():
        ends = {word: number for outcome, _ in runs[-1:] for word, number in outcome.items() if word != "sold"}
        rows.append(
            (name, f"{_seconds(figures, name):.2f}", ", ".join(f"{number} {word}" for word, number in sorted(ends.items())))
        )
    plain = figures.plain
    weights = [
        ("web server and worker", plain["memory"]),
        ("PostgreSQL", plain["database memory"]),
        ("floor's web server", plain["floor memory"]),
    ]
    memory = [(name, f"{pss:.0f}", f"{rss:.0f}") for name, (rss, pss) in weights]
    first = [
        ("floor", f"{plain['floor first page']:.2f}"),
        ("product", f"{plain['first page']:.2f}"),
        ("product, very first start: migrations and demo world", f"{plain['first page, new']:.2f}"),
    ]
    return "\n\n".join(
        [
            _table((f"rush: {customers} customers for {places} places", "seconds until all are answered", "last round"), rows),
            _table(("memory in MB", "its own share (PSS)", "resident sizes added up"), memory),
            _table(("first page after the start", "seconds"), first),
        ]
    )


def _seconds(figures: Figures, name: str) -> float:
    return statistics.median(seconds for _, seconds in figures.rushes[name])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
