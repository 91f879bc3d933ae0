"""What a store promises: the nouns and the verbs of `Store`.

Every verb that writes is one transaction and one compare-and-set: it names the state it expects and changes nothing
when the record has moved on. Every verb may be repeated after a lost reply: a nonce or a fence makes the second call
answer as the first did. Reads never wait for writers. `luthier.testing.store` is this contract as tests, and each
implementation (`sqlite`, `postgres`, `memory`) runs it. Most nouns are named tuples, which are made in an eighth of a dataclass's
time: every start of the command line waits for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from luthier.clock import Clock
from luthier.description import Description
from luthier.history import History
from luthier.space import Configuration
from luthier.store.crew import Tally, WorkerRecord
from luthier.trial import Attempt, AttemptId, Outcome, Point, Proposal, Result, Trial

__all__ = [
    "BY_NUMBER",
    "Claim",
    "Event",
    "ExperimentRecord",
    "Held",
    "Reservation",
    "Sheet",
    "Sort",
    "Spent",
    "Store",
    "SummaryRow",
    "Verdict",
    "Wish",
]


class Wish(StrEnum):
    """What a person last asked of an experiment."""

    RUN = "run"
    PAUSE = "pause"  # nothing new starts, running trials finish
    STOP = "stop"  # nothing new starts, running trials end by TERM and keep their outputs
    KILL = "kill"  # nothing new starts, running trials are killed


class Verdict(StrEnum):
    """What became of a worker's write."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"  # the same write was accepted before
    STALE = "stale"  # the attempt no longer holds its trial: kept in the events, counted nowhere


class ExperimentRecord(NamedTuple):
    """One experiment as the record has it, with its counters. `proposed` counts the algorithm's ordinals."""

    id: int
    identity: str
    seed: int
    description: Description
    target: int | None
    wish: Wish
    created: float
    changed: float
    revision: int
    proposed: int
    trials: int
    reserved: int
    queued: int
    running: int
    waiting: int
    finished: int
    succeeded: int

    @property
    def is_met(self) -> bool:
        """Whether as many trials are finished as were asked for."""
        return self.target is not None and self.finished >= self.target


class Reservation(NamedTuple):
    """A trial's number, taken within the budget, whose configuration is still to be proposed."""

    number: int
    ordinal: int
    run_id: int
    seed: int


class Claim(NamedTuple):
    """The right to run one attempt."""

    id: AttemptId
    run_id: int
    configuration: Configuration
    seed: int
    ordinal: int | None
    stage: int = 0


class Held(NamedTuple):
    """An attempt that is running, and who holds it. `lapsed`: its lease ran out, or another boot wrote it."""

    id: AttemptId
    worker: str
    lapsed: bool


class SummaryRow(NamedTuple):
    """What the newest attempt of a trial reported of one metric. `numbers` counts the values that are not NaN."""

    metric: str
    points: int
    last: float
    last_step: float
    minimum: float | None
    maximum: float | None
    total: float
    numbers: int


class Event(NamedTuple):
    """One change of the record. `revision` orders all of them as they were committed.

    Together with the trials and their attempts, an experiment's events tell how it stood at any revision (`past.py`):
    `detail` names the trials that were written (`numbers`, or `first` and `n`) and the `target` wherever it changed.
    """

    revision: int
    time: float
    experiment: int
    trial: int | None
    attempt: int | None
    kind: str
    detail: Mapping[str, Any]


class Sheet(NamedTuple):
    """What the attempts of an experiment ran with that `worker` began from `since` on: a text, and its digest."""

    worker: str
    since: float
    digest: str
    text: str


class Spent(NamedTuple):
    """What the attempts of a trial that have ended took together, None where that of none is known; and since when the one
    runs that has not."""

    seconds: float | None
    cpu_seconds: float | None
    since: float | None


class Sort(NamedTuple):
    """The order of a page of trials: by `number`, the objective's `value`, or a metric's aggregate. `running` and `not well`
    are only those; to be stopped is no failure."""

    by: str = "number"  # number | value | running | not well | metric
    metric: str = ""
    how: str = "last"
    smallest_first: bool = False


BY_NUMBER = Sort()


