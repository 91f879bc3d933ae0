"""The verbs of the store in memory on stretches of trials (`memory_rows.Stretch`), which only it has."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable

from luthier.store.contract import Wish
from luthier.store.memory_reading import MemoryReads
from luthier.store.memory_rows import AttemptRow, Odd, Stretch
from luthier.trial import Outcome, Proposal, Result, TrialState

__all__ = ["MemoryStretches"]

LOST = "its answer was lost when a call beside it ended the worker"


class MemoryStretches(MemoryReads):
    """The verbs on stretches."""

    _run_ids: int

    def begin_stretch(
        self, experiment: int, n: int, worker: str, proposed: Callable[[int], Proposal]
    ) -> Stretch | None:
        """Reserves, proposes and claims up to `n` trials at once; None when nothing is left or a person wants nothing
        new. `proposed` gives the proposal of an ordinal, the same whenever it is asked."""
        with self._guard:
            row = self._row(experiment)
            left = n if row.target is None else min(n, row.target - len(row.trials))
            if row.wish is not Wish.RUN or left <= 0 or not self.may_stretch(experiment):
                return None
            stretch = Stretch(
                row.id,
                row.numbers + 1,
                row.proposed + 1,
                left,
                self._run_ids + 1,
                row.seed,
                worker,
                self.clock.now(),
                proposed,
            )
            row.numbers += left
            row.proposed += left
            self._run_ids += left
            row.trials.add(stretch)
            row.states[TrialState.RUNNING].update(stretch.numbers())
            stretch.revision = self._event(row, "stretch begun", n=left, first=stretch.first, worker=worker)
            return stretch

    def may_stretch(self, experiment: int) -> bool:
        """Whether all trials so far are the algorithm's, and none is waiting."""
        row = self._row(experiment)
        waiting = row.count(TrialState.QUEUED) + row.count(TrialState.RESERVED)
        return not waiting and row.numbers == row.proposed == len(row.trials)

    def finish_stretch(
        self,
        stretch: Stretch,
        values: array[float],
        began: array[float],
        seconds: array[float],
        odd: dict[int, Odd],
    ) -> None:
        """Ends all trials of a stretch. **Shapes** (n,) each."""
        with self._guard:
            row = self._row(stretch.experiment)
            numbers = stretch.numbers()
            stretch.values, stretch.began, stretch.seconds, stretch.odd = values, began, seconds, odd
            stretch.state = TrialState.FINISHED
            row.states[TrialState.RUNNING].difference_update(numbers)
            row.states[TrialState.FINISHED].update(numbers)
            row.succeeded += stretch.n - sum(one[0] != Outcome.SUCCEEDED.value for one in odd.values())
            for one in odd.values():
                for point in one[2]:
                    row.metrics.setdefault(point[0])
            stretch.revision = self._event(row, "stretch ended", n=stretch.n, first=stretch.first)
            row.trials.settle(stretch)

    def break_stretch(self, stretch: Stretch, at: int, result: Result) -> None:
        """Ends the trial whose call ended the worker; all others of the stretch are run again, one by one."""
        with self._guard:
            row = self._row(stretch.experiment)
            stretch.state = TrialState.QUEUED
            row.trials.settle(stretch)
            row.trials.drop(stretch)
            row.states[TrialState.RUNNING].difference_update(stretch.numbers())
            for number in stretch.numbers():
                trial = row.trials[number]
                trial.attempts.append(AttemptRow(stretch.worker, stretch.created))
                trial.began = stretch.created
                mine = number == stretch.first + at and result.outcome.is_final
                one = result if mine else result._replace(outcome=Outcome.INTERRUPTED, reason=LOST)
                trial.attempts[-1].ended = self.clock.now()
                trial.attempts[-1].result = one
                if mine:
                    trial.state, trial.ended, trial.result = TrialState.FINISHED, self.clock.now(), result
                    row.states[TrialState.FINISHED].add(number)
                else:
                    row.states[TrialState.QUEUED].add(number)
                    heapq.heappush(row.queue, (-trial.priority, number))
                trial.revision = self._event(
                    row, "finished" if mine else "returned", trial, outcome=one.outcome.value
                )
