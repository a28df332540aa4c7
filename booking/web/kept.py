"""Pages kept in memory for as long as the data they were made from has not changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from flask import current_app

from booking import clock
from booking.queries.event_page import Stamp

_MOST = 512


class _Kept(NamedTuple):
    body: str
    stamp: Stamp


def kept_pages() -> KeptPages:
    """The pages this application keeps."""
    kept: KeptPages = current_app.extensions.setdefault("kept_pages", KeptPages())
    return kept


class KeptPages:
    """The last few hundred pages, each with the stamp of its data. Safe for threads; each process has its own."""

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[object, ...], stamp: Stamp, make: Callable[[], tuple[str, bool]]) -> str:
        """The page kept under a key if it was made from data of this stamp, else a new one.

        The stamp must be read before the page is made: data that changes in between then makes the kept page look
        old, never new. `make` says with the page whether it may be kept.
        """
        kept = self._pages.get(key)
        if kept and kept.stamp == stamp and not (stamp.changes_at and stamp.changes_at <= clock.now()):
            return kept.body
        body, lasting = make()
        if lasting:
            with self._lock:
                self._pages[key] = _Kept(body, stamp)
                self._pages.move_to_end(key)
                while len(self._pages) > _MOST:
                    self._pages.popitem(last=False)
        return body
