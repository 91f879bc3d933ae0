"""A frozen snapshot of an experiment's trials: all that a searcher or a stopping rule may know.

It is read from the store once, at a revision, and handed on as a value. A searcher that is given the same history
proposes the same configurations, which is what makes resume a query and replay possible. Arrays are made on first
use, so that algorithms that do not look back (grid, random, Sobol) never pay for numpy.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from luthier.description import Direction
from luthier.record import Record
from luthier.trial import Observation, Outcome, Trial, TrialState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["History", "is_partial"]


def is_partial(trial: Trial) -> bool:
    """Whether a trial has a value of the objective that is not its last: it was stopped or waits, and has a curve."""
    result = trial.result
    if result is None or not result.curve or result.value is None:
        return False
    return trial.state is TrialState.WAITING or (
        trial.state is TrialState.FINISHED and result.outcome is Outcome.STOPPED
    )


class History(Record):
    """The trials of one experiment as they stood at `revision`, by number.

    A trial whose lease has lapsed is given as queued, so that nothing waits for it. `maximize` is the objective's
    direction, `target` the number of trials asked for (None: without end), `earlier` what other experiments found that
    this one may begin from. `objectives` are the directions of all objectives where there are several, `constraints` is
    how many constraints a result says the excess of.
    """

    revision: int = 0
    trials: tuple[Trial, ...] = ()
    maximize: bool = True
    target: int | None = None
    earlier: tuple[Observation, ...] = ()
    objectives: tuple[Direction, ...] = ()
    constraints: int = 0

    @cached_property
    def finished(self) -> tuple[Trial, ...]:
        """The trials that have an outcome, in the order of their numbers."""
        return tuple(t for t in self.trials if t.state is TrialState.FINISHED)

    @cached_property
    def pending(self) -> tuple[Trial, ...]:
        """The trials that are queued, running or waiting for a rung."""
        return tuple(
            t for t in self.trials if t.state in (TrialState.QUEUED, TrialState.RUNNING, TrialState.WAITING)
        )

    @cached_property
    def expected(self) -> tuple[Trial, ...]:
        """The pending trials whose results will come without anything else being proposed: those that run, wait for a
        rung or were never begun. What was lost or interrupted is not counted on."""
        return tuple(t for t in self.pending if t.state is not TrialState.QUEUED or not t.attempt)

    @cached_property
    def failed(self) -> tuple[Trial, ...]:
        """The finished trials whose configuration may be the cause that they failed."""
        return tuple(t for t in self.finished if t.result and t.result.outcome.blames_configuration)

    @cached_property
    def scored(self) -> tuple[Trial, ...]:
        """The succeeded or stopped trials that have a value of the objective, partial ones too."""
        kept = (Outcome.SUCCEEDED, Outcome.STOPPED)
        return tuple(
            t for t in self.finished if t.result and t.result.outcome in kept and t.result.value is not None
        )

    @cached_property
    def partial(self) -> tuple[Trial, ...]:
        """The trials whose objective is known for a part of the way only: a rule or a person stopped them, or they wait
        for their next rung. How far each got is the end of its result's `curve`."""
        return tuple(t for t in self.trials if is_partial(t))

    @cached_property
    def complete(self) -> tuple[Trial, ...]:
        """The trials of `scored` whose values may be set beside one another: all but the partial ones."""
        return tuple(t for t in self.scored if not is_partial(t))

    def values(self) -> NDArray[np.float64]:
        """The objective's values of `scored`. **Shapes** (n,)."""
        import numpy as np

        return np.array([t.result.value for t in self.scored if t.result], dtype=np.float64)

    def losses(self) -> NDArray[np.float64]:
        """The values of `scored`, turned so that less is better. **Shapes** (n,)."""
        return -self.values() if self.maximize else self.values()

    @property
    def has_aims(self) -> bool:
        """Whether there is more to reach than one objective: several of them, or constraints."""
        return len(self.objectives) > 1 or self.constraints > 0

    def all_losses(self) -> NDArray[np.float64]:
        """The values of all objectives of `scored`, turned so that less is better. **Shapes** (n, objectives)."""
        import numpy as np

        ways = self.objectives or ("maximize" if self.maximize else "minimize",)
        made = np.full((len(self.scored), len(ways)), np.nan)
        for row, trial in zip(made, self.scored, strict=True):
            if trial.result and trial.result.value is not None:
                row[0] = trial.result.value
                if trial.result.values is not None and len(trial.result.values) == len(ways):
                    row[:] = trial.result.values
        made *= [-1.0 if way == "maximize" else 1.0 for way in ways]
        return made

    def excesses(self) -> NDArray[np.float64]:
        """By how much each of `scored` breaks each constraint: it is met at zero or less. **Shapes** (n, constraints)."""
        import numpy as np

        made = np.full((len(self.scored), self.constraints), np.nan)
        for row, trial in zip(made, self.scored, strict=True):
            if trial.result and len(trial.result.constraints) == self.constraints:
                row[:] = trial.result.constraints
        return made
