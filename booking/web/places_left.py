"""How many places somebody finds who fills in a form: what is left differs with who they are, where some places are reserved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from booking import clock
from booking.models import Places, Pool, Slot
from booking.models.event import SCHOOL_AUDIENCES, Audience
from booking.models.party import LEVELS, SCHOOL, comes_as
from booking.models.pool import Reserved, places_in, reserved_in
from booking.web.templating import gettext, ngettext


@dataclass(frozen=True)
class PlacesLeft:
    """The places left for each answer to « who are you »: an audience, or the level of a class."""

    everybody: Places
    reserved: list[Reserved]
    of: Mapping[str, Places]

    @property
    def differ(self) -> bool:
        """Whether it matters who one is."""
        return len({places.remaining for places in self.of.values()}) > 1

    @property
    def gauge(self) -> tuple[Places, list[Reserved]]:
        """What the gauge shows: the visitor's places, or where these differ, everybody's with those of some beside."""
        if self.differ or not self.of:
            return self.everybody, self.reserved
        return next(iter(self.of.values())), []

    @property
    def most(self) -> int:
        """The most places any answer finds: with none the form asks nothing."""
        return max((places.remaining for places in self.of.values()), default=0)

    @property
    def said(self) -> str:
        """« 31 places libres », as a hint beside a number."""
        if not self.differ:
            return _free(self.gauge[0].remaining)
        return gettext("De %(fewest)s à %(most)s places libres, selon le niveau") % {"fewest": self._fewest, "most": self.most}

    def beside(self, word: str) -> str:
        """What stands beside one answer in a list: nothing where it is the same for all."""
        left = self.of.get(word)
        if left is None or not self.differ:
            return ""
        return f" ({_free(left.remaining) if left.remaining else gettext('complet')})"

    @property
    def _fewest(self) -> int:
        return min(places.remaining for places in self.of.values())


def places_left(
    pools: Iterable[Pool], audiences: Iterable[str], levels: Iterable[str], now: datetime, *, alone: bool
) -> PlacesLeft:
    """What a slot with these pools has left at an event for these audiences and levels: for persons, or for classes."""
    pools, admitted = list(pools), list(audiences)
    if alone:
        whom = {word: frozenset({word}) for word in admitted if Audience(word) not in SCHOOL_AUDIENCES}
    else:
        whom = {level: _of_level(level, admitted) for level in tuple(levels) or LEVELS}
        whom = {level: words for level, words in whom.items() if words}
    of = {word: places_in(pools, words, now) for word, words in whom.items()}
    return PlacesLeft(places_in(pools, frozenset(), now), reserved_in(pools, now), of)


def places_left_on(slot: Slot, *, alone: bool) -> PlacesLeft:
    """The same for a slot that is loaded with its event and pools, at this moment."""
    return places_left(slot.pools, slot.event.audiences, slot.event.levels, clock.now(), alone=alone)


def _of_level(level: str, admitted: list[str]) -> frozenset[str]:
    """As what a class of this level comes; nothing where the event does not admit it."""
    words = comes_as(SCHOOL, level)
    return words if words & set(admitted) else frozenset()


def _free(places: int) -> str:
    return ngettext("%(num)s place libre", "%(num)s places libres", places) % {"num": places}
