"""One evaluation of an objective, and all that came of it as a dict: wherever it is made, in `fmin`'s own process
(`driving.py` does that itself), in a worker's, or in a process that a worker keeps for it (`pool.py`).

What an objective tells `luthier.report` on the way, or Gradient's metrics, is among it.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Mapping
from typing import Any

from luthier.clock import SystemClock
from luthier.compat.hyperopt.documents import document
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.trials import Ctrl, TrialsBook
from luthier.errors import UsageError
from luthier.metrics import report

__all__ = ["End", "died", "evaluated", "pickled"]

End = dict[str, Any]
"""`result` as the objective returned it; `error` its exception's type and words, `raised` the exception itself and
`trace` where it came from; `died` why its process ended instead; `attachments`; `points` (metric, step, value, time)."""


def evaluated(domain: Domain, tid: Any, values: Mapping[str, Any]) -> End:
    """Calls the objective with the point of these values.

    **Raises** only what ends this process (Ctrl-C, SystemExit).
    """
    book, told = TrialsBook(), _Told(f"{tid}", values)
    end: End = {"result": None, "error": None, "raised": None, "trace": "", "died": None}
    before = report.enter(told)
    try:
        doc = document(tid, values, domain.search.dimensions)
        end["result"] = domain.evaluate(values, Ctrl(book, doc))
    except Exception as error:  # noqa: BLE001  whatever the objective raises is its trial's result
        end["error"], end["raised"] = (str(type(error)), str(error)), error
        end["trace"] = traceback.format_exc()
    finally:
        report.enter(before)
    return end | {"attachments": book.attachments, "points": told.points}


def died(reason: str) -> End:
    """The end of an evaluation whose process is gone, with all that it knew."""
    nothing: End = {"result": None, "error": None, "raised": None, "trace": ""}
    return nothing | {"died": reason, "attachments": {}, "points": []}


class _Told:
    """What `luthier.report` knows of the trial while its objective is called, and what it was told."""

    def __init__(self, trial: str, values: Mapping[str, Any]) -> None:
        self.trial = trial
        self.values = dict(values)
        self.seed = 0
        self.points: list[tuple[str, float, float, float]] = []
        self._next: dict[str, float] = {}
        self._folder = ""

    def write(self, values: Mapping[str, Any], step: float | None) -> None:
        """Takes what was reported at one step, None where each metric's next is meant."""
        now = SystemClock().now()
        for metric, value in values.items():
            at = self._next.get(metric, 0.0) if step is None else float(step)
            self._next[metric] = at + 1
            self.points.append((metric, at, float(value), now))

    def should_stop(self) -> bool:
        """No rule ends a hyperopt trial before it has returned."""
        return False

    def directory(self, name: str) -> str:
        """A folder of this trial, made when it is first asked for. It is the user's: nothing here removes it."""
        self._folder = self._folder or tempfile.mkdtemp(prefix=f"luthier-trial-{self.trial}-")
        place = os.path.join(self._folder, name)
        os.makedirs(place, exist_ok=True)
        return place


def pickled(value: Any) -> bytes:
    """cloudpickle's bytes: an objective is often a lambda or stands in the program that is run.

    **Raises** UsageError where cloudpickle is missing or the value can't be sent.
    """
    try:
        import cloudpickle
    except ImportError as error:
        raise UsageError(
            "trials that several processes work on need cloudpickle; pip install cloudpickle"
        ) from error
    try:
        return cloudpickle.dumps(value)  # type: ignore[no-any-return]
    except Exception as error:
        raise UsageError(
            f"the objective or its result can't be sent to another process: {error}; open files, locks and connections "
            "inside the objective"
        ) from error
