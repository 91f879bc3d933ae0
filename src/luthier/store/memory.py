"""The store's contract in plain dictionaries: the specification that runs, and the store of searches in memory.

It shares only the small rules of `naming`, `lateness`, `past` and `twins` with SQLite. Every move of a trial goes through
`trial.next_state`, so a step the table does not have can't happen here. One lock makes each verb one transaction.
`memory_rows.py` has the rows, `memory_reading.py` the verbs that change nothing.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial, update_wrapper
from math import isnan
from typing import Any, Concatenate, ParamSpec, TypeVar

from luthier.clock import Clock, SystemClock
from luthier.description import Description
from luthier.errors import ConflictError
from luthier.space import Configuration
from luthier.store.contract import Claim, ExperimentRecord, Reservation, Verdict, Wish
from luthier.store.folding import folded
from luthier.store.lateness import missing_points, same_result
from luthier.store.memory_rows import AttemptRow, ExperimentRow, TrialRow
from luthier.store.memory_stretches import MemoryStretches
from luthier.store.naming import chosen_seed, named_conflict
from luthier.store.twins import without_twins
from luthier.trial import (
    AttemptId,
    Outcome,
    Point,
    Proposal,
    Result,
    Step,
    TrialState,
    next_state,
    trial_seed,
)

__all__ = ["MemoryStore"]

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="MemoryStore")


def _verb(body: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Makes a method one transaction: it runs alone, and checks everything before it changes anything."""

    def alone(self: S, /, *args: P.args, **named: P.kwargs) -> R:
        with self._guard:
            return body(self, *args, **named)

    update_wrapper(alone, body)
    return alone


