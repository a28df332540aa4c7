"""Each of the 25 rules of a right invitation has at least one test that names it."""

from __future__ import annotations

import re

from booking.config import ROOT

RULES = range(1, 26)


def test_every_rule_is_tested_by_name() -> None:
    named: set[int] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for numbers in re.findall(r"def test_rules?_((?:\d+_)+)", path.read_text()):
            named |= {int(number) for number in numbers.split("_") if number}
    assert set(RULES) - named == set()
