"""Fixtures of the races: an empty database of each kind with a visit to race for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.race import site

Prepare = Callable[[dict[str, int], list[list[str]]], list[int]]


@pytest.fixture
def prepare(database_url: str) -> Iterator[Prepare]:
    """Builds pools and slots on `database_url`, in an application context that lasts as long as the test."""
    with site.opened(database_url):
        yield site.build


@pytest.fixture
def visit(prepare: Prepare) -> int:
    """The visit with 31 places, and not one more."""
    return prepare({"visit": 31}, [["visit"]])[0]
