"""Looks after the tasks of an experiment in the background: starts them, restarts a worker that died, ends them together.

    python -m luthier.cli.doors.gradient.supervising STORE ID

Each task is an attempt under a guardian of its own (`run.command`), so a task ends with all it has started, and goes on
when this process is killed; the next one adopts it. What is to be known of an attempt is written before it begins. When the
tuning command has ended there is nothing left to evaluate, and the workers are ended.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from luthier.cli.doors.gradient.housing import House
from luthier.cli.doors.gradient.record import FAILURE, SERVER, Room, Run, Task, Tuning
from luthier.cli.doors.gradient.workspace import copied, inside
from luthier.clock import SystemClock
from luthier.description import Limits
from luthier.errors import LuthierError
from luthier.run.command import CommandRunner
from luthier.run.environment import base_environment, cpu_share
from luthier.run.runner import Adoption, Ended, Order, Started
from luthier.trial import AttemptId, Outcome

__all__ = ["main", "supervise"]

BEAT_SECONDS = 0.2
GRACE_SECONDS = 10.0
MOST_BEGINNINGS = 3
"""So often a worker is begun that ends badly; one that leaves in order is not begun again."""
LIMITS = Limits(grace_seconds=GRACE_SECONDS)


class Supervisor:
    """The loop. `starts` tells a new start from one that only sees to what still runs."""

    def __init__(self, room: Room, tuning: Tuning, *, starts: bool) -> None:
        self._room = room
        self._tuning = tuning
        self._starts = starts
        self._tasks = room.read_tasks()
        threads = cpu_share(None, tuning.worker_count)
        self._runner = CommandRunner(room.path, base_environment(os.environ, threads))
        self._clock = SystemClock()
        self._house = House(room, tuning, lambda: not room.is_to_stop)
        self._is_stopping = False
        self._is_ending = False

    def run(self) -> None:
        """Runs until every task has ended."""
        try:
            self._take_up()
            if self._starts:
                self._begin()
            while self._running():
                self._tell_of_workers()
                self._wait()
        except (LuthierError, OSError):
            self._give_up()
            raise
        finally:
            self._runner.close(leave_running=True)

    def _give_up(self) -> None:
        """Kills what runs: not all of the tasks could be begun."""
        self._runner.close(leave_running=False)
        for name in self._running():
            self._note(
                name, replace(self._tasks[name].runs[-1], outcome="killed", reason="another task failed")
            )

    # ------------------------------------------------------------------ beginning

    def _take_up(self) -> None:
        """Adopts what an earlier supervisor left running, and notes what has ended meanwhile."""
        for number, name in enumerate(self._tuning.tasks):
            task = self._tasks.get(name)
            run = task.runs[-1] if task and task.runs else None
            if task is None or run is None or run.outcome is not None:
                continue
            id = AttemptId(0, number, run.number)
            state = self._runner.adopt(id, run.key, self._room.attempt(name, run.number).path)
            if state is Adoption.NEVER_BEGAN:
                self._note(name, replace(run, outcome="interrupted", reason="it had not begun"))

    def _begin(self) -> None:
        """Starts all tasks; where some run that an earlier supervisor left, the workers that are missing."""
        is_new = not self._running()
        for name in self._tuning.tasks:
            task = self._tasks.get(name, Task(name))
            self._tasks[name] = replace(task, first=len(task.runs)) if is_new else task
        wanted = [n for n in self._tuning.tasks if not _runs(self._tasks[n]) and (is_new or n != SERVER)]
        if not is_new and SERVER not in self._running():
            return
        (self._room.store / "gradient" / "storage" / "models").mkdir(parents=True, exist_ok=True)
        for name in wanted:
            self._house.prepare(name)
        if self._house.why != self._tuning.no_container:
            self._tuning = replace(self._room.read(), no_container=self._house.why)
            self._room.write(self._tuning)
        self._room.no_workers.unlink(missing_ok=True)
        for name in wanted:
            if not self._room.is_to_stop:
                self._start(name)

    def _start(self, name: str) -> None:
        """Begins an attempt of a task: written first, then run."""
        number = len(self._tasks[name].runs) + 1
        files = self._room.attempt(name, number)
        key = f"{self._tuning.id}-{name}-{number}-{os.urandom(4).hex()}"
        workspace = Path(files.trial) / "workspace"
        if not workspace.exists():
            copied(self._room.path / "workspace", workspace)
        command = self._tuning.tuning_command if name == SERVER else self._tuning.worker_command
        cwd = str(inside(workspace, self._tuning.working_directory))
        files.prepare(argv=(command,), cwd=cwd, texts={}, values={})
        place = self._tuning.tasks.index(name)
        marks = {"LUTHIER_ATTEMPT_KEY": key, "LUTHIER_OUTPUT_DIR": files.outputs}
        plain = Order(AttemptId(0, place, number), key, (), marks, cwd, files.path, LIMITS, place)
        order = self._house.order(name, plain, files, command)
        self._note(name, Run(number, key))
        self._runner.start(order)

    # ------------------------------------------------------------------ going on

    def _running(self) -> list[str]:
        return [name for name, task in self._tasks.items() if _runs(task)]

    def _wait(self) -> None:
        for event in self._runner.events(BEAT_SECONDS):
            name = self._tuning.tasks[event.id.trial]
            run = next(run for run in self._tasks[name].runs if run.number == event.id.attempt)
            if isinstance(event, Started):
                self._note(name, replace(run, began=event.began))
            else:
                self._ended(name, run, event)
        if self._room.is_to_stop and not self._is_stopping:
            self._is_stopping = True
            self._end_all(self._running(), Outcome.KILLED, "stopped by a person")
        if not self._is_stopping and not self._is_ending and SERVER not in self._running():
            self._is_ending = True
            self._end_all(self._running(), Outcome.STOPPED, "the tuning command has ended")

    def _end_all(self, names: Sequence[str], outcome: Outcome, reason: str) -> None:
        for name in names:
            id = AttemptId(0, self._tuning.tasks.index(name), self._tasks[name].runs[-1].number)
            self._runner.stop(id, outcome, reason, GRACE_SECONDS)

    def _ended(self, name: str, run: Run, event: Ended) -> None:
        result = event.result
        ended = event.ended if event.ended is not None else self._clock.now()
        self._note(
            name,
            replace(
                run,
                began=run.began if run.began is not None else event.began,
                ended=ended,
                outcome=result.outcome.value,
                reason=result.reason,
                exit_code=result.exit_code,
            ),
        )
        task = self._tasks[name]
        went_badly = result.outcome in (Outcome.FAILED, Outcome.LOST, Outcome.OUT_OF_MEMORY)
        is_alone = (
            self._is_stopping or self._is_ending or self._room.is_to_stop or SERVER not in self._running()
        )
        if name != SERVER and went_badly and not is_alone and len(task.runs) - task.first < MOST_BEGINNINGS:
            self._start(name)

    def _note(self, name: str, run: Run) -> None:
        self._tasks[name] = self._tasks.get(name, Task(name)).noted(run)
        self._room.write_tasks(self._tasks)

    def _tell_of_workers(self) -> None:
        """Lets the tuning program evaluate by itself while there is no worker."""
        if any(name != SERVER for name in self._running()):
            self._room.no_workers.unlink(missing_ok=True)
        else:
            self._room.no_workers.touch()


def _runs(task: Task) -> bool:
    """Whether the newest attempt has not ended."""
    return task.last is not None and task.last.outcome is None


def supervise(room: Room, *, starts: bool, ready: Callable[[], None] | None = None) -> None:
    """Looks after the tasks until all have ended. `ready` is called once nobody else can.

    **Raises** UsageError while another process looks after them.
    """
    tuning = room.read()
    with room.supervised():
        if starts:
            room.forget_wish()
            (room.path / FAILURE).unlink(missing_ok=True)
        if ready is not None:
            ready()
        try:
            Supervisor(room, tuning, starts=starts).run()
        finally:
            room.forget_wish()


def main(words: Sequence[str]) -> int:
    """Supervises in the background, as the door asked for it."""
    from luthier.drive.background import say_ready

    store, id = words
    room = Room(Path(store), id)
    try:
        supervise(room, starts=True, ready=say_ready)
    except (LuthierError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        with suppress(OSError):
            (room.path / FAILURE).write_text(str(error), encoding="utf-8")
        return error.exit_code if isinstance(error, LuthierError) else 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
