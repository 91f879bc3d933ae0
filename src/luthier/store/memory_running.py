"""The verbs of workers in memory: claim, renew, adopt, report, finish, each fenced by the attempt it names.

Every move of a trial goes through `trial.next_state`, so a step the table does not have can't happen here.
`sql_running.py` does the same on a database.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import update_wrapper
from math import isnan
from typing import Any, Concatenate, ParamSpec, TypeVar

from luthier.clock import Clock
from luthier.store.contract import Claim, Sheet, Verdict, Wish
from luthier.store.endings import ending
from luthier.store.folding import folded
from luthier.store.lateness import missing_points, same_result
from luthier.store.memory_rows import AttemptRow, ExperimentRow, TrialRow
from luthier.store.memory_stretches import MemoryStretches
from luthier.store.naming import sheet_digest
from luthier.trial import AttemptId, Outcome, Point, Result, Step, TrialState, next_state

__all__ = ["MemoryRunning", "verb"]

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="MemoryRunning")


def verb(body: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Makes a method one transaction: it runs alone, and checks everything before it changes anything."""

    def alone(self: S, /, *args: P.args, **named: P.kwargs) -> R:
        with self._guard:
            return body(self, *args, **named)

    update_wrapper(alone, body)
    return alone


class MemoryRunning(MemoryStretches):
    """The half of a store that workers write to."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        # By nonce: the experiment, and the numbers it was given.
        self._heard: dict[str, tuple[int, list[int]]] = {}

    def together(self) -> AbstractContextManager[bool]:
        """Runs the body alone; memory has nothing to wait for."""
        return self._guard

    @verb
    def claim(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Claim]:
        """Begins an attempt of up to `n` queued trials."""
        row = self._row(experiment)
        is_again = nonce in self._heard
        room = 0 if is_again or row.wish is not Wish.RUN else min(n, row.room())
        mine = [trial for trial in row.running() if trial.nonce == nonce] if is_again else []
        for _ in range(room):
            mine.append(trial := row.first_queued())
            trial.attempts.append(AttemptRow(worker, self.clock.now(), stage=trial.stage))
            if trial.began is None:
                trial.began = self.clock.now()
            event = self._event(row, "claimed", trial, worker=worker)
            self._move(row, trial, Step.CLAIM, event)
            self._hold(trial, worker, nonce, lease_seconds)
            self._heard[nonce] = (experiment, [])
        return [
            Claim(
                trial.id, trial.run_id, trial.proposal.configuration, trial.seed, trial.ordinal, trial.stage
            )
            for trial in sorted(mine, key=lambda trial: (-trial.priority, trial.number))
            if trial.proposal is not None
        ]

    @verb
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

    @verb
    def adopt(self, id: AttemptId, from_worker: str, to_worker: str, lease_seconds: float = 60.0) -> bool:
        """Moves a running attempt to another worker."""
        trial = self._held_by(id)
        if trial is None or trial.worker != from_worker:
            return trial is not None and trial.worker == to_worker
        self._hold(trial, to_worker, trial.nonce, lease_seconds)
        trial.revision = self._event(self._row(id.experiment), "adopted", trial, worker=to_worker)
        return True

    @verb
    def note_command(self, id: AttemptId, words: Sequence[str]) -> None:
        """Records the words an attempt runs."""
        attempt = self._attempt(id)
        if attempt is not None and attempt.ended is None:
            attempt.command = tuple(words)

    @verb
    def note_decision(
        self, id: AttemptId, rule: str, resource: float, reason: str, *, stops: bool, completes: bool = False
    ) -> None:
        """Records what a stopping rule made of a running attempt."""
        if self._held_by(id) is not None:
            detail = {"rule": rule, "resource": resource, "stops": stops, "reason": reason}
            if completes:
                detail["completes"] = True
            self._event(self._row(id.experiment), "decided", id, **detail)

    @verb
    def note_look(self, experiment: int, number: int, detail: Mapping[str, Any]) -> None:
        """Records that the test set was scored with a trial's configuration."""
        row = self._trial(experiment, number)
        self._event(self._row(experiment), "looked", AttemptId(experiment, row.number, 0), **detail)

    @verb
    def note_reuse(self, id: AttemptId, source: AttemptId) -> None:
        """Records whose result an attempt takes."""
        if self._held_by(id) is not None:
            detail = {"experiment": source.experiment, "trial": source.trial, "attempt": source.attempt}
            self._event(self._row(id.experiment), "reused", id, source=detail)

    @verb
    def note_provenance(self, experiment: int, worker: str, text: str, since: float = 0.0) -> str:
        """Records what the attempts of a worker run with."""
        digest = sheet_digest(text)
        self._row(experiment).sheets[worker, since] = Sheet(worker, since, digest, text)
        return digest

    @verb
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

    @verb
    def finish(self, id: AttemptId, result: Result, *, again: bool = False, pause: bool = False) -> Verdict:
        """Ends an attempt."""
        step, kind = ending(again, pause)
        trial, attempt = self._held_by(id), self._attempt(id)
        if result.value is not None and type(result.value) is not float:
            result = result._replace(value=float(result.value))
        if attempt is None:
            return Verdict.STALE
        if trial is None:
            if attempt.result is not None and same_result(attempt.result, result):
                return Verdict.REPEATED
            value = "nan" if result.value is not None and isnan(result.value) else result.value
            return self._refuse(id, "finish", outcome=result.outcome.value, reason=result.reason, value=value)
        row, now = self._row(id.experiment), self.clock.now()
        attempt.ended, attempt.result = now, result
        stage = {"stage": trial.stage} if pause else {}
        event = self._event(row, kind, trial, **stage, outcome=result.outcome.value)
        if not again:
            trial.ended, trial.result = None if pause else now, result
        self._move(row, trial, step, event)
        return Verdict.ACCEPTED

    # ------------------------------------------------------------------ parts

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
        if trial.state is TrialState.RUNNING:
            self._row(trial.experiment).note_lease(trial)

    def _refuse(self, id: AttemptId, kind: str, **detail: Any) -> Verdict:
        """Keeps a write that came too late as an event, the first of its kind only."""
        attempt = self._attempt(id)
        if attempt is not None and kind not in attempt.refused:
            attempt.refused.add(kind)
            self._event(self._row(id.experiment), "stale", id, write=kind, **detail)
        return Verdict.STALE
