"""Whether a search may end before its trials are used up: a value is reached, nothing gets better, or time is up.

Asked at every turn of the loop; it reads the record only when trials have finished since.
"""

from __future__ import annotations

from luthier.clock import Clock
from luthier.description import Description, Objective
from luthier.drive.ends import Why
from luthier.store import ExperimentRecord, Sort, Store
from luthier.trial import Outcome, Trial

__all__ = ["Goals"]

PAGE = 50
"""So many trials are read at once."""


class Goals:
    """The goals of one experiment. Time counts from when this is made: each command has its own."""

    def __init__(self, store: Store, description: Description, clock: Clock) -> None:
        self._store = store
        self._goal = description.goal
        self._objective = description.objective
        self._clock = clock
        self._began = clock.elapsed()
        self._finished = -1
        self._found: tuple[Why, str] | None = None

    def over(self, record: ExperimentRecord) -> tuple[Why, str] | None:
        """Why nothing more is to start, with the sentence that says so; None while it is to go on."""
        goal = self._goal
        if goal is None:
            return None
        if record.finished != self._finished:
            self._finished, self._found = record.finished, self._look(record)
        took = self._clock.elapsed() - self._began
        if self._found is None and goal.seconds is not None and took >= goal.seconds:
            self._found = (Why.TIME, f"the search took its {goal.seconds:g} s (--max-time)")
        return self._found

    def _look(self, record: ExperimentRecord) -> tuple[Why, str] | None:
        goal, objective = self._goal, self._objective
        if self._found is not None and self._found[0] is Why.TIME:
            return self._found
        if goal is None or objective is None or not record.succeeded:
            return None
        if goal.value is not None:
            found = self._reached(record.id, goal.value, objective)
            if found is not None:
                value = found.result.value if found.result else None
                return Why.TARGET, f"trial {found.name} reached {value:.6g}, the target being {goal.value:g}"
        if goal.no_progress is not None:
            trials = self._store.history(record.id).finished
            best, since = since_better(trials, maximize=objective.direction == "maximize")
            if best is not None and since >= goal.no_progress:
                return (
                    Why.NO_PROGRESS,
                    f"{since} trials in a row, stopped ones among them, were no better than trial {record.id}.{best}",
                )
        return None

    def _reached(self, experiment: int, goal: float, objective: Objective) -> Trial | None:
        """A trial that is as good as the goal and counts; the best of them."""
        smallest, offset = objective.direction == "minimize", 0
        while page := self._store.trials(experiment, Sort("value", smallest_first=smallest), PAGE, offset):
            for trial in page:
                value = trial.result.value if trial.result else None
                if value is None or value != value or objective.better(goal, value):
                    return None
                if _counts(trial):
                    return trial
            offset += len(page)
        return None


def _counts(trial: Trial) -> bool:
    """Whether a trial's value may be what a search is after."""
    result = trial.final
    return result is not None and result.outcome is Outcome.SUCCEEDED and result.is_allowed


def since_better(trials: tuple[Trial, ...], *, maximize: bool) -> tuple[int | None, int]:
    """The best of some finished trials by its number, the first of equals, and how many have ended since then."""
    best, value, since = None, 0.0, 0
    for trial in sorted(trials, key=lambda trial: (trial.ended or 0.0, trial.number)):
        since += 1
        result = trial.result
        if result is None or result.outcome is not Outcome.SUCCEEDED or result.value is None:
            continue
        if result.value == result.value and result.is_allowed:
            mine = -result.value if maximize else result.value
            if best is None or mine < value:
                best, value, since = trial.number, mine, 0
    return best, since
