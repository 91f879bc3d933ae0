"""Processes that evaluate an objective side by side: `fmin(workers=N)` has N, a worker of `MongoTrials` has one.

They are the engine's own (`run/function.py`): warm between trials, each under a guardian that ends it with everything
it started. What an objective returns comes back as a pickle, for it may hold anything; what it prints appears here
while it runs. Only processes that this one started are handed the objective, and only what they wrote is unpickled.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any, Self, cast

from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.evaluating import End, died, evaluated, pickled
from luthier.description import Limits
from luthier.drive.calls import sent
from luthier.errors import UsageError
from luthier.run.calls import Call
from luthier.run.command import CommandRunner
from luthier.run.environment import base_environment, cpu_share
from luthier.run.function import FunctionRunner
from luthier.run.rooms import Room
from luthier.run.runner import Ended
from luthier.trial import AttemptId, Outcome

__all__ = ["Pool"]

LOOK_SECONDS = 0.2
"""How often at least what is printed is passed on."""
FILE = "end.pickle"


class Evaluation:
    """What the processes are sent: they call it. `function` is the objective, by which its module is known."""

    def __init__(self, domain: Domain) -> None:
        self.function = domain.fn
        self._domain = domain

    def __call__(
        self, given: Mapping[str, Any], seed: int, name: str, folder: str, tell: Any
    ) -> tuple[str, str, None]:
        """Evaluates once and leaves the end in the folder."""
        try:
            end = evaluated(self._domain, given["tid"], given["values"])
        except SystemExit as error:  # in another process it ends a trial and no program
            end = _failed(error)
        data = _whole(end)
        os.makedirs(folder, exist_ok=True)
        Path(folder, FILE).write_bytes(data)
        return Outcome.SUCCEEDED.value, "", None


def _whole(end: End) -> bytes:
    """The end as bytes; where it holds what can't be sent, an end that says so."""
    try:
        end["raised"] = None if end["raised"] is None else pickled(end["raised"])
    except UsageError:
        end["raised"] = None  # its type and words say enough
    try:
        return pickled(end)
    except UsageError as error:
        return pickled(_failed(error))


def _failed(error: BaseException) -> End:
    return {**died(""), "died": None, "error": (str(type(error)), str(error))}


def _read(data: bytes) -> End:
    """The end of these bytes. An exception whose class can't be made here is known by its words alone."""
    end: End = pickle.loads(data)  # noqa: S301  a process of ours wrote it
    try:
        end["raised"] = end["raised"] and pickle.loads(end["raised"])  # noqa: S301  as above
    except Exception:  # noqa: BLE001  it is the user's class
        end["raised"] = None
    return end


@dataclass
class _Running:
    """One evaluation under way, and how much of what it printed was passed on."""

    key: Any
    folder: Path
    slot: int
    read: dict[str, int] = field(default_factory=dict)

    def pass_on(self) -> None:
        """Prints here what was printed there since the last look."""
        for name, stream in (("stdout.log", sys.stdout), ("stderr.log", sys.stderr)):
            try:
                with open(self.folder / name, "rb") as file:
                    file.seek(self.read.get(name, 0))
                    data = file.read()
            except FileNotFoundError:
                continue
            self.read[name] = self.read.get(name, 0) + len(data)
            if data:
                stream.write(data.decode(errors="replace"))
                stream.flush()


class Pool:
    """`slots` processes for one objective, as a context manager. `threads` caps those of numerical libraries in each."""

    def __init__(self, domain: Domain, slots: int, *, threads: int | None = None) -> None:
        self.domain = domain
        self._stack = ExitStack()
        self._room = Path(self._stack.enter_context(Room()))
        payload = sent(cast(Any, Evaluation(domain)))
        commands = CommandRunner(self._room, base_environment(os.environ, threads))
        self._stack.callback(commands.close, leave_running=False)
        self._runner = FunctionRunner(payload, commands)
        self._stack.callback(self._runner.close, leave_running=False)
        self._free = list(reversed(range(slots)))
        self._running: dict[AttemptId, _Running] = {}
        self._begun = 0

    @classmethod
    def side_by_side(cls, domain: Domain, slots: int) -> Pool:
        """One whose processes share this machine's cores."""
        return cls(domain, slots, threads=cpu_share(None, slots))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes and what they were evaluating. May be repeated."""
        self._stack.close()
        self._running.clear()

    @property
    def has_room(self) -> bool:
        """Whether another evaluation could begin at once."""
        return bool(self._free)

    @property
    def is_busy(self) -> bool:
        """Whether an evaluation is under way."""
        return bool(self._running)

    def begin(self, key: Any, tid: Any, values: Mapping[str, Any]) -> None:
        """Begins an evaluation, whose end is told with `key`."""
        self._begun += 1
        id = AttemptId(0, self._begun, 1)
        slot = self._free.pop()
        folder = self._room / str(self._begun)
        folder.mkdir()
        self._running[id] = _Running(key, folder, slot)
        given = {"tid": tid, "values": dict(values)}
        self._runner.start(Call(id, given, 0, str(folder), True, Limits(), slot))

    def ended(self) -> list[tuple[Any, End]]:
        """Waits until an evaluation has ended; those that have, in their order, and nothing where none is under way.

        **Raises** UsageError where the objective can't be loaded in another process.
        """
        found: list[tuple[Any, End]] = []
        while self._running and not found:
            for event in self._runner.events(LOOK_SECONDS):
                if isinstance(event, Ended):
                    found.append(self._taken(event))
            for running in self._running.values():
                running.pass_on()
        return found

    def evaluate(self, tid: Any, values: Mapping[str, Any]) -> End:
        """Begins an evaluation and waits for its end."""
        self.begin(None, tid, values)
        [(_, end)] = self.ended()
        return end

    def _taken(self, event: Ended) -> tuple[Any, End]:
        running = self._running.pop(event.id)
        self._free.append(running.slot)
        running.pass_on()
        try:
            end = _read((running.folder / FILE).read_bytes())
        except FileNotFoundError:
            end = died(event.result.reason)
        except Exception as error:  # noqa: BLE001  a class whose pickles can't be read
            end = died(f"what the objective returned can't be read here: {type(error).__name__}: {error}")
        rmtree(running.folder, ignore_errors=True)
        return running.key, end
