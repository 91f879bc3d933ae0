"""The loop that turns the handle: heed, plan, start, wait, take, watch.

    while not over:
        heed       what a person asked: pause, stop, kill, Ctrl-C
        plan       keep the queue filled, within the budget
        start      claim queued trials for the free slots
        wait       until a trial ends, a signal comes or the beat is over
        take       judge what ended and make it durable
        watch      read what running trials report; renew leases; adopt what the dead left behind

Everything it knows it can read again from the store: kill it at any line and the next one goes on. It holds no
algorithm, no SQL and no process code of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luthier.clock import Clock
from luthier.drive.alive import Alive
from luthier.drive.doubting import Doubts
from luthier.drive.ends import Ending, Interrupts, Why, is_planned, nothing_left
from luthier.drive.experience import Experience
from luthier.drive.glances import BEAT_SECONDS, Glances
from luthier.drive.goals import Goals
from luthier.drive.judging import judge, wants_again
from luthier.drive.leases import LEASE_SECONDS, Leases
from luthier.drive.leaving import Leaving
from luthier.drive.listener import Ended, Listener
from luthier.drive.planning import nonce, top_up
from luthier.drive.recovering import Rounds, recover
from luthier.drive.referee import Referee, Stop
from luthier.drive.requests import Requests
from luthier.drive.slots import Slots
from luthier.drive.work import Running, Work
from luthier.errors import LuthierError
from luthier.run.folders import Folders
from luthier.run.runner import Ended as RunEnded
from luthier.run.runner import Event, Runner
from luthier.search import searcher
from luthier.store import Claim, ExperimentRecord, Store, Verdict, Wish
from luthier.trial import AttemptId, Outcome, Result

if TYPE_CHECKING:
    from luthier.drive.presence import Presence
    from luthier.drive.reusing import Reusing
    from luthier.drive.staging import Staging

__all__ = ["Drive"]

READ_SECONDS = 0.1  # how often at most reports are read, however many trials end meanwhile
GATHER_SECONDS = 0.1  # how long at most an end waits for others, to be written with them


@dataclass(eq=False, repr=False)
class Drive:
    """One worker at work on one experiment.

    A `wary` one begins three trials at most until one has not failed, so that a command that can't work costs no more,
    however many slots there are. With `sprint_seconds`, it hands over when trials are shorter than that and none is waiting.
    It begins at most `most` attempts.
    """

    store: Store
    record: ExperimentRecord
    runner: Runner
    work: Work
    folders: Folders
    alive: Alive
    worker: str
    slots: Slots
    clock: Clock
    listener: Listener = field(default_factory=Listener)
    interrupts: Interrupts = field(default_factory=Interrupts)
    wary: bool = False
    sprint_seconds: float = 0.0
    reusing: Reusing | None = None
    most: int | None = None
    lease_seconds: float = LEASE_SECONDS
    presence: Presence | None = None

    def __post_init__(self) -> None:
        self.id = self.record.id
        self.description = self.record.description._replace(seed=self.record.seed)
        self._running: dict[AttemptId, Running] = {}
        self.referee = Referee(self.store, self.id, self.description, self.worker, self.clock)
        self._staging: Staging | None = None
        if self.description.stages is not None:
            from luthier.drive.staging import Staging  # few experiments have stages

            self._staging = Staging(self.store, self.id, self.description)
        self._goals = Goals(self.store, self.description, self.clock)
        grace = self.description.limits.grace_seconds
        self._leaving = Leaving(self.runner, self.clock, grace, self._running, self.slots)
        self._experience = Experience(self.record, self.clock)
        self._leases = Leases(self, self.lease_seconds)
        self._requests = Requests(self.store, self.id, self._leaving)
        self._doubts = Doubts(self.store, self.id, self.worker)
        self._rounds = Rounds(self)
        self._glances = Glances(self.clock, self.interrupts)
        self._read = float("-inf")
        self._took = False  # the result of an identical trial: there is nothing to wait for
        self._learns = searcher(self.description.algorithm).looks_back

    def run(self) -> Ending:
        """Drives until the target is met, nothing is left, or a person says stop."""
        adopted = recover(self)
        self.listener.opened(self.record, adopted)
        events: list[Event] = []
        while True:
            ended = [e for e in events if isinstance(e, RunEnded) and e.id in self._running]
            is_to_look = bool(ended) or self._glances.are_due(self.record, len(self._running))
            why = self._turn(ended) if is_to_look else None
            if why is not None and not self._running:
                record = self.store.experiment(self.id)
                if record.is_met or why is not Why.MET:  # else a person has just added to it
                    return self._ending(why, record)
            if self._read < 0:  # what reads reports is loaded while the first trials start
                self._read_reports()
            events = self._wait()
            self._watch()

    def _ending(self, why: Why, record: ExperimentRecord) -> Ending:
        """How the drive ended, with what is to be said of it."""
        if why is Why.SET_ASIDE:
            self._doubts.give_back()
            return Ending(why, record, self._doubts.reason)
        over = self._goals.over(record)
        reason = over[1] if over is not None and over[0] is why else ""
        return Ending(why, record, reason, self._failed() if why is Why.ALL_FAILED else 0)

    def _turn(self, events: Sequence[RunEnded]) -> Why | None:
        """Takes what ended and starts what may start, with one wait for the disk; returns why nothing may.

        A proposal is computed outside the transaction, so that it never makes another worker wait. A turn that only looks is
        none: thousands of workers look all the time.
        """
        stages = self._staging if self.record.waiting or events else None
        writes = bool(events) or stages is not None
        with self.store.together() if writes else nullcontext():
            ended = [self._take(event) for event in events]
            self.record = self.store.experiment(self.id)
            if stages is not None and stages.advance(self.record):
                self.record = self.store.experiment(self.id)
            why = self._heed() or self._hands_over()
            free = self._free() if why is None else []
            is_short = self.record.queued < len(free) and not (is_planned(self.record) or self._is_sprint())
            claims = [] if is_short or not self.record.queued else self._claim(free)
        self._tell(ended)
        self._start(free, claims)
        if is_short:
            # Who learns proposes for one slot at a time, so that the first need not wait for the others' proposals.
            step = 1 if self._learns else len(free)
            for begin in range(0, len(free), step):
                self._plan_and_start(free[begin : begin + step])
        if len(self._running) < len(self.slots) and not is_planned(self.record):
            self._glances.at_once()  # others were quicker
        if why is None and not self._running:
            self.record = self.store.experiment(self.id)
            why = nothing_left(self.record)
        return why

    def _wait(self) -> list[Event]:
        """Waits for something to end; while every slot has enough to do, a moment longer, to write more at once."""
        events = self.runner.events(0.0 if self._took else BEAT_SECONDS)
        self._took = False
        until = self.clock.elapsed() + GATHER_SECONDS
        while events and (left := until - self.clock.elapsed()) > 0:
            if self.slots.shortest(event.id for event in events if isinstance(event, RunEnded)) < 2:
                break
            events += self.runner.events(left)
        return events

    # ------------------------------------------------------------------ heed

    def _heed(self) -> Why | None:
        """Does what a person asked of the whole experiment; returns why nothing may start, or None."""
        if presses := self.interrupts.look():
            self._leaving.end_all(
                Outcome.INTERRUPTED, f"interrupted by {self.interrupts.by}", kill=presses > 1
            )
            return Why.INTERRUPTED
        if self._experience.all_failed(self.record):
            return Why.MET if self.record.is_met else self._give_up_on_all()
        if not self.record.is_met and (over := self._goals.over(self.record)) is not None:
            return self._give_up(*over)
        if self._doubts.look(self.record, len(self._running), self.clock.elapsed()):
            self._leaving.end_all(Outcome.INTERRUPTED, "its worker set itself aside", kill=False)
            return Why.SET_ASIDE
        match self.record.wish:
            case Wish.RUN:
                return Why.MET if self.record.is_met else self._leaves()
            case Wish.PAUSE:
                self._leaving.withdraw_ahead()
                return Why.MET if self.record.is_met else Why.PAUSED
            case Wish.STOP:
                self._leaving.end_all(Outcome.STOPPED, "stopped by luthier stop", kill=False)
                return Why.STOPPED
            case Wish.KILL:
                self._leaving.end_all(Outcome.KILLED, "killed by luthier kill", kill=True)
                return Why.KILLED

    def _leaves(self) -> Why | None:
        """Whether this worker is to begin nothing more, whatever there is to do."""
        if self.interrupts.drains:
            self._leaving.withdraw_ahead()
            return Why.DRAINED
        return Why.ENOUGH if self.most == 0 else None

    def _give_up(self, why: Why, reason: str) -> Why:
        """Starts nothing more, though trials are left; what runs goes on only where it might still change that."""
        if self.record.wish is Wish.RUN:
            self.store.set_wish(self.id, Wish.PAUSE, reason)
        self._leaving.withdraw_ahead()
        if why is Why.TIME:
            self._leaving.end_all(Outcome.INTERRUPTED, reason, kill=False)
        elif why is Why.TARGET:
            self._leaving.end_all(Outcome.STOPPED, reason, kill=False)
        return why

    def _give_up_on_all(self) -> Why:
        """Starts nothing more, for the first trials all failed. While others are at it, only this worker leaves: it may be
        its machine that is broken."""
        if self.record.running > len(self._running):
            return Why.ALL_FAILED
        return self._give_up(Why.ALL_FAILED, f"the first {self._failed()} trials all failed")

    def _failed(self) -> int:
        """How many trials failed; others may have been killed or stopped meanwhile."""
        ended = self.store.unsuccessful(self.id)
        return sum(count for outcome, count in ended.items() if outcome.blames_configuration)

    def _hands_over(self) -> Why | None:
        """Whether it is done here, because trials are so short and all that were written have begun."""
        waits = self.record.queued or self.record.reserved
        return Why.HANDED_OVER if self._is_sprint() and not waits else None

    def _is_sprint(self) -> bool:
        return self._experience.are_shorter(self.sprint_seconds)

    # ------------------------------------------------------------------ plan and start

    def _free(self) -> list[int]:
        """The slots that may be given another trial."""
        # Nothing is sent ahead before one has gone well, after one failed, nor by who could still learn before it runs.
        if self._doubts.waits:
            return []
        works = self._experience.ended and self.record.succeeded and not (self._learns or self._doubts.failed)
        free = self.slots.free(self.work.ahead(self._experience.typical_seconds) if works else 0)
        free = free[: self.most] if self.most is not None else free
        return free[: self._experience.may_begin(self.record, len(self._running))] if self.wary else free

    def _plan_and_start(self, free: Sequence[int]) -> None:
        record = self.store.experiment(self.id)
        if self._glances.others_write(record):
            free = free[: record.queued]
        elif record.queued < len(free):
            top_up(self.store, self.id, self.description, len(free), self.worker, self.clock)
        self._start(free, self._claim(free))

    def _start(self, free: Sequence[int], claims: Sequence[Claim]) -> None:
        for place, claim in zip(free, claims, strict=False):
            self._launch(claim, place)

    def _claim(self, free: Sequence[int]) -> list[Claim]:
        """Begins an attempt for each free slot, as far as trials are queued, and records what it will run."""
        if not free:
            return []
        with self.store.together():
            claims = self.store.claim(self.id, len(free), self.worker, nonce(), self._leases.seconds)
            self.work.note(self.store, claims)
        if self.most is not None:
            self.most -= len(claims)
        return claims

    def _launch(self, claim: Claim, place: int) -> None:
        """Starts an attempt in a slot; one that can't even be started has failed."""
        id = claim.id
        running = self.work.running(claim, place)
        if self.reusing is not None and (taken := self.reusing.take(running)) is not None:
            self.conclude(running, taken)
            self._took = True
            return
        try:
            order = self.work.order(running, self.slots.devices(place))
        except LuthierError as error:
            self.conclude(running, Result(Outcome.FAILED, str(error)))
            return
        self._running[id] = running
        self.referee.begin(id.trial, onward=claim.stage > 0)
        self.slots.fill(place, id)
        self.runner.start(order)
        self.listener.began(claim)

    # ------------------------------------------------------------------ take

    def _take(self, event: RunEnded) -> Ended | None:
        """Writes how an attempt ended and frees its slot."""
        running = self._running.pop(event.id)
        self.slots.empty(running.slot, event.id)
        points = running.collect(self.store, self.clock.now(), last=True)
        if points:
            self.referee.hear(running, points, is_over=True)
        for note in (*running.notes(), *self.referee.unmet(running)):
            self.listener.note(f"{event.id.experiment}.{event.id.trial}: {note}")
        return self._conclude(running, event.result)

    def conclude(self, running: Running, result: Result, *, told: bool = True) -> None:
        """Makes it durable how an attempt of ours ended that this loop did not see end."""
        ended = self._conclude(running, result)
        self._glances.at_once()
        self._tell([ended] if told else [])

    def _conclude(self, running: Running, result: Result) -> Ended | None:
        id = running.id
        result = self._leaving.settled(id, result)
        result = judge(self.description, result, running.summaries, running.errors)
        result = self.referee.ended(running, result)
        again, result = wants_again(self.description, result, self._earlier(id, result.outcome))
        waits = ""
        if self._staging is not None and not again:
            result, waits = self._staging.ended(running, result)
            if waits:
                self.referee.begin(id.trial, onward=True)
        if self.store.finish(id, result, again=again, pause=bool(waits)) is Verdict.STALE:
            self.listener.note(f"{id}: its lease went to another worker; its late result is kept as an event")
            return None
        metrics = {name: summary.value("last") for name, summary in running.summaries.items()}
        at_once = running.at_once(result.seconds or 0.0)
        ended = Ended(running.claim, result, again, metrics, running.sources(), running.place, waits, at_once)
        self._experience.learn(ended)
        self._doubts.hear(id, result.outcome, result.reason)
        return ended

    def _earlier(self, id: AttemptId, outcome: Outcome) -> list[Outcome]:
        """How the earlier attempts of a trial ended; read only where it matters."""
        if id.attempt == 1 or outcome is Outcome.SUCCEEDED:
            return []
        attempts = self.store.attempts(id.experiment, id.trial)
        return [one.result.outcome for one in attempts if one.result and one.id.attempt < id.attempt]

    def _tell(self, ended: Sequence[Ended | None]) -> None:
        """Tells whoever watches, once it is durable."""
        for one in filter(None, ended):
            self.listener.ended(one)
        if self._staging is not None:
            self._staging.tell(self.listener)

    # ------------------------------------------------------------------ watch

    def _watch(self) -> None:
        """Reads what running trials report, keeps the leases, takes over from the dead."""
        now = self.clock.elapsed()
        if now - self._read >= READ_SECONDS:
            self._read = now
            self._read_reports()
        self._leases.keep(self._running)
        self._requests.heed(self.record.revision, self._running)
        self._rounds.go()
        self.listener.beat(self.record)

    def _read_reports(self) -> None:
        ahead = self.slots.ahead()  # they have not begun
        for running in [each for id, each in self._running.items() if id not in ahead]:
            if (stop := self._read_report(running)) is not None:
                self._leaving.let_go(running, stop)
        self._leaving.chase()

    def _read_report(self, running: Running) -> Stop | None:
        """Reads what an attempt reports; returns why it is to end early, where a rule says so."""
        points = running.collect(self.store, self.clock.now())
        if not points:
            return None
        self.listener.reported(running.id, points)
        is_leaving = bool(running.asked or self._leaving.told(running.id))
        return self.referee.hear(running, points, is_over=is_leaving)

    def heed(self, id: AttemptId) -> str | None:
        """What a call that reports is told while it waits: why it is to end, or None (`run.calls.Heed`)."""
        running = self._running.get(id)
        if running is not None and (stop := self._read_report(running)) is not None:
            self._leaving.let_go(running, stop)
        return self._leaving.told(id)

    def let_go(self, running: Running, stop: Stop) -> None:
        """Ends an attempt early that was adopted, as was decided before."""
        self._leaving.let_go(running, stop)

    def holds(self, id: AttemptId) -> bool:
        """Whether this worker runs the attempt."""
        return id in self._running

    def hold(self, running: Running) -> None:
        """Takes charge of an attempt that was adopted; it keeps a slot busy like any other."""
        self._running[running.id] = running
        self.slots.seat(running.id, running.devices())
