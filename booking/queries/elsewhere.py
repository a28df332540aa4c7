"""Where there is still room for somebody whose visit was cancelled or moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from booking.models import Booking, Party, Slot
from booking.models.party import SCHOOL
from booking.queries import catalogue, fetch

MOST_ELSEWHERE = 3
_LOOKED_THROUGH = 9


class Offers:
    """Other slots for the parties of one slot. Parties that are alike are looked for once."""

    def __init__(self, slot: Slot, now: datetime) -> None:
        self.slot, self.now = slot, now
        self._found: dict[tuple[str, str, int, int], list[Slot]] = {}

    def for_booking(self, booking: Booking) -> list[Slot]:
        """Up to three slots its party could book at this moment: those of the same event first, then of similar ones."""
        alike = (booking.audience, booking.level, booking.pupils, booking.adults)
        if alike not in self._found:
            party = Party(alike[0], email="", name="", level=alike[1], pupils=alike[2], adults=alike[3])
            fitting = (other for other in self._others(party) if other.refusal_for(party, self.now) is None)
            self._found[alike] = list(islice(fitting, MOST_ELSEWHERE))
        return self._found[alike]

    def _others(self, party: Party) -> Iterator[Slot]:
        places = party.pupils if party.audience == SCHOOL else 1
        if self.slot.event.is_public:
            yield from (other for other in fetch.open_slots_of(self.slot.event_id, places) if other.id != self.slot.id)
        for found in catalogue.similar(self.slot.event, places, limit=_LOOKED_THROUGH):
            if found.next_slot:
                yield found.next_slot