class Store(Protocol):
    """The durable truth about experiments.

    **Holds** a verb returns after its change is durable (memory: as long as the process lives). Counters equal what
    they count, revisions follow the order of commits, and a trial only moves along `trial.TRANSITIONS`.
    A nonce names one call: heard again, it takes nothing more and answers with what is left of what it took. A person's
    verbs (`set_wish`, `cancel`, `retry`) and `promote` have none; sent twice, the second finds nothing to do. One store
    may be shared by threads, not by processes.
    **Raises** NotFound for an experiment or trial that does not exist; StoreError when the disk or database fails. The
    verbs of a worker on its attempt (`renew`, `adopt`, `note_command`, `note_decision`, `report`, `finish`) raise no NotFound: a late
    worker is told that its attempt is gone. Reads of a list give an empty one.
    """

    clock: Clock
    """The calendar of the record: a server's, where it is on one."""

    def together(self) -> AbstractContextManager[object]:
        """Makes the verbs of its body durable at once, when it is left: one wait for the disk instead of many.
        Nothing done inside counts as acknowledged before that; when the body raises, all of it may be undone. A verb that
        refuses has written nothing. No other writer comes between: what its body has read stays true until it is left."""

    # experiments
    def open_experiment(
        self,
        description: Description,
        *,
        fresh: bool = False,
        any_seed: bool = False,
        nonce: str | None = None,
    ) -> tuple[ExperimentRecord, bool]:
        """Finds the newest experiment with this identity and seed (with `any_seed`, whatever its seed) and amends
        its budget and limits, or, when there is none or `fresh` is set, creates one. Tells which it did.
        A named one is found by its name, or is an unnamed twin that takes it. With a `nonce`, a fresh one sent twice
        is created once. **Raises** UsageError where the name belongs to another search."""

    def set_wish(self, experiment: int, wish: Wish, reason: str = "") -> bool:
        """Records what a person asked. False when it was so already."""

    def remove(self, experiment: int) -> None:
        """Forgets an experiment whole. **Raises** ConflictError while one of its trials is running."""

    # proposing
    def reserve(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Reservation]:
        """Takes up to `n` numbers within the budget, orphaned reservations first. Empty when it is spent or a person wants
        nothing new; only orphans while `crew.MOST_RESERVED` are not written yet. Orphaned is one whose lease ran out, that
        another boot wrote, or that is an earlier one of this very worker, which proposes one batch at a time."""

    def propose(
        self,
        experiment: int,
        nonce: str,
        proposals: Sequence[tuple[int, Proposal]],
        exhausted: bool = False,
        *,
        distinct: bool = False,
    ) -> int:
        """Writes configurations for numbers reserved under `nonce`; returns how many it wrote of those still open. With
        `distinct`, one that equals a configuration written after the revision its proposal saw is refused: its number
        stays reserved, to be proposed again. With `exhausted`, unless one was refused, gives the other numbers of
        this nonce back and lowers the target to what exists. One given back is handed out again when none above it is used."""

    def abandon(self, worker: str) -> None:
        """Makes the reservations of a dead worker free to be taken over at once."""

    def enqueue(self, experiment: int, configurations: Sequence[Configuration], nonce: str) -> list[int]:
        """Adds a person's own configurations, to run before the algorithm's; raises the target when it is spent."""

    # running
    def claim(
        self, experiment: int, n: int, worker: str, nonce: str, lease_seconds: float = 60.0
    ) -> list[Claim]:
        """Begins an attempt of up to `n` queued trials: first a person's, the retried and the promoted, then the others,
        each by number. Never more than the target leaves beside the trials that are finished, run or wait."""

    def renew(self, ids: Sequence[AttemptId], worker: str, lease_seconds: float = 60.0) -> list[AttemptId]:
        """Extends leases; returns the attempts that are no longer this worker's."""

    def adopt(self, id: AttemptId, from_worker: str, to_worker: str, lease_seconds: float = 60.0) -> bool:
        """Moves a running attempt to another worker. False when neither of the two holds it."""

    def note_command(self, id: AttemptId, words: Sequence[str]) -> None:
        """Records the words an attempt runs, whole. Nothing when it has ended."""

    def note_decision(
        self, id: AttemptId, rule: str, resource: float, reason: str, *, stops: bool, completes: bool = False
    ) -> None:
        """Records what a stopping rule made of a running attempt, as an event `decided`; a stop may say that it
        `completes` the trial. Nothing when it has ended; sent twice, it says the same twice."""

    def note_reuse(self, id: AttemptId, source: AttemptId) -> None:
        """Records that a running attempt takes the points and the result of another, as an event `reused`; else as that."""

    def note_provenance(self, experiment: int, worker: str, text: str, since: float = 0.0) -> str:
        """Records what the attempts run with that `worker` begins, or has begun, from `since` on. A text is kept once however
        many refer to it; returns its digest. What was noted for the same moment is replaced."""

    def report(self, id: AttemptId, first: int, points: Sequence[Point]) -> Verdict:
        """Appends points; `first` is the attempt's own number of the first one, from 0, so a repeat adds nothing. Values may be
        any float; a step that is NaN is kept as 0. **Raises** ConflictError when points before `first` are missing."""

    def finish(self, id: AttemptId, result: Result, *, again: bool = False, pause: bool = False) -> Verdict:
        """Ends an attempt. The trial is finished; with `again` it is queued for another attempt of the same stage; with
        `pause` it waits for its next stage: it has this result, but is not finished, so never among the best."""

    # workers
    def announce(self, worker: WorkerRecord) -> None:
        """Records what a worker says of itself, seen now, and not what it said before. A week's silence is the end of one."""

    def workers(self) -> list[WorkerRecord]:
        """What workers said of themselves, the last seen first."""

    def tallies(self, experiment: int) -> dict[str, Tally]:
        """How the attempts of an experiment went, by the worker that began them. **Cost** all its attempts."""

    # what travels with the record
    def keep_blob(self, name: str, content: bytes) -> None:
        """Keeps a content under a name, which is kept once: what is there stays as it is."""

    def has_blob(self, name: str) -> bool:
        """Whether a content is kept under a name."""

    def blob(self, name: str) -> bytes | None:
        """The content under a name; None where there is none."""

    # a person's verbs on trials
    def cancel(self, experiment: int, number: int, outcome: Outcome, reason: str) -> bool:
        """Finishes a trial that is queued, or waiting: then it keeps what it had reached. False in every other state."""

    def promote(self, experiment: int, number: int) -> bool:
        """Queues a waiting trial for its next stage, before the others; its result stays with the attempt. False in
        every other state."""

    def request_end(self, id: AttemptId, wish: Wish, reason: str) -> bool:
        """Asks whoever holds an attempt to end it (STOP or KILL), as an event `requested`; False when it doesn't run."""

    def retry(self, experiment: int, number: int) -> bool:
        """Queues a finished trial for another attempt of its last stage, before the others; its result stays with the
        attempt. False in every other state."""

    def note_look(self, experiment: int, number: int, detail: Mapping[str, Any]) -> None:
        """Records that the test set was scored with a trial's configuration, as an event `looked`; sent twice, it says so twice."""

    # reading
    def experiment(self, experiment: int) -> ExperimentRecord: ...

    def experiments(self) -> list[ExperimentRecord]: ...

    def trial(self, experiment: int, number: int) -> Trial: ...

    def trials(
        self, experiment: int, sort: Sort = BY_NUMBER, limit: int = -1, offset: int = 0
    ) -> list[Trial]:
        """A page of trials that have a configuration; ties go by number. By `value`, the succeeded ones whose value
        is a number, the largest first unless `smallest_first`; by a metric, those that reported it, NaN last."""

    def changed_trials(self, experiment: int, since: int) -> list[Trial]:
        """The trials that have a configuration and changed after a revision, by number; since 0 all of them."""

    def history(self, experiment: int) -> History:
        """All trials that have a configuration, frozen, at one revision, with the target as it stood then. One whose
        lease lapsed is given as queued. A trial that has not changed is the same value as in the last history."""

    def attempts(self, experiment: int, number: int) -> list[Attempt]: ...

    def spent(self, experiment: int, numbers: Sequence[int]) -> dict[int, Spent]:
        """What the attempts of these trials took, by number; those that have none are left out. **Cost** one read."""

    def holds_any(self, worker: str) -> bool:
        """Whether an attempt or a reservation is still held in this worker's name."""

    def points(
        self, experiment: int, number: int, metric: str | None = None, attempt: int | None = None
    ) -> list[Point]:
        """The points of all attempts of a trial, or of one, in the order they were reported."""

    def points_from(self, id: AttemptId, first: int, limit: int) -> list[Point]:
        """At most `limit` points of an attempt, from its own number `first` on: for reading many in pages."""

    def summaries(self, experiment: int, number: int) -> list[SummaryRow]: ...

    def summaries_of(
        self, experiment: int, numbers: Sequence[int] | None = None
    ) -> dict[int, list[SummaryRow]]:
        """The same of these trials, or of all, by number; those that have none are left out. **Cost** one read."""

    def metric_names(self, experiment: int) -> list[str]: ...

    def unsuccessful(self, experiment: int) -> dict[Outcome, int]:
        """How many trials ended in each other way than success."""

    def held(self, experiment: int, dead: Sequence[str] | None = None) -> list[Held]:
        """The attempts that are running now. With `dead`, only those whose lease ran out, and those of these workers.
        **Cost** where many machines share the store and none is `dead`, that of the answer, however many run."""

    def lost(self, experiment: int, number: int) -> int:
        """How many attempts of a trial were lost."""

    def events(self, since: int = 0, experiment: int | None = None, limit: int = -1) -> list[Event]: ...

    def decisions(self, experiment: int, number: int) -> list[Event]:
        """The events `decided` of one trial, the oldest first. **Cost** theirs alone (memory: of all events)."""

    def end_requests(self, experiment: int, since: int = 0) -> list[Event]:
        """The events `requested` above a revision, the oldest first. **Cost** as `decisions`."""

    def looks(self, experiment: int) -> list[Event]:
        """The events `looked` of an experiment, the oldest first. **Cost** as `decisions`."""

    def newest_wish(self, experiment: int) -> Event | None:
        """The newest event `wished`, whose detail has the `wish` and the `reason`. **Cost** the events since then."""

    def provenance(self, id: AttemptId) -> str | None:
        """What an attempt ran with: the newest text its worker noted for when it began, or its first."""

    def sheets(self, experiment: int) -> list[Sheet]:
        """All that was noted for an experiment, the oldest first."""

    def revision(self) -> int:
        """The newest revision of the whole record."""

    def wait(self, since: int, seconds: float) -> int:
        """The newest revision: at once where it is above `since`, else as soon as it is, or when the time is over. Other
        verbs go on meanwhile."""

    def close(self) -> None: ...
