"""Puts a drive together: the locks, the runner, the slots, and takes them apart again.

`Session` is what the command line and the Python face hold. It loads the loop only when it drives. Everything that must be undone is undone on leaving,
also after an error; running trials go on without us, as they would after a crash, unless they were ended before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from luthier.clock import Clock, SystemClock
from luthier.description import Description, Limits
from luthier.drive.alive import Alive
from luthier.drive.presence import Presence
from luthier.drive.slots import Slots
from luthier.errors import StoreUnavailable
from luthier.metrics.report import outer_ranks
from luthier.run.command import CommandRunner
from luthier.run.environment import base_environment, cpu_share
from luthier.run.folders import Folders
from luthier.run.platform import cores, require_platform
from luthier.store import ExperimentRecord, Store

if TYPE_CHECKING:
    from luthier.drive.callee import Callee
    from luthier.drive.ends import Ending, Interrupts
    from luthier.drive.listener import Listener
    from luthier.drive.loop import Drive
    from luthier.drive.on_ray import OnRay, OpenRay
    from luthier.drive.provenance import Provenance
    from luthier.drive.work import Work
    from luthier.run.gpus import Device
    from luthier.run.runner import Runner

__all__ = ["Session", "parallel_slots"]

AGAIN_SECONDS = 2.0
"""How long to wait before a server that does not answer is asked again."""


def parallel_slots(limits: Limits) -> Slots:
    """Returns the places trials run in: as many as asked for, else one a core; never more than the GPUs can hold.

    **Raises** UsageError when trials need GPUs and there are too few for even one.
    """
    wanted = limits.parallel or cores()
    if not limits.gpus:
        return Slots([None] * wanted)
    from luthier.run.gpus import GpuSlots

    gpus = GpuSlots(_devices(os.environ.get("PATH"), os.environ.get("CUDA_VISIBLE_DEVICES")))
    devices: list[tuple[str, ...] | None] = []
    while len(devices) < wanted and (given := gpus.allocate(limits.gpus)) is not None:
        devices.append(given)
    return Slots(devices)


@lru_cache(maxsize=1)
def _devices(path: str | None, visible: str | None) -> tuple[Device, ...]:
    """This machine's GPUs. A real nvidia-smi takes a second, so it is asked once for each environment."""
    from luthier.run.gpus import discover

    return discover(os.environ)


