"""Runs a Python function on a Ray cluster: the near end, which the drive takes for the runner of calls on this machine.

Places, their losses and the files of other machines are those of programs (`ray_runner.py`); at the far end each place has
warm workers (`ray_calls.py`). The pickled work goes into Ray's object store once, from where each node takes it once. Calls
die with their driver, as they do on this machine: Ray ends their places.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from luthier.errors import UsageError
from luthier.run import _layout
from luthier.run.calls import Call, Heed, Program, ReportedPoint
from luthier.run.ray_calls import POINTS, Tools, words_of
from luthier.run.ray_code import Code
from luthier.run.ray_files import News
from luthier.run.ray_runner import RayRunner, _Held
from luthier.run.ray_seat import BROKEN, ENDED, Message
from luthier.run.ray_where import Cluster, Needs
from luthier.run.runner import Adoption, Ended, Order
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["RayFunctionRunner"]


class RayFunctionRunner(RayRunner):
    """A `Runner` of calls on Ray. `payload` is the pickled work; where `heed` is set before the first call, a call that
    reports waits for what it says. The rest is as for programs."""

    def __init__(
        self,
        payload: bytes,
        cluster: Cluster,
        root: str | Path,
        environment: Mapping[str, str],
        needs: Needs,
        code: Callable[[], Code | None] | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(cluster, root, environment, needs, code, say, outlive=False)
        self.heed: Heed | None = None
        self._payload = payload
        self._stored: Any = None
        self._calls: dict[str, Call] = {}
        self._points: dict[AttemptId, list[ReportedPoint]] = {}

    def start(self, order: Call) -> None:
        """Sends a call to the place of its slot, or keeps it until that is there."""
        key = secrets.token_hex(12)
        self._calls[key] = order
        os.makedirs(order.folder, exist_ok=True)
        super().start(Order(order.id, key, (), {}, "", order.folder, order.limits, order.slot))

    def reported(self, id: AttemptId) -> list[ReportedPoint]:
        """What a call has reported since this was last asked."""
        return self._points.pop(id, [])

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """A call dies with its driver: there is nothing to take over. What may be left of it is ended."""
        try:
            mark = json.loads(Path(folder, _layout.RAY).read_bytes())
        except (OSError, ValueError):
            return Adoption.NEVER_BEGAN
        self._places.end(mark["seat"])
        return Adoption.NEVER_BEGAN

    # ------------------------------------------------------------------ what is another with calls

    def _work(self) -> tuple[Any, ...]:
        if self._stored is None:
            self._stored = self._cluster.ray.put(self._payload)
        return self._stored, Tools(Program.own(), self._variables, self.heed is not None)

    def _message(self, order: Order) -> Message:
        return "call", order.key, words_of(self._calls[order.key])

    def _learn_of(self, held: _Held, new: News) -> None:
        if new.phase == BROKEN:
            for other in [one for one in self._held.values() if one.place is held.place]:
                self._release(other)  # nothing more is heard of them
            raise UsageError(new.left)
        if new.points:
            self._points.setdefault(held.id, []).extend(new.points)
            count = held.offsets[POINTS] = held.offsets.get(POINTS, 0) + len(new.points)
            if self.heed is not None and new.phase < ENDED:
                self._places.say(held.place, ("answer", held.key, count, self.heed(held.id) or ""))
        super()._learn_of(held, new)

    def _release(self, held: _Held) -> None:
        super()._release(held)
        del self._calls[held.key]

    def _lose(self, held: _Held, reason: str) -> None:
        """Of the calls a place had, the first was lost with it; those behind that have not begun."""
        self._release(held)
        outcome = Outcome.LOST if held.place.is_up else Outcome.INTERRUPTED
        held.place.is_up = False
        self._told.append(Ended(held.id, Result(outcome, reason), held.folder))