class MemoryStore(MemoryStretches):
    """Keeps experiments as long as this process lives. Threads may share it."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or SystemClock())
        self._ids = 0
        self._run_ids = 0
        # By nonce: the experiment, and the numbers it was given.
        self._heard: dict[str, tuple[int, list[int]]] = {}

    def together(self) -> AbstractContextManager[bool]:
        """Runs the body alone; memory has nothing to wait for."""
        return self._guard

    # ------------------------------------------------------------------ experiments

    @_verb
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
            description = replace(description, seed=chosen_seed(description.seed, last))
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
        new = replace(new, name=row.description.name or description.name)
        if new != row.description or new.target() != row.target:
            row.description, row.target = new, new.target()
            self._event(row, "amended", target=row.target)

    @_verb
    def set_wish(self, experiment: int, wish: Wish, reason: str = "") -> bool:
        """Records what a person asked."""
        row = self._row(experiment)
        if row.wish is wish:
            return False
        row.wish = wish
        self._event(row, "wished", wish=wish.value, reason=reason)
        return True

    @_verb
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
        self._event(row, "removed")

    # ------------------------------------------------------------------ proposing

    @_verb
    def reserve(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Reservation]:
        """Takes numbers within the budget."""
        row = self._row(experiment)
        if nonce not in self._heard and row.wish is Wish.RUN:
            taken = [t for t in row.reserved() if t.worker == worker or self._is_lapsed(t)][: max(n, 0)]
            left = n - len(taken) if row.target is None else min(n - len(taken), row.target - len(row.trials))
            for _ in range(left):
                row.numbers += 1
                row.proposed += 1
                taken.append(self._add(row, row.numbers, TrialState.RESERVED, ordinal=row.proposed))
            for trial in taken:
                self._hold(trial, worker, nonce, lease_seconds)
            if taken:
                self._heard[nonce] = (experiment, [])
        return [Reservation(t.number, t.ordinal or 0, t.run_id, t.seed) for t in row.reserved(nonce)]

    @_verb
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
            made = proposal if is_so else replace(proposal, ordinal=trial.ordinal, seconds=seconds, note=note)
            trial.proposal = made
            self._move(row, trial, Step.PROPOSE, event)
        if ends:
            row.give_back(mine)
        return len(kept)

    @_verb
    def abandon(self, worker: str) -> None:
        """Frees the reservations of a dead worker."""
        for row in self._experiments.values():
            for trial in row.reserved():
                if trial.worker == worker:
                    trial.lease_until = -1.0

    @_verb
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

    # ------------------------------------------------------------------ running

    @_verb
    def claim(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Claim]:
        """Begins an attempt of up to `n` queued trials."""
        row = self._row(experiment)
        room = 0 if nonce in self._heard or row.wish is not Wish.RUN else min(n, row.room())
        for _ in range(room):
            trial = row.first_queued()
            trial.attempts.append(AttemptRow(worker, self.clock.now()))
            if trial.began is None:
                trial.began = self.clock.now()
            event = self._event(row, "claimed", trial, worker=worker)
            self._move(row, trial, Step.CLAIM, event)
            self._hold(trial, worker, nonce, lease_seconds)
            self._heard[nonce] = (experiment, [])
        mine = [trial for trial in row.running() if trial.nonce == nonce]
        return [
            Claim(trial.id, trial.run_id, trial.proposal.configuration, trial.seed, trial.ordinal)
            for trial in sorted(mine, key=lambda trial: (-trial.priority, trial.number))
            if trial.proposal is not None
        ]

    @_verb
    def renew(self, ids: Sequence[AttemptId], worker: str, lease_seconds: float = 60.0) -> list[AttemptId]:
        """Extends leases."""
        gone = []
        for id in ids:
            trial = self._held_by(id)
            if trial is not None and trial.worker == worker:
                self._hold(trial, worker, trial.nonce, lease_seconds)
            else:
                self._refuse(id, "renew", worker=worker)
                gone.append(id)
        return gone

    @_verb
    def adopt(self, id: AttemptId, from_worker: str, to_worker: str, lease_seconds: float = 60.0) -> bool:
        """Moves a running attempt to another worker."""
        trial = self._held_by(id)
        if trial is None or trial.worker != from_worker:
            return trial is not None and trial.worker == to_worker
        self._hold(trial, to_worker, trial.nonce, lease_seconds)
        trial.revision = self._event(self._row(id.experiment), "adopted", trial, worker=to_worker)
        return True

    @_verb
    def note_command(self, id: AttemptId, words: Sequence[str]) -> None:
        """Records the words an attempt runs."""
        attempt = self._attempt(id)
        if attempt is not None and attempt.ended is None:
            attempt.command = tuple(words)

    @_verb
    def report(self, id: AttemptId, first: int, points: Sequence[Point]) -> Verdict:
        """Appends points."""
        trial, attempt = self._held_by(id), self._attempt(id)
        if attempt is None:
            return Verdict.STALE
        accepted = len(attempt.points)
        if not points:
            return Verdict.REPEATED if trial is not None else Verdict.STALE
        if first + len(points) <= accepted:
            return Verdict.REPEATED
        if trial is None:
            return self._refuse(id, "report", points=first + len(points) - accepted)
        if first > accepted:
            raise missing_points(id, accepted, first)
        for point in points[accepted - first :]:
            step = 0.0 if isnan(point.step) else float(point.step)
            kept = Point(point.metric, step, float(point.value), float(point.time))
            attempt.points.append(kept)
            self._row(id.experiment).metrics.setdefault(point.metric)
            known = trial.summaries.get(point.metric)
            fresh = known is None or known[0] < id.attempt
            trial.summaries[point.metric] = (
                id.attempt,
                folded(None if fresh or known is None else known[1], kept),
            )
        return Verdict.ACCEPTED

    @_verb
    def finish(self, id: AttemptId, result: Result, *, again: bool = False) -> Verdict:
        """Ends an attempt."""
        trial, attempt = self._held_by(id), self._attempt(id)
        if result.value is not None and type(result.value) is not float:
            result = replace(result, value=float(result.value))
        if attempt is None:
            return Verdict.STALE
        if trial is None:
            if attempt.result is not None and same_result(attempt.result, result):
                return Verdict.REPEATED
            value = "nan" if result.value is not None and isnan(result.value) else result.value
            return self._refuse(id, "finish", outcome=result.outcome.value, reason=result.reason, value=value)
        row, now = self._row(id.experiment), self.clock.now()
        attempt.ended, attempt.result = now, result
        event = self._event(row, "returned" if again else "finished", trial, outcome=result.outcome.value)
        if not again:
            trial.ended, trial.result = now, result
        self._move(row, trial, Step.RETURN if again else Step.FINISH, event)
        return Verdict.ACCEPTED

    # ------------------------------------------------------------------ a person's verbs on trials

    @_verb
    def cancel(self, experiment: int, number: int, outcome: Outcome, reason: str) -> bool:
        """Finishes a trial that is queued or waiting."""
        row, trial = self._row(experiment), self._trial(experiment, number)
        if trial.state not in (TrialState.QUEUED, TrialState.WAITING):
            return False
        event = self._event(row, "cancelled", trial, outcome=outcome.value, reason=reason)
        trial.ended, trial.result = self.clock.now(), Result(outcome, reason)
        self._move(row, trial, Step.CANCEL, event)
        return True

    @_verb
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

    def _move(self, row: ExperimentRow, trial: TrialRow, step: Step, revision: int) -> None:
        """Takes a trial one step along the table; whoever held it holds it no longer."""
        state = next_state(trial.state, step)
        row.states[trial.state].discard(trial.number)
        row.states[state].add(trial.number)
        good = trial.result is not None and trial.result.outcome is Outcome.SUCCEEDED
        row.succeeded += good * ((state is TrialState.FINISHED) - (trial.state is TrialState.FINISHED))
        trial.state, trial.revision = state, revision
        trial.worker = trial.nonce = trial.boot_id = None
        if state is TrialState.QUEUED:
            heapq.heappush(row.queue, (-trial.priority, trial.number))

    def _hold(self, trial: TrialRow, worker: str, nonce: str | None, lease_seconds: float) -> None:
        trial.worker, trial.nonce, trial.boot_id = worker, nonce, self.clock.boot_id
        trial.lease_until = self.clock.elapsed() + lease_seconds

    def _refuse(self, id: AttemptId, kind: str, **detail: Any) -> Verdict:
        """Keeps a write that came too late as an event, the first of its kind only."""
        attempt = self._attempt(id)
        if attempt is not None and kind not in attempt.refused:
            attempt.refused.add(kind)
            self._event(self._row(id.experiment), "stale", id, write=kind, **detail)
        return Verdict.STALE
