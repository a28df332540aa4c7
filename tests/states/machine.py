"""The machine: whatever people, hosts, heads and the clock may do to bookings, in any order, by the real verbs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import initialize, precondition, rule

from booking import clock
from booking.actions.answer_in_calendar import answer_in_calendar
from booking.actions.answer_offer import accept_offer, decline_offer
from booking.actions.approve_booking import approve_booking
from booking.actions.book_again import book_again
from booking.actions.book_places import book_places
from booking.actions.book_split import Part, book_split
from booking.actions.cancel_booking import cancel_booking
from booking.actions.cancel_slot import cancel_slot
from booking.actions.change_headcount import change_headcount
from booking.actions.change_wait import change_wait
from booking.actions.close_slot import close_slot
from booking.actions.confirm_booking import confirm_booking
from booking.actions.join_waiting_list import join_waiting_list
from booking.actions.move_booking import move_booking
from booking.actions.offer_by_hand import offer_by_hand
from booking.actions.refuse_booking import refuse_booking
from booking.actions.reopen_slot import reopen_slot
from booking.actions.set_capacity import set_capacity
from booking.actions.split_booking import split_booking
from booking.actions.write_pool import change_pool
from booking.db import db
from booking.models import Answer, Pool, Who
from booking.models.pool_words import pool_said
from tests.states.arena import CLASSES, NAMES, PEOPLE, party
from tests.states.history import BOOKER, HEAD, HOST, History

SLOT, NUMBER = st.integers(0, 6), st.integers(0, 30)
MOSTLY, LEAST = st.sampled_from([True, True, True, False]), st.sampled_from([None, 1, 2, 3, 4])
NAME, PUPILS, ADULTS = st.sampled_from(NAMES), st.integers(1, 9), st.sampled_from([2, 1])


def _in(*states: str, held_for: str | None = None) -> Callable[[Any], bool]:
    return lambda self: bool(self.those(*states, held_for=held_for))


class Histories(History):
    """Everything that may happen, for chance to choose from."""

    # What people do.

    @initialize(
        full=st.integers(0, 6), second=st.integers(0, 3), waiting=st.lists(st.tuples(NAME, PUPILS, LEAST), min_size=1, max_size=3)
    )
    def begin(self, full: int, second: int, waiting: list[tuple[str, int, int | None]]) -> None:
        """Most of what can go wrong begins where it is full: one slot is, another nearly, and some wait."""
        self.act(book_places, self.slot(full), party("5A", self.room(full, "5A") - 2 * (full < 2), 2), self.terms(True))
        self.act(book_places, self.slot(second), party("4B", 2, 2), self.terms(True))
        for name, pupils, least in waiting:
            self.wait(full, name, pupils, 1, least, True, True)

    def room(self, slot: int, name: str) -> int:
        """The places a party of this name finds on a slot."""
        audience = PEOPLE[name].value if name in PEOPLE else "college"
        return self.picture.free(self.slot(slot), audience)

    @rule(slot=SLOT, name=NAME, pupils=PUPILS, adults=ADULTS, least=LEAST, also=st.booleans(), proven=MOSTLY)
    def come(self, slot: int, name: str, pupils: int, adults: int, least: int | None, also: bool, proven: bool) -> None:
        """Book where there is room, and wait where there is none."""
        if self.room(slot, name) >= pupils:
            self.act(book_places, self.slot(slot), party(name, pupils, adults), self.terms(proven))
        else:
            self.wait(slot, name, pupils, adults, least, also, proven)

    @rule(slot=SLOT, name=NAME, pupils=PUPILS, adults=ADULTS, by=st.sampled_from(["itself", "its address alone", "the host"]))
    def book(self, slot: int, name: str, pupils: int, adults: int, by: str) -> None:
        terms = self.terms(by != "its address alone", HOST if by == "the host" else BOOKER)
        self.act(book_places, self.slot(slot), party(name, pupils, adults), terms)

    @rule(
        first=st.sampled_from([0, 1, 2, 3, 4]),
        name=st.sampled_from(list(CLASSES)),
        pupils=st.integers(2, 9),
        there=st.integers(1, 8),
        proven=st.booleans(),
    )
    def book_two_halves(self, first: int, name: str, pupils: int, there: int, proven: bool) -> None:
        second = first ^ 1
        there = min(there, pupils - 1)
        parts = [Part(self.slot(first), pupils - there, 1), Part(self.slot(second), there, 1)]
        self.act(book_split, party(name, pupils, 2), parts, self.terms(proven))

    @rule(slot=SLOT, name=NAME, pupils=PUPILS, adults=ADULTS, at_least=LEAST, also=st.booleans(), proven=MOSTLY)
    def wait(self, slot: int, name: str, pupils: int, adults: int, at_least: int | None, also: bool, proven: bool) -> None:
        """Ask to wait, a class with one more than fit where some would: else the answer is to book."""
        fitting = self.room(slot, name)
        name = "3B" if name in PEOPLE and fitting else name
        pupils = max(pupils, fitting + 1)
        fewest = at_least or 2 if pupils > 4 else at_least  # more than four some slots will never have
        others = [self.slot(one) for one in (slot ^ 1,) if also and slot < 6 and self.room(one, name) < pupils]
        self.act(join_waiting_list, self.slot(slot), party(name, pupils, adults), self.terms(proven), fewest, others)

    @precondition(_in("held", "waiting"))
    @rule(number=NUMBER)
    def confirm(self, number: int) -> None:
        self.act(confirm_booking, self.one(number, "held", "waiting").reference)

    @precondition(_in("held", "waiting", "confirmed"))
    @rule(number=NUMBER, by_host=st.booleans())
    def cancel(self, number: int, by_host: bool) -> None:
        booking = self.one(number, "held", "waiting", "confirmed")
        self.act(cancel_booking, booking.reference, HOST if by_host else BOOKER, only_frees=True)

    @precondition(_in("held", "waiting", "confirmed"))
    @rule(number=NUMBER, pupils=PUPILS, adults=ADULTS, by_host=st.booleans())
    def headcount(self, number: int, pupils: int, adults: int, by_host: bool) -> None:
        booking = self.one(number, "held", "waiting", "confirmed")
        who = HOST if by_host else BOOKER
        self.act(change_headcount, booking.reference, pupils, adults, who, only_frees=pupils <= booking.pupils)

    @precondition(_in("held", "confirmed"))
    @rule(number=NUMBER, to=NUMBER, by_host=st.booleans())
    def move(self, number: int, to: int, by_host: bool) -> None:
        booking = self.one(number, "held", "confirmed")
        self.act(move_booking, booking.reference, self.another(booking, to), HOST if by_host else BOOKER)

    @precondition(_in("held", "confirmed"))
    @rule(number=NUMBER, to=NUMBER, pupils=st.integers(1, 6))
    def split(self, number: int, to: int, pupils: int) -> None:
        booking = self.one(number, "held", "confirmed")
        self.act(split_booking, booking.reference, self.another(booking, to), min(pupils, booking.pupils - 1), 1)

    @precondition(_in("held", held_for="offer"))
    @rule(number=NUMBER)
    def accept(self, number: int) -> None:
        self.act(accept_offer, self.one(number, "held", held_for="offer").reference)

    @precondition(_in("held", held_for="offer"))
    @rule(number=NUMBER, stay=st.booleans())
    def decline(self, number: int, stay: bool) -> None:
        self.act(decline_offer, self.one(number, "held", held_for="offer").reference, stay=stay, only_frees=True)

    @precondition(_in("waiting"))
    @rule(number=NUMBER, at_least=LEAST, slots=st.sets(st.integers(0, 1), min_size=1))
    def change_the_wait(self, number: int, at_least: int | None, slots: set[int]) -> None:
        booking = self.one(number, "waiting")
        mine = self.arena.events[booking.slot_id]
        of_event = [slot for slot, event in self.arena.events.items() if event == mine]
        self.act(change_wait, booking.reference, at_least, {of_event[slot % len(of_event)] for slot in slots})

    # What hosts and heads do.

    @precondition(_in("held", held_for="host"))
    @rule(number=NUMBER, yes=st.booleans())
    def host_answers(self, number: int, yes: bool) -> None:
        self._answer(self.one(number, "held", held_for="host"), HOST, yes)

    @precondition(_in("held", held_for="head"))
    @rule(number=NUMBER, yes=st.booleans())
    def head_answers(self, number: int, yes: bool) -> None:
        self._answer(self.one(number, "held", held_for="head"), HEAD, yes)

    def _answer(self, booking: Any, who: Who, yes: bool) -> None:
        if yes:
            self.act(approve_booking, booking.reference, who)
        else:
            self.act(refuse_booking, booking.reference, who, "Pas cette année.", only_frees=True)

    @rule(slot=SLOT, capacity=st.integers(1, 14))
    def capacity(self, slot: int, capacity: int) -> None:
        self.act(set_capacity, self.slot(slot), {"capacity": str(capacity)}, HOST, only_frees=True)

    @precondition(_in("waiting"))
    @rule(number=NUMBER, to=NUMBER, pupils=PUPILS)
    def offer_one_by_hand(self, number: int, to: int, pupils: int) -> None:
        booking = self.one(number, "waiting")
        slots = booking.wanted_slots
        self.act(offer_by_hand, booking.reference, slots[to % len(slots)], str(pupils), HOST)

    @rule(slot=SLOT, what=st.sampled_from([close_slot, close_slot, None, None, None, cancel_slot]))
    def end_bookings(self, slot: int, what: Any) -> None:
        """Close a slot, or cancel it; seldom, for little happens afterwards."""
        if what is None:
            return
        said = ("Brume.",) if what is cancel_slot else ()
        self.act(what, self.slot(slot), *said, HOST, only_frees=True)

    @rule(slot=SLOT, hours=st.sampled_from([1, 3, 30]))
    def reopen(self, slot: int, hours: int) -> None:
        until = self.picture.slots[self.slot(slot)].starts_at - timedelta(hours=hours)
        wall = clock.in_paris(until).strftime("%Y-%m-%dT%H:%M")
        self.act(reopen_slot, self.slot(slot), {"closes_at": wall}, HOST, only_frees=True)

    @rule(capacity=st.none() | st.integers(1, 8), opens=st.sampled_from(["as it is", "now", "in a day", "never"]))
    def change_the_press(self, capacity: int | None, opens: str) -> None:
        """Make the reserved pool larger or smaller, release it, or keep it for the press."""
        pool = db.session.get_one(Pool, self.arena.press)
        drawing = [slot for slot, pools in self.picture.drawn.items() if pool.id in pools]
        said = pool_said(pool, drawing)
        words = {name: value for name, value in said.items() if name != "seen"}
        at = {"now": self.moment, "in a day": self.moment + timedelta(days=1), "never": None}
        if opens in at:
            words["opens_at"] = clock.in_paris(at[opens]).strftime("%Y-%m-%dT%H:%M") if at[opens] else ""  # type: ignore[arg-type]
        if capacity is not None:
            words["capacity"] = str(capacity)
        event, seen = pool.event_id, str(said["seen"])
        db.session.remove()
        if words == {name: value for name, value in said.items() if name != "seen"}:
            return
        self.act(change_pool, event, self.arena.press, words, seen, HOST, only_frees=True)

    # What calendars answer.

    @rule(
        number=NUMBER,
        answer=st.sampled_from([Answer.DECLINED, Answer.DECLINED, Answer.ACCEPTED, Answer.TENTATIVE, None]),
        believed=MOSTLY,
        older=st.sampled_from([False, False, True]),
    )
    def answer(self, number: int, answer: Answer | None, believed: bool, older: bool) -> None:
        """An answer from a booker's calendar, sometimes one nobody vouches for, or to an invitation that has changed since."""
        invited = [*self.those("confirmed"), *self.declined()]
        if not invited:
            return
        booking = invited[number % len(invited)]
        self.keys += 1
        stamp, sequence = self.moment + timedelta(seconds=self.keys), max(0, booking.sequence - older)
        frees = answer is not Answer.ACCEPTED
        self.act(answer_in_calendar, booking.uid, booking.email, answer, sequence, stamp, believed=believed, only_frees=frees)

    @precondition(lambda self: bool(self.declined()))
    @rule(number=NUMBER)
    def take_a_no_back(self, number: int) -> None:
        found = self.declined()
        self.act(book_again, found[number % len(found)].reference)

    def declined(self) -> list[Any]:
        """The bookings somebody said No to in the calendar."""
        return [one for one in self.those("cancelled") if one.ended_by == "calendar"]

    # What time does.

    @rule(
        passes=st.sampled_from([timedelta(minutes=5), timedelta(hours=1), timedelta(hours=9), timedelta(days=1), timedelta(days=2, hours=5)]),
        worker=st.sampled_from([True, True, False]),
    )  # fmt: skip
    def time(self, passes: timedelta, worker: bool) -> None:
        self.pass_until(self.moment + passes)
        if worker:
            self.round()

    @rule()
    def work_once(self) -> None:
        self.round()
