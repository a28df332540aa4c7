"""Who has booked in the demo world. They book through the same verb as everybody, so that every counter is true."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import select, update

from booking import clock
from booking.actions.approve_booking import approve_booking
from booking.actions.book_places import Terms, book_places
from booking.actions.cancel_booking import cancel_booking
from booking.actions.change_headcount import change_headcount
from booking.actions.host_entries import next_said
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.limits import Limiter
from booking.db import db
from booking.models import Actor, Delivery, HeldFor, HostEntry, Message, Party, Slot, Who
from booking.models.party import AUDIENCE_OF_LEVEL, SCHOOL
from booking.queries.host_slots import expected_on, true_of

_HELD_FOR = timedelta(hours=26)
_NO_LIMIT = Limiter(secret="", network="", on=False)
_HOST = Who(Actor.HOST)
_SCHOOL_OF_HEAD, _UAI_OF_HEAD = "Collège des Mariniers", "0929999U"
"""The school whose head is asked; it is registered with a mailbox that leads nowhere."""
_SCHOOLS = {"college": "Collège", "lycee": "Lycée", "apprentice": "CFA"}


class Parties:
    """Books for made-up classes and persons, each under a name and an `.example` address of its own."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._booked: list[int] = []
        self._leaving: list[str] = []

    def book(self, slot: Slot, plans: Iterable[Mapping[str, Any]]) -> None:
        """Book what a slot's plan lists: a class (level, pupils, adults) or a number of persons of one audience.

        `then` says what became of it: held (for its address), asks (held for the host), head (held for the school's head),
        cancelled, leaves (cancelled once others wait), or the headcount it was changed to.
        """
        for plan in plans:
            for _ in range(plan.get("persons", 1)):
                n = next(self._numbers)
                self._book_one(slot, n, _class(plan, n) if "level" in plan else _person(plan, n), plan.get("then"))

    def _book_one(self, slot: Slot, n: int, party: Party, then: Any) -> None:
        if then == "head":
            party = replace(party, school_name=_SCHOOL_OF_HEAD, school_uai=_UAI_OF_HEAD, head_asked=True)
        booking = book_places(slot.id, party, self._terms(slot, n, proven=then != "held"))
        if booking.held_for is HeldFor.HOST and then != "asks":
            approve_booking(booking.reference, _HOST)
        elif then == "cancelled":
            cancel_booking(booking.reference)
        elif then == "leaves":
            self._leaving.append(booking.reference)
        elif isinstance(then, Mapping):
            change_headcount(booking.reference, then["pupils"], then["adults"])
        self._booked.append(booking.id)

    def wait(self, slot: Slot, plans: Iterable[Mapping[str, Any]]) -> None:
        """Let classes wait for a full slot, in the order its plan lists them."""
        for plan in plans:
            n = next(self._numbers)
            terms = self._terms(slot, n, proven=True)
            self._booked.append(join_waiting_list(slot.id, _class(plan, n), terms, plan.get("at_least")).id)

    def leave(self) -> None:
        """Let those leave who do once others wait: what they held is offered on."""
        for reference in self._leaving:
            cancel_booking(reference)

    def _terms(self, slot: Slot, n: int, *, proven: bool) -> Terms:
        return Terms(key=f"demo-{slot.key}-{n}", locale="fr", limiter=_NO_LIMIT, proven=proven, hold_for=_HELD_FOR)

    @property
    def count(self) -> int:
        return len(self._booked)

    def silence(self) -> None:
        """Mark the mails these bookings queued as sent, without content: their addresses lead nowhere.

        The rows stay, because a booking without its message would be a broken promise; no SMTP server is troubled. Hosts have
        heard of these bookings, too, and the next mail about a slot says what has changed since.
        """
        now = clock.now()
        db.session.flush()
        unsent = Message.booking_id.in_(self._booked), Message.delivery == Delivery.QUEUED
        db.session.execute(
            update(Message).where(*unsent).values(delivery=Delivery.SENT, sent_at=now),
            execution_options={"synchronize_session": False},
        )
        for entry in db.session.scalars(select(HostEntry).where(HostEntry.due_at.is_not(None))):
            next_said(entry, true_of(entry.slot, expected_on(entry.slot_id)), now)


def _class(plan: Mapping[str, Any], n: int) -> Party:
    level = plan["level"]
    kind = _SCHOOLS.get(AUDIENCE_OF_LEVEL.get(level, "lycee"), "Lycée")
    letter = string.ascii_uppercase[n % 26]
    return Party(
        audience=SCHOOL,
        email=f"classe-{n}@ecole-{letter.lower()}.example",
        name=f"Enseignante de démonstration {n}",
        school_name=f"{kind} de démonstration {letter}",
        commune="Hauts-de-Seine",
        level=level,
        label=f"{level} {n}",
        pupils=plan["pupils"],
        adults=plan["adults"],
    )


def _person(plan: Mapping[str, Any], n: int) -> Party:
    name = f"Personne de démonstration {n}"
    return Party(audience=plan["audience"], email=f"personne-{n}@demo.example", name=name, old_enough=True)