@dataclass(eq=False, repr=False)
class Session:
    """One worker of a store in `folder`, as a context manager. The folder of a store in memory is gone with it, which
    `is_durable` says. What trials ran with is found out unless the store is thrown away soon (`notes_provenance`);
    `progress` is told how far a snapshot of the code has come. `tags` are what it tells others of its machine; trials run `on`
    Ray, or here. `depot` is where code waits for machines that do not have it, None for the store itself or what the
    environment says. `lease_seconds` is how long it may be silent before others take over what it runs."""

    store: Store
    folder: Path
    clock: Clock = field(default_factory=SystemClock)
    is_durable: bool = True
    notes_provenance: bool = True
    progress: Callable[[int, int], None] | None = None
    tags: tuple[str, ...] = ()
    on: OnRay | None = None
    depot: str | None = None
    lease_seconds: float = 60.0

    def __post_init__(self) -> None:
        require_platform()
        self.alive = Alive(self.folder)
        self.folders = Folders(self.folder)
        self._exit = ExitStack()
        self._runner: Runner | None = None
        self._ray: OpenRay | None = None
        self._driven: ExperimentRecord | None = None

    def __enter__(self) -> Session:
        self._begin_to_work()
        self._exit.push(lambda kind, error, trace: self._hold.leave() if error else self._hold.release())
        self._exit.callback(lambda: self.presence.leave())  # noqa: PLW0108  that of the end, not of the beginning
        return self

    def _begin_to_work(self) -> None:
        self.worker, self._hold = self.alive.work(self.tags)
        self.presence = Presence(self.store, self.worker, self.clock, self.tags)

    def slots(self, limits: Limits) -> Slots:
        """The places trials run in, here or on Ray. **Raises** UsageError where not even one fits."""
        return parallel_slots(limits) if self.on is None else self._open_ray(self.on).slots(limits)

    def start_runner(self, limits: Limits, callee: Callee | None = None) -> Runner:
        """Starts the nursery, early, so that it is ready when the first trial is; or connects to Ray, to call a function
        there where one is given. **Raises** UsageError where that can't be sent."""
        if self._runner is None:
            environment = self._environment(limits)
            # A worker that srun or mpirun started has a rank that is not its trials'.
            environment["LUTHIER_OUTER_RANKS"] = outer_ranks(os.environ)
            if self.on is None:
                self._runner = CommandRunner(self.folder, environment)
            else:
                self._runner = self._runner_on_ray(self.on, limits, environment, callee)
            self._exit.callback(self._runner.close, leave_running=callee is None or self.on is None)
        return self._runner

    def _runner_on_ray(
        self, on: OnRay, limits: Limits, environment: dict[str, str], callee: Callee | None
    ) -> Runner:
        def description() -> Description | None:
            return self._driven.description if self._driven else None

        if callee is None:
            return self._open_ray(on).runner(limits, environment, description)
        from luthier.drive.calls import sent

        payload = sent(callee)  # what can't be sent is said before a Ray is started
        return self._open_ray(on).function_runner(payload, limits, environment, description)

    def _open_ray(self, on: OnRay) -> OpenRay:
        if self._ray is None:
            from luthier.drive.on_ray import OpenRay

            self._ray = OpenRay(on, self.folder, self._exit)
        return self._ray

    def _environment(self, limits: Limits) -> dict[str, str]:
        """What every attempt inherits. On Ray each has the cores it asked for, else one."""
        share = (
            cpu_share(limits.cpus, len(parallel_slots(limits)))
            if self.on is None
            else cpu_share(limits.cpus or 1, 1)
        )
        return base_environment(os.environ, share)

    def become_driver(self, experiment: int) -> None:
        """Takes the experiment's driver lock.

        **Raises** AliveError while another process has it.
        """
        self._exit.callback(self.alive.drive(experiment).release)

    def drive(
        self,
        record: ExperimentRecord,
        listener: Listener,
        interrupts: Interrupts,
        *,
        wary: bool = False,
        limits: Limits | None = None,
        callee: Callee | None = None,
        here: bool = False,
        most: int | None = None,
    ) -> Ending:
        """Drives an experiment to its end. `limits` are this machine's, where they differ from the experiment's; `callee`
        is what a function's trials call, in workers or, with `here`, in this process. At most `most` attempts are begun.

        Where the server of the store is gone for a while, the trials of a command go on, and so does this when it is back.
        """
        while True:
            drive = self._drive_of(record, listener, interrupts, limits, callee, here=here)
            drive.wary, drive.most = wary, most
            try:
                with self._noting(drive.record, drive, listener, here=here):
                    return drive.run() if callee is None or here else self._drive_with_sprints(drive)
            except StoreUnavailable as error:
                if callee is not None or not self.alive.is_shared:
                    raise
                most = drive.most
                record = self._outlive(error, record, listener, interrupts)

    def _outlive(
        self, error: StoreUnavailable, record: ExperimentRecord, listener: Listener, interrupts: Interrupts
    ) -> ExperimentRecord:
        """Waits for the store to answer again; returns the record. Meanwhile nobody drives: the guardians see to what runs, and
        the next drive adopts it in a new name, as if this process had died and been started again."""
        what = str(error).partition("; ")[0]
        listener.note(f"warning: {what}; what runs goes on, and the search when the server answers again")
        self._hold.leave()
        interrupts.watched_by(None)
        if self._runner is not None:
            self._runner.close(leave_running=True)
            self._runner = None
        while True:
            if interrupts.wait(AGAIN_SECONDS):
                raise error
            try:
                record = self.store.experiment(record.id)
                break
            except StoreUnavailable:
                continue
        listener.note("the store answers again")
        self._begin_to_work()
        interrupts.watched_by(self.start_runner(record.description.limits))
        return record

    def _drive_of(
        self,
        record: ExperimentRecord,
        listener: Listener,
        interrupts: Interrupts,
        limits: Limits | None,
        callee: Callee | None,
        *,
        here: bool,
    ) -> Drive:
        """The loop with all it needs."""
        from luthier.drive.loop import Drive  # not before the nursery was started, which gets ready meanwhile

        self._driven = record = self._settled(record, listener)
        limits = limits or record.description.limits
        runner, work = self._means(record, limits, callee, here=here)
        self._warn_of_changes(record, listener)
        if record.description.environment is not None:
            from luthier.drive.containing import make_ready

            make_ready(self.store, record, self.folder, listener, interrupts)
        drive = Drive(
            store=self.store,
            record=record,
            runner=runner,
            work=work,
            folders=self.folders,
            alive=self.alive,
            worker=self.worker,
            slots=Slots([None]) if here else self.slots(limits),
            clock=self.clock,
            listener=listener,
            interrupts=interrupts,
            lease_seconds=self.lease_seconds,
            presence=self.presence,
        )
        if callee is not None and drive.referee.decides:
            from luthier.run.calls import Heeding

            assert isinstance(runner, Heeding), "whoever runs calls can answer them"
            runner.heed = drive.heed
        return drive

    def _settled(self, record: ExperimentRecord, listener: Listener) -> ExperimentRecord:
        """The experiment as it is to be run from here: on Ray, or with its code and files brought to this machine."""
        if self.on is not None:
            self._open_ray(self.on).say = listener.note
        elif self.alive.is_shared:
            from luthier.drive.elsewhere import at_home

            return at_home(self.store, self.folder, record, self.depot)
        return record

    @contextmanager
    def _noting(
        self, record: ExperimentRecord, drive: Drive, listener: Listener, *, here: bool
    ) -> Iterator[None]:
        """Finds out what the trials run with: before they run where that is wanted, else meanwhile. A store that is thrown
        away has no use for it."""
        if not self.is_durable or not self.notes_provenance:
            yield
            return
        from luthier.drive.provenance import Collecting

        what = record.description
        environment = self._environment(what.limits)
        noting = Collecting(self.store, record, self.worker, self.folder, environment, self.depot)
        if what.keeping.snapshot == "all" or what.keeping.reuse:
            known = noting.collect(self.progress)
            if what.keeping.reuse and what.command is not None:
                self._reuse(drive, known, listener)
        else:  # a function that is called here may fork: then no thread runs beside it
            noting.start(self.clock.now(), at_end=here)
        try:
            yield
        finally:
            if said := noting.finish():
                listener.note(f"warning: {said}")
            if drive.reusing is not None and (taken := drive.reusing.taken):
                listener.note(f"{taken} did not run: the results are those of identical trials (--reuse)")

    def _reuse(self, drive: Drive, known: Provenance, listener: Listener) -> None:
        """Has the drive take results of identical trials."""
        if known.code is None:
            listener.note(f"warning: nothing is reused, for the code was not kept: {known.no_code}")
            return
        from luthier.drive.reusing import Reusing

        drive.reusing = Reusing(self.store, self.folders, drive.description, known)

    def _drive_with_sprints(self, drive: Drive) -> Ending:
        """Drives a function's trials; while they are too short for the loop, they are sprinted through."""
        from luthier.drive.ends import Why
        from luthier.drive.sprint import SHORT_SECONDS, Sprint, may_sprint

        if self.on is not None or not may_sprint(self.store, drive.description):
            return drive.run()
        drive.sprint_seconds = SHORT_SECONDS
        while (ending := drive.run()).why is Why.HANDED_OVER:
            is_short = Sprint.of(drive).run()
            drive.sprint_seconds *= is_short
        return ending

    def _means(
        self, record: ExperimentRecord, limits: Limits, callee: Callee | None, *, here: bool
    ) -> tuple[Runner, Work]:
        """What executes the attempts, and how they are made."""
        from luthier.drive.work import Commands

        if callee is None:
            return self.start_runner(limits), Commands(record.description, self.folders, record.created)
        from luthier.drive.calls import Calls, sent

        runner: HereRunner | FunctionRunner | RayFunctionRunner
        if self.on is not None:
            from luthier.run.ray_function import RayFunctionRunner

            commands = self.start_runner(limits, callee)
            assert isinstance(commands, RayFunctionRunner), "it was started for the function"
            runner = commands
        elif here:
            from luthier.run.here import HereRunner

            runner = HereRunner(callee)
        else:
            from luthier.run.function import FunctionRunner

            commands = self.start_runner(limits)
            assert isinstance(commands, CommandRunner), "this machine runs programs"
            runner = FunctionRunner(sent(callee), commands)
        self._exit.callback(runner.close, leave_running=False)
        return runner, Calls(record.description, self.folders, runner, is_durable=self.is_durable, pace=[1.0])

    def _warn_of_changes(self, record: ExperimentRecord, listener: Listener) -> None:
        from luthier.drive.changes import changed_files

        command = record.description.command
        changed = changed_files(self.folders, record.id, command) if command else []
        if changed and record.finished:
            listener.note(
                f"warning: {', '.join(changed)} changed since the {record.finished} finished trials of experiment "
                f"{record.id}; it goes on with the new code (--new starts another experiment)"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.__exit__(kind, error, trace)
