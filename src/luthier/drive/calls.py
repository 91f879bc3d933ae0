"""A function's trials for the loop: claims become calls, and what the function reports becomes points.

The other half, inside the process that calls the function, is `callee.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any, Protocol

from luthier import metrics
from luthier.description import Description
from luthier.drive.callee import Callee
from luthier.drive.watching import Asked
from luthier.drive.work import Running
from luthier.errors import UsageError
from luthier.run.calls import Call, ReportedPoint
from luthier.run.folders import AttemptFolder, Folders
from luthier.store import Claim, Store
from luthier.trial import AttemptId, Point

__all__ = ["Calls", "sent"]

FOLLOWED_SECONDS = 0.02
"""Of calls that take so long or longer, the output is written where it can be followed, while they run."""
AT_HAND_SECONDS = 0.05
"""A worker is given calls for so long ahead, where no result could change them."""
MOST = 512


class Reports(Protocol):
    """The runner, as far as it is asked here."""

    def reported(self, id: AttemptId) -> list[ReportedPoint]:
        """What a call has reported since this was last asked."""


class Called:
    """One call that runs. Points without a step are numbered here, each metric from 0."""

    errors: str | None = None

    def __init__(self, claim: Claim, folder: AttemptFolder, slot: int | None, runner: Reports) -> None:
        self.claim = claim
        self.slot = slot
        self.asked: Asked = ""
        self.summaries: dict[str, metrics.Summary] = {}
        self._folder = folder
        self._runner = runner
        self._durable = 0

    @property
    def id(self) -> AttemptId:
        """The fence of every write for this attempt."""
        return self.claim.id

    @property
    def place(self) -> str:
        """Its folder, made when something is put there."""
        return self._folder.path

    def collect(self, store: Store, now: float, *, last: bool = False) -> list[Point]:
        """Takes what the runner has heard and makes it durable."""
        heard = self._runner.reported(self.claim.id)
        if not heard:
            return []
        points = [self._numbered(*one) for one in heard]
        store.report(self.id, self._durable, points)
        self._durable += len(points)
        return points

    def _numbered(self, metric: str, step: float | None, value: float, time: float) -> Point:
        known = self.summaries.get(metric) or metrics.Summary()
        if step is None:
            step = known.last_step + 1 if known.count else 0.0
        point = Point(metric, float(step), value, time)
        self.summaries[metric] = known.fold(point)
        return point

    def know(self, points: list[Point]) -> None:
        """Nothing is adopted: a call dies with its driver."""

    def notes(self) -> Sequence[str]:
        """None: what was wrong was said where it was reported."""
        return ()

    def sources(self) -> dict[str, str]:
        """All of it came through `luthier.report`, or was returned."""
        return dict.fromkeys(self.summaries, "the function")

    def at_once(self, seconds: float) -> tuple[str, ...]:
        """None: what a function reports is heard at once."""
        return ()

    @property
    def was_told(self) -> bool:
        """Calls die with their driver, so that none is adopted."""
        return False

    def take_leave(self, reason: str) -> bool:
        """It was told when it reported: that is when it is decided."""
        return True

    def devices(self) -> tuple[str, ...] | None:
        """Its slot knows."""
        return None


@dataclass(frozen=True)
class Calls:
    """Attempts of a function. With `is_durable` their output can be followed while they run."""

    description: Description
    folders: Folders
    runner: Reports
    is_durable: bool
    pace: list[float]

    def note(self, store: Store, claims: Sequence[Claim]) -> None:
        """Nothing: a call has no words."""

    def running(self, claim: Claim, slot: int | None) -> Running:
        """The call of a claim."""
        return Called(claim, self.folders.attempt(*claim.id), slot, self.runner)

    def order(self, running: Running, devices: tuple[str, ...] | None) -> Any:
        """The plain values it is called with."""
        claim = running.claim
        values: Mapping[str, Any] = claim.configuration.values()
        eager = self.is_durable and self.pace[0] >= FOLLOWED_SECONDS
        folder = self.folders.attempt(*claim.id).path
        limits, slot = self.description.limits, running.slot or 0
        return Call(claim.id, values, claim.seed, folder, eager, limits, slot, devices)

    def key(self, id: AttemptId) -> str:
        """No process is marked: the worker's own has a key."""
        return ""

    def ahead(self, typical_seconds: float) -> int:
        """Enough that a worker never waits for the driver."""
        self.pace[0] = typical_seconds
        return min(MOST, int(AT_HAND_SECONDS / max(typical_seconds, 1e-9)))


def sent(callee: Callee) -> bytes:
    """A callee as it is sent to the workers.

    Functions of the program itself, closures and lambdas travel whole; those of modules are imported there.
    **Raises** UsageError when something in it can't be sent.
    """
    import cloudpickle

    home = _unimportable(callee)
    if home is not None:
        cloudpickle.register_pickle_by_value(home)
    try:
        payload: bytes = cloudpickle.dumps(callee)
    except Exception as error:  # noqa: BLE001  whatever the objects it holds raise
        name = getattr(callee.function, "__name__", "the function")
        raise UsageError(
            f"{name} can't be sent to worker processes{_culprit(callee.function)}: {type(error).__name__}: {error}; "
            "open such things (connections, locks, generators) inside the function, or run it in this process with workers=0"
        ) from None
    finally:
        if home is not None:
            cloudpickle.unregister_pickle_by_value(home)
    return payload


def _culprit(function: Callable[..., Any]) -> str:
    """Which of the things a function uses can't be sent, where that can be told."""
    import inspect

    import cloudpickle

    try:
        used = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return ""
    for name, thing in {**used.globals, **used.nonlocals}.items():
        try:
            cloudpickle.dumps(thing)
        except Exception:  # noqa: BLE001  whatever it raises, it is the one
            return f", for its {name!r} can't"
    return ""


def _unimportable(callee: Callee) -> ModuleType | None:
    """The function's module where another process would not find it: made by a test runner or a tool, not by a file on
    the path."""
    name = getattr(callee.function, "__module__", None) or "__main__"
    module = sys.modules.get(name)
    if module is None or name == "__main__":
        return None
    try:
        found = PathFinder.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        found = None
    return None if found is not None or name in sys.builtin_module_names else module
