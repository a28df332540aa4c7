"""One history: a step by the real verbs, everything asked of it, the worker's rounds, and the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from booking import clock
from booking.actions.booking_request import Terms
from booking.actions.expire_holds import due_holds, expire_hold
from booking.actions.limits import Limiter
from booking.actions.remind_heads import due_reminders, remind_head
from booking.actions.sweep_waiting import due_pools, offer_what_is_free, open_pool, slots_to_look_at
from booking.actions.waiting_ends import due_waits, end_wait
from booking.db import db, in_transaction
from booking.errors import Refusal
from booking.models import Actor, Who
from booking.queries import doctor
from tests.states.arena import BEGINS, ENDS, Arena
from tests.states.judge import Judge
from tests.states.picture import Picture

_NO_LIMIT = Limiter(secret="s", network="127.0.0.1", on=False)
HOST, HEAD, BOOKER = Who(Actor.HOST), Who(Actor.HEAD), Who(Actor.BOOKER)
_ROUNDS = 8


class Fault(AssertionError):
    """A rule of the house was broken; the message says how."""


class History(RuleBasedStateMachine):
    """One history, from an empty world to the evening after the last visit."""

    arena: Arena
    examine_each_step = False

    def __init__(self) -> None:
        super().__init__()
        self.arena.renew()
        self.moment = BEGINS
        self._undo = ExitStack()
        self._undo.enter_context(clock.clock_at(lambda: self.moment))
        self.picture, self.judge = Picture.taken(self.moment), Judge()
        self.keys, self.broken = 0, False
        self.counts: dict[str, int] = {}
        self.class_sizes: dict[str, tuple[int, int]] = {}

    # What chance may choose from.

    def those(self, *states: str, held_for: str | None = None) -> list[Any]:
        """The bookings in these states, in the order they were made."""
        of_states = [booking for _, booking in sorted(self.picture.bookings.items()) if booking.status in states]
        return [booking for booking in of_states if held_for is None or booking.held_for == held_for]

    def one(self, number: int, *states: str, held_for: str | None = None) -> Any:
        """One of them, by chance's number."""
        found = self.those(*states, held_for=held_for)
        return found[number % len(found)]

    def slot(self, number: int) -> int:
        """The number of a slot in the tables."""
        return self.arena.slots[number]

    def another(self, booking: Any, number: int) -> int:
        """A slot of the same event, or of any where it has no other."""
        mine = self.arena.events[booking.slot_id]
        others = [slot for slot, event in self.arena.events.items() if event == mine and slot != booking.slot_id]
        return others[number % len(others)] if others else self.slot(number % len(self.arena.slots))

    def terms(self, proven: bool, who: Who = BOOKER) -> Terms:
        """A request of its own."""
        self.keys += 1
        return Terms(key=f"k{self.keys}", locale="fr", limiter=_NO_LIMIT, proven=proven, who=who)

    # A step, and what is asked of it.

    def act(self, verb: Callable[..., Any], *args: Any, only_frees: bool = False, **more: Any) -> bool:
        """Let one verb run in its transaction, and hold what has become of the world against the rules. Says whether it was done."""
        before, refused = self.picture, None
        try:
            in_transaction(lambda: verb(*args, **more))
        except Refusal as refusal:
            refused = refusal
        except BaseException:
            self.broken = True
            raise
        finally:
            db.session.remove()
        self.picture = Picture.taken(self.moment)
        judged = self.judge.of_refusal if refused else self.judge.of_step
        found = judged(before, self.picture) if refused else self.judge.of_step(before, self.picture, only_frees=only_frees)
        self.complain(verb.__name__, list(found))
        if self.examine_each_step:
            self.ask_the_doctor(verb.__name__)
        name = verb.__name__ + (f" – {refused.code}" if refused else "")
        self.counts[name] = self.counts.get(name, 0) + 1
        return refused is None

    def complain(self, what: str, faults: list[str]) -> None:
        """Stop here if anything is wrong."""
        if faults:
            self.broken = True
            raise Fault(f"{what}: " + "; ".join(faults))

    def ask_the_doctor(self, what: str) -> None:
        """Every rule of `flask doctor`."""
        doctor.open_snapshot()
        found = [f"{finding.rule.name}: {finding.broken}" for finding in doctor.examine() if finding.broken]
        db.session.remove()
        self.complain(what, found)

    # What time does.

    def pass_until(self, moment: datetime) -> None:
        """Let the clock stand later."""
        self.moment = moment
        self.picture = Picture.taken(self.moment)
        self.judge.let_time_pass(self.picture)

    def round(self) -> int:
        done = 0
        for due, verb in (
            (due_holds, expire_hold), (due_pools, open_pool), (slots_to_look_at, offer_what_is_free), (due_waits, end_wait),
            (due_reminders, remind_head),
        ):  # fmt: skip
            things = due()
            db.session.remove()
            for thing in things:  # type: ignore[attr-defined]
                before = self.picture
                self.act(verb, thing, only_frees=True)
                done += not before.same_places(self.picture)
        return done

    def teardown(self) -> None:
        try:
            if not self.broken:
                self.end()
        finally:
            self._undo.close()
            db.session.remove()

    def end(self) -> None:
        """With faults off the worker comes round: nobody who fits waits beside free places; and at last nobody waits at all."""
        self.work_until_done()
        left = [(self.picture.bookings[booking].reference, slot) for booking, slot in self.picture.fitting()]
        self.complain("the end", [f"{reference} waits beside free places on slot {slot}" for reference, slot in left])
        self.ask_the_doctor("the end")
        self.pass_until(ENDS)
        self.work_until_done()
        self.complain("the evening after", [f"{one.reference} is {one.status}" for one in self.those("held", "waiting")])
        if self.examine_each_step:
            self.ask_the_doctor("the evening after")

    def work_until_done(self) -> None:
        for _ in range(_ROUNDS):
            if not self.round():
                return
        self.complain("the worker", ["never comes to an end"])
