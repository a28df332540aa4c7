"""What one step may do: refused it changes nothing; done it leaves a history, the mails it owes, and nobody overtaken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import func, select

from booking.db import db
from booking.models import HistoryEntry, Message
from tests.states.picture import FINAL, LIVE, Pair, Picture

_PEOPLE = {"booker", "host"}
STEPS: dict[tuple[str | None, str], set[str]] = {
    (None, "held"): _PEOPLE,
    (None, "waiting"): _PEOPLE,
    (None, "confirmed"): _PEOPLE,
    ("waiting", "held"): {"rule", "host"},
    ("waiting", "cancelled"): _PEOPLE,
    ("waiting", "expired"): {"clock"},
    ("held", "waiting"): _PEOPLE,
    ("held", "confirmed"): _PEOPLE | {"head"},
    ("held", "cancelled"): _PEOPLE,
    ("held", "refused"): {"host", "head"},
    ("held", "expired"): {"clock"},
    ("confirmed", "cancelled"): _PEOPLE | {"calendar"},
    ("cancelled", "confirmed"): {"booker", "calendar"},
}
"""Who may lead a booking from where to where."""
_OWED_BY_STEP = {
    ("held", "confirmed"): "booking_confirmed",
    (None, "confirmed"): "booking_confirmed",
    ("confirmed", "cancelled"): "booking_cancelled",
    ("cancelled", "confirmed"): "booking_confirmed",
    ("held", "expired"): "booking_expired",
    ("held", "refused"): "booking_refused",
    ("waiting", "expired"): "waiting_ended",
}
_OWED_BY_ACTION = {
    "queued": {"waiting": "waiting_joined"},
    "offered": {"held": "places_offered"},
    "headcount_changed": {"confirmed": "booking_changed"},
    "changed_slot": {"confirmed": "booking_rescheduled"},
    "declined": {"cancelled": "booking_declined"},
    "answer_doubted": {"confirmed": "reply_unsure", "cancelled": "reply_unsure"},
}
_OWED_BY_QUESTION = {"email": ["booking_to_prove"], "head": ["head_asked", "booking_pending"], "host": ["booking_pending"]}

_h, _m = HistoryEntry.__table__.c, Message.__table__.c
_LINES = select(
    _h.id, _h.booking_id, _h.actor, _h.action, _h.status_before, _h.status_after, _h.places_after, _h.details
).order_by(_h.id)  # fmt: skip
_MAILS = select(_m.id, _m.booking_id, _m.kind, _m.sequence, _m.copy).order_by(_m.id)


class Judge:
    """Reads what was written since it looked last, and says what is wrong with it."""

    def __init__(self) -> None:
        with db.engine.connect() as connection:
            self._line = connection.scalar(select(func.max(_h.id))) or 0
            self._mail = connection.scalar(select(func.max(_m.id))) or 0
        self.by_time: set[Pair] = set()
        """Who could be offered what time alone has freed, since then and until the worker has come round."""

    def of_refusal(self, before: Picture, after: Picture) -> Iterator[str]:
        """A step that was refused has changed nothing and written nothing."""
        lines, mails = self._written()
        if not before.same_places(after) or lines or mails:
            yield f"it was refused, and something changed: {lines}, {mails}"

    def of_step(self, before: Picture, after: Picture, *, only_frees: bool) -> Iterator[str]:
        """A step that was done. `only_frees`: whatever it takes, it takes for an offer."""
        lines, mails = self._written()
        yield from after.faults()
        yield from self._faults_of_history(before, after, lines)
        yield from self._faults_of_mails(after, lines, mails)
        yield from self._faults_of_offers(before, after, only_frees=only_frees)
        for booking_id, was in before.bookings.items():
            if was.rank is not None and after.bookings[booking_id].rank != was.rank:
                yield f"{was.reference} lost its rank {was.rank}"
        waits = after.fitting()
        self.by_time &= waits
        for booking_id, slot_id in sorted(waits - self.by_time):
            yield f"{after.bookings[booking_id].reference} waits beside free places on slot {slot_id}"

    def let_time_pass(self, after: Picture) -> None:
        """Only the clock has moved: who now could be offered something must be when the worker comes round."""
        self.by_time = after.fitting()

    def _written(self) -> tuple[list[Any], list[Any]]:
        with db.engine.connect() as connection:
            lines = list(connection.execute(_LINES.where(_h.id > self._line, _h.booking_id.is_not(None))))
            mails = list(connection.execute(_MAILS.where(_m.id > self._mail, _m.booking_id.is_not(None))))
        self._line = max([self._line, *(line.id for line in lines)])
        self._mail = max([self._mail, *(mail.id for mail in mails)])
        return lines, mails

    def _faults_of_history(self, before: Picture, after: Picture, lines: list[Any]) -> Iterator[str]:
        of_booking = defaultdict(list)
        for line in lines:
            of_booking[line.booking_id].append(line)
        for booking_id, booking in after.bookings.items():
            was = before.bookings.get(booking_id)
            reached, places = (was.status, was.places if was.status in LIVE else 0) if was else (None, 0)
            for line in of_booking[booking_id]:
                stays = line.status_after == reached
                if line.status_before != reached or not (stays or line.actor in STEPS.get((reached, line.status_after), set())):
                    yield f"{booking.reference}: {line.actor} may not lead it from {reached} by {line}"
                declined = was is not None and (was.status, was.ended_by) == ("cancelled", "calendar")
                if reached in FINAL and not stays and not (line.action == "booked_again" and declined):
                    yield f"{booking.reference} left the final state {reached}"
                reached, places = line.status_after, line.places_after
            if (reached, places) != (booking.status, booking.places if booking.status in LIVE else 0):
                yield f"{booking.reference} is {booking.status} with {booking.places} places, its history says {reached}, {places}"

    @staticmethod
    def _faults_of_mails(after: Picture, lines: list[Any], mails: list[Any]) -> Iterator[str]:
        owed = Counter[tuple[int, str]]()
        for line in lines:
            kinds: list[str | None] = _OWED_BY_QUESTION.get((line.details or {}).get("asks"), [])
            if not kinds and line.action != "declined":  # its calendar knows: no CANCEL
                kinds = [_OWED_BY_STEP.get((line.status_before, line.status_after))]
            kinds = [*kinds, _OWED_BY_ACTION.get(line.action, {}).get(line.status_after)]
            owed.update((line.booking_id, kind) for kind in kinds if kind)
        sent = Counter[tuple[int, str]]((mail.booking_id, str(mail.kind.value)) for mail in mails)
        for (booking_id, kind), number in owed.items():
            if sent[booking_id, kind] != number:
                yield f"{after.bookings[booking_id].reference} is owed {number} {kind} and got {sent[booking_id, kind]}"
        told_of = {line.booking_id for line in lines}
        for mail in mails:
            if mail.booking_id not in told_of:
                yield f"{after.bookings[mail.booking_id].reference} was told {mail.kind} of nothing"

    def _faults_of_offers(self, before: Picture, after: Picture, *, only_frees: bool) -> Iterator[str]:
        for number, offer in before.offers.items():
            if offer.outcome != "open" and after.offers[number] != offer:
                yield f"offer {number} was {offer.outcome} and is {after.offers[number].outcome}"
        made = [offer for number, offer in after.offers.items() if number not in before.offers and offer.made_by == "rule"]
        if not made or not only_frees or any(_status(before, offer) != "waiting" for offer in made):
            return
        for n, offer in enumerate(made):
            then = _as_it_was(before, after, {one.booking_id for one in made[n:]})
            turn = _turn(then, offer.booking_id)
            overtaken = [pair for pair in then.fitting() - self.by_time if _turn(then, pair[0]) < turn]
            if overtaken:
                yield f"offer {offer.id} overtook {[(then.bookings[one].reference, slot) for one, slot in overtaken]}"
            if not then.fits(offer.booking_id, offer.slot_id):
                yield f"offer {offer.id} was made to somebody who does not fit"


def _status(before: Picture, offer: Any) -> str | None:
    booking = before.bookings.get(offer.booking_id)
    return booking.status if booking else None


def _turn(picture: Picture, booking_id: int) -> Pair:
    return picture.bookings[booking_id].rank, booking_id


def _as_it_was(before: Picture, after: Picture, offered: set[int]) -> Picture:
    """The moment before these were offered what they were: they still wait, and their places are still free."""
    pools = dict(after.pools)
    for booking_id in offered:
        for pool_id, places in after.holdings[booking_id].items():
            pools[pool_id] = SimpleNamespace(**vars(pools[pool_id]) | {"taken": pools[pool_id].taken - places})
    return replace(
        after,
        pools=pools,
        bookings=after.bookings | {booking_id: before.bookings[booking_id] for booking_id in offered},
        holdings={number: held for number, held in after.holdings.items() if number not in offered},
        waits=after.waits | {pair: wait for pair, wait in before.waits.items() if pair[0] in offered},
    )
