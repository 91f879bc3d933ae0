"""The nouns a search is made of, and the one table of what may follow what.

A `Trial` is a configuration to be evaluated; an `Attempt` is one execution of it. A crash, a lost machine or a
promotion gives the same trial another attempt, never another trial. Everything here is a frozen value: the store
alone moves a trial from state to state, and only along `TRANSITIONS`. This module knows nothing of time, disks or
processes; `store/` keeps these nouns, `drive/` turns them over.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from luthier.digest import blake2b
from luthier.errors import IllegalTransition
from luthier.space import Configuration

__all__ = [
    "TRANSITIONS",
    "Attempt",
    "AttemptId",
    "Observation",
    "Outcome",
    "Point",
    "Proposal",
    "Result",
    "Step",
    "Trial",
    "TrialState",
    "next_state",
    "trial_seed",
]


class TrialState(StrEnum):
    """Where a trial stands."""

    RESERVED = "reserved"  # its number is taken, its configuration is being computed
    QUEUED = "queued"  # written, waiting for a worker
    RUNNING = "running"  # one worker holds the lease of its current attempt
    WAITING = "waiting"  # between two stages, rungs or folds: it has a result and may be promoted
    FINISHED = "finished"  # it has an outcome; only `retry` moves it again


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the program ended badly, or well but without its objective
    STOPPED = "stopped"  # by a stopping rule or by `luthier stop`: its outputs are kept
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"  # over --memory, or ended by the kernel
    KILLED = "killed"  # by `luthier kill`
    INTERRUPTED = "interrupted"  # by Ctrl-C: the trial goes back to the queue
    LOST = "lost"  # its worker or machine vanished: the trial goes back to the queue

    @property
    def is_final(self) -> bool:
        """Whether the trial is finished by it, rather than queued for another attempt."""
        return self not in (Outcome.INTERRUPTED, Outcome.LOST)

    @property
    def blames_configuration(self) -> bool:
        """Whether the configuration itself may be the cause, so that a search may learn to stay away."""
        return self in (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY)


class Step(StrEnum):
    """What may happen to a trial."""

    PROPOSE = "propose"  # its configuration is written
    CLAIM = "claim"  # a worker takes the lease: a new attempt begins
    FINISH = "finish"  # the attempt ended and the trial has its outcome
    RETURN = "return"  # the attempt was interrupted or lost: back to the queue
    PAUSE = "pause"  # the attempt reached the end of its stage
    PROMOTE = "promote"  # its next stage may begin
    CANCEL = "cancel"  # stopped or killed while no attempt was running
    RETRY = "retry"  # a person or --retry-failed asks for another attempt


# from, by, to. What is not in this table does not happen; the state-machine test walks every row.
TRANSITIONS: dict[tuple[TrialState, Step], TrialState] = {
    (TrialState.RESERVED, Step.PROPOSE): TrialState.QUEUED,
    (TrialState.QUEUED, Step.CLAIM): TrialState.RUNNING,
    (TrialState.QUEUED, Step.CANCEL): TrialState.FINISHED,
    (TrialState.RUNNING, Step.FINISH): TrialState.FINISHED,
    (TrialState.RUNNING, Step.RETURN): TrialState.QUEUED,
    (TrialState.RUNNING, Step.PAUSE): TrialState.WAITING,
    (TrialState.WAITING, Step.PROMOTE): TrialState.QUEUED,
    (TrialState.WAITING, Step.CANCEL): TrialState.FINISHED,
    (TrialState.FINISHED, Step.RETRY): TrialState.QUEUED,
}


def next_state(state: TrialState, step: Step) -> TrialState:
    """Returns where `step` leads from `state`.

    **Raises** IllegalTransition where the table has no such row.
    """
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise IllegalTransition(
            f"a trial that is {state} can't {step}; this is a bug in Luthier, please report it"
        ) from None


_BLANK = blake2b(digest_size=4, person=b"luthier trial")


def trial_seed(seed: int, number: int) -> int:
    """Returns the seed a trial is handed: the same for the same experiment seed and number, below 2**31."""
    digest = _BLANK.copy()
    digest.update(f"{seed}/{number}".encode())
    return int.from_bytes(digest.digest(), "big") >> 1


class AttemptId(NamedTuple):
    """Names one attempt: (experiment, trial number, attempt number). Every write of a worker is fenced by it."""

    experiment: int
    trial: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.experiment}.{self.trial} attempt {self.attempt}"


class Proposal(NamedTuple):
    """What an algorithm suggests, and why.

    `ordinal` is the trial's place among the algorithm's own proposals (from 1); `seen` is the revision of the record
    it was computed from. `mean` and `deviation` are the algorithm's prediction in the objective's units, if it made one.
    """

    configuration: Configuration
    by: str
    ordinal: int | None = None
    seen: int = 0
    mean: float | None = None
    deviation: float | None = None
    seconds: float = 0.0
    note: Mapping[str, Any] = {}


class Observation(NamedTuple):
    """A configuration and the objective it reached elsewhere: what a warm start begins from. `source` names the trial."""

    configuration: Configuration
    value: float
    source: str = ""


class Point(NamedTuple):
    """One value of a metric: `step` is the trial's own count (epoch, fold), `time` seconds since 1970."""

    metric: str
    step: float
    value: float
    time: float


class Result(NamedTuple):
    """How an attempt ended, as far as it is known where it ended.

    `reason` is a sentence. `value` is the objective after aggregation, None where there is none. Where there are several
    objectives `values` has all of them, the first the same as `value`. `constraints` says of each constraint by how
    much it is broken: it is met at zero or less. `curve` is what the objective was on its way, pairs (resource, value)
    at a few rungs and at the end, rising: `curve[-1][0]` says how far a trial that was stopped or waits has got. It is
    empty where the objective came without steps.
    """

    outcome: Outcome
    reason: str
    value: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    seconds: float | None = None
    peak_bytes: int | None = None
    cpu_seconds: float | None = None
    values: tuple[float, ...] | None = None
    constraints: tuple[float, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether all constraints are met; NaN meets none."""
        return all(excess <= 0 for excess in self.constraints)


class Attempt(NamedTuple):
    """One execution of a trial as the record has it. Times are seconds since 1970."""

    id: AttemptId
    worker: str
    began: float
    seed: int
    ended: float | None = None
    result: Result | None = None
    command: tuple[str, ...] | None = None
    stage: int = 0


class Trial(NamedTuple):
    """One configuration and all that became of it.

    `number` counts within the experiment from 1, `run_id` within the store. `attempt` is the number of the newest
    attempt, 0 before the first. `result` is set once the trial is finished, and while it waits for its next stage: then
    it is that of the attempt that ended. `stage` counts from 0 which stage its next or current attempt runs.
    """

    experiment: int
    number: int
    run_id: int
    state: TrialState
    configuration: Configuration | None
    attempt: int
    seed: int
    proposal: Proposal | None
    result: Result | None
    created: float
    began: float | None
    ended: float | None
    revision: int
    worker: str | None = None
    stage: int = 0

    @property
    def name(self) -> str:
        """`144.7`: how people name it."""
        return f"{self.experiment}.{self.number}"

    @property
    def final(self) -> Result | None:
        """The result of a trial that has ended; None of one that waits for its next stage, whatever it came to so far."""
        return self.result if self.state is TrialState.FINISHED else None
