"""The calls of a function at the far end of a run on Ray: the workers of one place, and what a driver is told of them.

They are the engine's own (`function.py`): warm between trials, under the guardian of their place. What a call reports is kept
here until the place forgets it, so that a driver may ask for it again. `ray_seat.py` holds a `Booth` where a driver wants
calls; it must not know Ray.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from luthier.description import Limits
from luthier.run.calls import LATER, Call, Program, ReportedPoint
from luthier.run.command import CommandRunner
from luthier.run.function import FunctionRunner
from luthier.trial import AttemptId

__all__ = ["POINTS", "Booth", "Tools", "words_of"]

POINTS = ""
"""Under this name a driver says, beside the files, how many points of a call it has: no file has it."""


class Tools(NamedTuple):
    """What the workers of a place need besides the work: the program that made it, `variables` to connect to the same Ray,
    and whether a call that reports `waits` for the driver's answer."""

    program: Program
    variables: Mapping[str, str]
    waits: bool

    def moved(self, code_root: str, root: str, folder: str) -> Tools:
        """As they are on another machine: modules are found in the working copy of the code and where this process finds
        them. It runs in that copy, or in `folder` where there is none."""
        known = self.program

        def there(path: str) -> str:
            is_within = bool(code_root) and (path == code_root or path.startswith(f"{code_root}/"))
            return root + path.removeprefix(code_root) if is_within else ""

        path = dict.fromkeys([*filter(None, map(there, known.path)), *sys.path])
        place = there(known.folder) or root or folder
        return self._replace(
            program=Program(tuple(path), known.words, place if os.path.isdir(place) else folder)
        )


@dataclass(eq=False)
class _Heard:
    """What a call has reported; `asked` are the numbers of points after which it waits for an answer."""

    points: list[ReportedPoint] = field(default_factory=list)
    asked: deque[int] = field(default_factory=deque)


class Booth:
    """The calls of one place. `runner` is what they are started and stopped with."""

    def __init__(self, payload: bytes, tools: Tools, commands: CommandRunner) -> None:
        self.runner = FunctionRunner(payload, commands, tools.program)
        self._heard: dict[AttemptId, _Heard] = {}
        if tools.waits:
            self.runner.heed = self._ask

    def call(self, words: tuple[Any, ...]) -> Call:
        """The call that a driver has sent. The GPUs are those that Ray gave this place."""
        id, values, seed, folder, eager, limits = words
        call = Call(AttemptId(*id), values, seed, folder, eager, Limits(*limits))
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        if call.limits.gpus and devices is not None:
            call = call._replace(devices=tuple(devices.split(",")))
        self._heard[call.id] = _Heard()
        return call

    def reported(self, id: AttemptId, since: int = 0) -> list[ReportedPoint]:
        """What a call has reported after its first `since` points."""
        heard = self._heard[id]
        heard.points += self.runner.reported(id)
        return heard.points[since:]

    def _ask(self, id: AttemptId) -> str:
        self._heard[id].asked.append(len(self.reported(id)))
        return LATER

    def answer(self, id: AttemptId, count: int, reason: str) -> None:
        """Answers all that a call has asked up to its first `count` points."""
        asked = self._heard[id].asked
        while asked and asked[0] <= count:
            asked.popleft()
            self.runner.answer(id, reason)

    def forget(self, id: AttemptId) -> None:
        """Forgets a call whose end was taken."""
        self._heard.pop(id, None)


def words_of(call: Call) -> tuple[Any, ...]:
    """A call as it travels; its slot is its place."""
    return (tuple(call.id), dict(call.values), call.seed, call.folder, call.eager, tuple(call.limits))
