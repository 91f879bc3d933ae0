"""The store's contract in plain dictionaries: the specification that runs, and the store of searches in memory.

It shares only the small rules of `naming`, `lateness`, `endings`, `past` and `twins` with SQLite. One lock makes each verb
one transaction. `memory_rows.py` has the rows, `memory_running.py` the verbs of workers, `memory_reading.py` those that
change nothing.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from luthier.clock import Clock, SystemClock
from luthier.description import Description
from luthier.errors import ConflictError
from luthier.space import Configuration
from luthier.store.contract import ExperimentRecord, Reservation, Wish
from luthier.store.crew import MOST_RESERVED
from luthier.store.endings import cancelled
from luthier.store.lateness import newest_request
from luthier.store.memory_crew import MemoryCrew
from luthier.store.memory_rows import ExperimentRow, TrialRow
from luthier.store.memory_running import verb
from luthier.store.naming import chosen_seed, named_conflict
from luthier.store.twins import without_twins
from luthier.trial import AttemptId, Outcome, Proposal, Step, TrialState, trial_seed

__all__ = ["MemoryStore"]


class MemoryStore(MemoryCrew):
    """Keeps experiments as long as this process lives. Threads may share it."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or SystemClock())
        self._ids = 0
        self._run_ids = 0

    # ------------------------------------------------------------------ experiments

    @verb
    def open_experiment(
        self,
        description: Description,
        *,
        fresh: bool = False,
        any_seed: bool = False,
        nonce: str | None = None,
    ) -> tuple[ExperimentRecord, bool]:
        """Finds or creates an experiment."""
        if nonce in self._heard:
            return self.experiment(self._heard[nonce][0]), True
        identity, name = description.identity(), description.name
        rows = list(self._experiments.values())
        if name is not None and not fresh:
            named = [
                e for e in rows if (e.description.project, e.description.name) == (description.project, name)
            ]
            if named and named[-1].identity != identity:
                raise named_conflict(name, named[-1].id)
        twins = [e for e in rows if e.identity == identity]
        fitting = [e for e in twins if any_seed or e.seed == description.seed]
        if name is not None:
            fitting = [e for e in fitting if e.description.name == name] or [
                e for e in fitting if e.description.name is None
            ]
        if fitting and not fresh:
            self._amend(fitting[-1], description)
            return self.experiment(fitting[-1].id), False
        if any_seed:
            last = max((e.seed for e in twins), default=None)
            description = description._replace(seed=chosen_seed(description.seed, last))
        row = self._create(description, identity)
        if nonce is not None:
            self._heard[nonce] = (row.id, [])
        return self.experiment(row.id), True

    def _create(self, description: Description, identity: str) -> ExperimentRow:
        self._ids += 1
        now, target = self.clock.now(), description.target()
        row = ExperimentRow(self._ids, identity, description.seed, description, target, Wish.RUN, now, now)
        self._experiments[row.id] = row
        self._event(row, "created", target=target)
        return row

    def _amend(self, row: ExperimentRow, description: Description) -> None:
        new = row.description.amended(description)
        new = new._replace(name=row.description.name or description.name)
        if new != row.description or new.target() != row.target:
            row.description, row.target = new, new.target()
            self._event(row, "amended", target=row.target)

    @verb
    def set_wish(self, experiment: int, wish: Wish, reason: str = "") -> bool:
        """Records what a person asked."""
        row = self._row(experiment)
        if row.wish is wish:
            return False
        row.wish = wish
        self._event(row, "wished", wish=wish.value, reason=reason)
        return True

    @verb
    def remove(self, experiment: int) -> None:
        """Forgets an experiment whole."""
        row = self._row(experiment)
        if row.states[TrialState.RUNNING]:
            raise ConflictError(
                f"experiment {experiment} has running trials; end them with: luthier kill {experiment}"
            )
        del self._experiments[experiment]
        self._heard = {nonce: heard for nonce, heard in self._heard.items() if heard[0] != experiment}
        self._events = [event for event in self._events if event.experiment != experiment]
        self._requests = [event for event in self._requests if event.experiment != experiment]
        self._event(row, "removed")

    # ------------------------------------------------------------------ proposing

    @verb
    def reserve(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Reservation]:
        """Takes numbers within the budget."""
        row = self._row(experiment)
        if nonce not in self._heard and row.wish is Wish.RUN:
            taken = [t for t in row.reserved() if t.worker == worker or self._is_lapsed(t)][: max(n, 0)]
            left = n - len(taken) if row.target is None else min(n - len(taken), row.target - len(row.trials))
            left = 0 if row.count(TrialState.RESERVED) >= MOST_RESERVED else left
            for _ in range(left):
                row.numbers += 1
                row.proposed += 1
                taken.append(self._add(row, row.numbers, TrialState.RESERVED, ordinal=row.proposed))
            for trial in taken:
                self._hold(trial, worker, nonce, lease_seconds)
            if taken:
                self._heard[nonce] = (experiment, [])
        return [Reservation(t.number, t.ordinal or 0, t.run_id, t.seed) for t in row.reserved(nonce)]

    @verb
    def propose(
        self,
        experiment: int,
        nonce: str,
        proposals: Sequence[tuple[int, Proposal]],
        exhausted: bool = False,
        *,
        distinct: bool = False,
    ) -> int:
        """Writes configurations for reserved numbers."""
        row = self._row(experiment)
        mine = {trial.number: trial for trial in row.reserved(nonce)}
        asked = [(number, proposal) for number, proposal in proposals if number in mine]
        kept = without_twins(asked, partial(self._keys_since, row)) if distinct else asked
        ends = exhausted and bool(mine) and len(kept) == len(asked)
        if not kept and not ends:
            return 0
        detail: dict[str, Any] = {"n": len(kept), "numbers": [number for number, _ in kept]}
        if ends:
            there = len(row.trials) - len(mine) + len(kept)
            row.target = detail["target"] = there if row.target is None else min(row.target, there)
        event = self._event(row, "proposed", **detail)
        for number, proposal in kept:
            trial = mine.pop(number)
            note = json.loads(json.dumps(proposal.note)) if proposal.note else {}
            seconds = round(proposal.seconds, 6)
            is_so = (proposal.ordinal, proposal.seconds, proposal.note) == (trial.ordinal, seconds, note)
            made = proposal if is_so else proposal._replace(ordinal=trial.ordinal, seconds=seconds, note=note)
            trial.proposal = made
            self._move(row, trial, Step.PROPOSE, event)
        if ends:
            row.give_back(mine)
        return len(kept)

    @verb
    def abandon(self, worker: str) -> None:
        """Frees the reservations of a dead worker."""
        for row in self._experiments.values():
            for trial in row.reserved():
                if trial.worker == worker:
                    trial.lease_until = -1.0

    @verb
    def enqueue(self, experiment: int, configurations: Sequence[Configuration], nonce: str) -> list[int]:
        """Adds a person's own configurations."""
        if nonce in self._heard:
            return list(self._heard[nonce][1])
        row, numbers = self._row(experiment), []
        if not configurations:
            return []
        if row.target is not None:
            row.target = max(row.target, len(row.trials) + len(configurations))
        first, n = row.numbers + 1, len(configurations)
        event = self._event(row, "enqueued", first=first, n=n, target=row.target)
        for configuration in configurations:
            row.numbers += 1
            trial = self._add(row, row.numbers, TrialState.QUEUED, priority=1)
            trial.proposal, trial.revision = Proposal(configuration, by="you"), event
            heapq.heappush(row.queue, (-trial.priority, trial.number))
            numbers.append(trial.number)
        self._heard[nonce] = (experiment, numbers)
        return list(numbers)

    # ------------------------------------------------------------------ a person's verbs on trials

    @verb
    def cancel(self, experiment: int, number: int, outcome: Outcome, reason: str) -> bool:
        """Finishes a trial that is queued or waiting."""
        row, trial = self._row(experiment), self._trial(experiment, number)
        if trial.state not in (TrialState.QUEUED, TrialState.WAITING):
            return False
        event = self._event(row, "cancelled", trial, outcome=outcome.value, reason=reason)
        trial.ended, trial.result = self.clock.now(), cancelled(trial.result, outcome, reason)
        self._move(row, trial, Step.CANCEL, event)
        return True

    @verb
    def promote(self, experiment: int, number: int) -> bool:
        """Queues a waiting trial for its next stage."""
        row, trial = self._row(experiment), self._trial(experiment, number)
        if trial.state is not TrialState.WAITING:
            return False
        trial.priority, trial.stage, trial.result = max(trial.priority, 1), trial.stage + 1, None
        self._move(row, trial, Step.PROMOTE, self._event(row, "promoted", trial, stage=trial.stage))
        return True

    @verb
    def request_end(self, id: AttemptId, wish: Wish, reason: str) -> bool:
        """Asks whoever holds an attempt to end it."""
        if self._held_by(id) is None:
            return False
        asked = {"wish": wish.value, "reason": reason}
        if newest_request(self.end_requests(id.experiment), id) != asked:
            self._event(self._row(id.experiment), "requested", id, **asked)
        return True

    @verb
    def retry(self, experiment: int, number: int) -> bool:
        """Queues a finished trial for another attempt."""
        row, trial = self._row(experiment), self._trial(experiment, number)
        if trial.state is not TrialState.FINISHED:
            return False
        trial.priority, trial.ended = 1, None
        self._move(row, trial, Step.RETRY, self._event(row, "retried", trial))
        trial.result = None
        return True

    # ------------------------------------------------------------------ parts

    def _add(
        self,
        row: ExperimentRow,
        number: int,
        state: TrialState,
        ordinal: int | None = None,
        priority: int = 0,
    ) -> TrialRow:
        self._run_ids += 1
        now, seed = self.clock.now(), trial_seed(row.seed, number)
        trial = TrialRow(row.id, number, self._run_ids, state, seed, ordinal, priority, created=now)
        row.trials[number] = trial
        row.states[state].add(number)
        return trial
