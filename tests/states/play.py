"""Play histories: so many, so long, the same ones every time or others by a seed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.states.arena import Arena
from tests.states.machine import Histories


def play(
    arena: Arena, *, histories: int, steps: int, seed: int | None = None, examine_each_step: bool = False, shrink: bool = True
) -> Counter[str]:
    """Let chance play histories and stop at the first that breaks a rule; says how often each step was done or refused.

    Without a `seed` they are the same every time. A failing history is printed step by step, for `replay`.
    """
    counts = Counter[str]()

    class Here(Histories):
        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                counts.update(self.counts)

    Here.arena, Here.examine_each_step = arena, examine_each_step
    machine: Any = Here if seed is None else hypothesis.seed(seed)(Here)
    phases = (Phase.explicit, Phase.generate, Phase.shrink) if shrink else (Phase.explicit, Phase.generate)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories, stateful_step_count=steps, derandomize=seed is None, database=None, deadline=None,
            print_blob=True, phases=phases, report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return counts


def replay(arena: Arena, *steps: tuple[str, dict[str, Any]]) -> None:
    """Play one history as it was printed: names of steps with what chance gave them. It ends as every history does."""

    class Here(Histories):
        pass

    Here.arena, Here.examine_each_step = arena, True
    history = Here()
    try:
        for name, given in steps:
            getattr(history, name)(**given)
    finally:
        history.teardown()
