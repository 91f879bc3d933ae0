"""A user's function as it is called in a trial: what it is given, and what its answer means.

The function gets the values of the user's own space, never indices or texts. What it returns is the objective, or a dict
of metrics; what it reports on the way are points. Everything it can do wrong has its sentence here. A `Callee` is pickled
and sent to the workers; the same one is called in this process where there are none.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
import traceback
from array import array
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from luthier.description import Algorithm
from luthier.errors import Interrupted, UsageError
from luthier.history import History
from luthier.metrics import report
from luthier.space.tree import Tree
from luthier.trial import Outcome, trial_seed

__all__ = ["Callee", "Stop", "style_of"]

SUCCEEDED = Outcome.SUCCEEDED.value
TOGETHER = 256
"""So many configurations of a stretch are drawn at once."""

Points = list[tuple[str, float | None, float, float]]
Tell = Callable[[Points], str | bool]
"""Sends points away. Answers with the reason where the trial is to end, with False where nobody hears."""


class Stop(Exception):
    """Ends a function's trial early: the trial is stopped, and counts with what it has reported. `luthier.report` raises
    it when a stopping rule says so; a function may raise it itself, also with a value, `raise luthier.Stop(0.3)`."""

    ends_trial = True

    def __init__(self, value: Any = None) -> None:
        super().__init__(*([] if value is None else [value]))
        self.value = value


def style_of(function: Callable[..., Any], tree: Tree) -> bool:
    """Whether a function takes the parameters by name; else it takes the whole space as its one argument.

    It is given names when all it asks for are parameters; a function of one argument that is no parameter, such as
    `def train(config)`, is given the dict.
    **Raises** UsageError when neither fits.
    """
    names = tree.keys
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False  # written in C, which tells no signature
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needed = [p.name for p in named if p.default is p.empty]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)]
    if positional and not needed:
        return False
    if len(needed) == 1 and needed[0] not in names and not positional:
        return False
    unfilled = [name for name in needed if name not in names]
    untaken = [] if takes_any else [name for name in names if name not in {p.name for p in named}]
    if positional or unfilled or untaken:
        title = getattr(function, "__name__", "the function")
        wrong = (
            f"{title} asks for {unfilled[0]!r}, which is no parameter of the space"
            if unfilled
            else f"{title} takes no argument {untaken[0]!r}"
            if untaken
            else f"{title} takes several arguments without names"
        )
        raise UsageError(
            f"{wrong}; let it take one argument, the dict of all parameters, or name its arguments as they are: "
            f"{', '.join(names)}"
        )
    return True


@dataclass(frozen=True)
class Callee:
    """The function, the space it is called with, and the metric its number is of."""

    function: Callable[..., Any]
    tree: Tree
    metric: str
    by_name: bool
    algorithm: Algorithm | None = None

    def __call__(
        self, values: Mapping[str, Any], seed: int, name: str, folder: str, tell: Tell
    ) -> tuple[str, str, float | None]:
        """Calls the function once: how it ended, why, and the objective's value if it returned one."""
        context = _Context(name, dict(values), seed, folder, tell)
        before = report.enter(context)
        _seed_all(seed)
        try:
            given = self.tree.fill_plain(values)
            answer = self.function(**given) if self.by_name else self.function(given)
            if (
                type(answer) is float and not context.ending
            ):  # by far the most frequent answer, where a microsecond counts
                return SUCCEEDED, "", answer
            if inspect.iscoroutine(answer):
                answer = _awaited(answer, context)
            outcome, reason, value = self._meaning(answer, context)
            if context.ending and outcome == SUCCEEDED:  # it has put its things in order and returned
                return Outcome.STOPPED.value, context.ending, value
            return outcome, reason, value
        except Stop as stop:
            return self._stopped(stop, context)
        except BaseException as error:  # noqa: BLE001  SystemExit and the like are the function's as well
            if isinstance(error, Interrupted):
                return Outcome.INTERRUPTED.value, "interrupted by Ctrl-C", None
            return self._failed(error)
        finally:
            report.enter(before)

    def stretch(
        self,
        seed: int,
        experiment: int,
        root: str,
        first: int,
        ordinal: int,
        n: int,
        mark: Callable[[int], None],
    ) -> tuple[bytes, bytes, bytes, dict[int, tuple[str, str, Points]]]:
        """Calls the function for `n` trials whose configurations follow from the seed and their ordinals, telling `mark`
        which one it is at; `root` is the folder of their folders. Returns columns of doubles: values, beginnings, seconds; and what was not just a number."""
        from luthier.search import searcher

        assert self.algorithm is not None, "only who was told the algorithm can draw"
        values, began, seconds = array("d"), array("d"), array("d")
        odd: dict[int, tuple[str, str, Points]] = {}
        points: Points = []

        def tell(one: Points) -> bool:
            points.extend(one)
            return True

        engine, ordinals = searcher(self.algorithm), range(ordinal, ordinal + n)
        drawn = (
            proposal
            for begin in range(0, n, TOGETHER)
            for proposal in engine.propose(
                self.tree.space, History(), seed, ordinals[begin : begin + TOGETHER]
            )
        )
        for at, proposal in enumerate(drawn):
            mark(at)
            began.append(time.time())
            clock = time.perf_counter()
            plain, number = proposal.configuration.values(), first + at
            name, folder = f"{experiment}.{number}", f"{root}/{number}/attempt-1"
            how, why, value = self(plain, trial_seed(seed, number), name, folder, tell)
            seconds.append(time.perf_counter() - clock)
            if value is None and points:
                value = self._reported(points)
            values.append(float("nan") if value is None else value)
            if value is None or points or how != SUCCEEDED:
                odd[at] = (how, why, list(points))
                points.clear()
        return values.tobytes(), began.tobytes(), seconds.tobytes(), odd

    def _reported(self, points: Points) -> float | None:
        """The objective, where it was reported: at the highest step."""
        mine = [
            (-1.0 if step is None else step, value) for name, step, value, _ in points if name == self.metric
        ]
        return max(enumerate(mine), key=lambda one: (one[1][0], one[0]))[1][1] if mine else None

    def _meaning(self, answer: Any, context: _Context) -> tuple[str, str, float | None]:
        if isinstance(answer, Mapping):
            numbers = {str(key): report.number_of(value) for key, value in answer.items()}
            points = {k: v for k, v in numbers.items() if v is not None and k != self.metric}
            if points:
                context.write(points, None)
            value = numbers.get(self.metric)
            if value is None and self.metric not in context.steps:
                known = ", ".join(map(repr, answer)) or "nothing"
                return _no(
                    f"the dict it returned has no number {self.metric!r}, only {known}; "
                    f"add it, or name the metric you mean with metric=…"
                )
            return Outcome.SUCCEEDED.value, "", None if value is None else float(value)
        if answer is None:
            if self.metric in context.steps:
                return Outcome.SUCCEEDED.value, "", None  # the value is made of what it reported
            return _no(
                f"it returned None; return the {self.metric}, or report it: luthier.report({self.metric}=…)"
            )
        value = report.number_of(answer)
        if value is None:
            return _no(
                f"it returned {_shown(answer)}, which is not a number; return the {self.metric} as one, "
                f"or a dict with {self.metric!r}"
            )
        return Outcome.SUCCEEDED.value, "", float(value)

    def _stopped(self, stop: Stop, context: _Context) -> tuple[str, str, float | None]:
        value = None if stop.value is None else report.number_of(stop.value)
        if value is None and self.metric not in context.steps:
            return _no(f"it stopped itself before it had reported any {self.metric}")
        why = context.ending or "it stopped itself"
        return Outcome.STOPPED.value, why, None if value is None else float(value)

    def _failed(self, error: BaseException) -> tuple[str, str, float | None]:
        trace = error.__traceback__
        trace = trace.tb_next if trace is not None else None  # our own line says nothing
        with suppress(Exception):  # standard error may be closed, and an exception may not know its own words
            traceback.print_exception(type(error), error, trace)
        where = _line_of(trace)
        if isinstance(error, SystemExit):
            return _no(f"it called sys.exit({'' if error.code is None else repr(error.code)}){where}")
        if isinstance(error, MemoryError):
            return Outcome.OUT_OF_MEMORY.value, f"it ran out of memory{where}", None
        try:
            text = str(error).strip()
        except Exception:  # noqa: BLE001  its own words are what is broken
            text = ""
        return _no(f"{type(error).__name__}{': ' if text else ''}{text[:500]}{where}")


class _Context:
    """What `luthier.report`, `params`, `seed` and the folders answer with while a function runs."""

    def __init__(self, trial: str, values: dict[str, Any], seed: int, folder: str, tell: Tell) -> None:
        self.trial = trial
        self.values = values
        self.seed = seed
        self.folder = folder
        self.steps: set[str] = set()
        self.ending = ""
        self.is_asked = False
        self._tell = tell

    def should_stop(self) -> bool:
        """Whether the trial is to end. Once this was asked, `report` leaves the ending to the function."""
        self.is_asked = True
        return bool(self.ending)

    def write(self, values: Mapping[str, Any], step: Any) -> None:
        """Takes what was reported at one step, None where the next is meant. **Raises** Stop when the trial is to end."""
        now = time.time()
        points: Points = [(metric, step, float(value), now) for metric, value in values.items()]
        self.steps.update(values)
        answer = self._tell(points)
        if not answer:
            report.warn(
                "a process that the function has forked can't report; report from the function's own process"
            )
        elif isinstance(answer, str):
            self.ending = answer
            if not self.is_asked:
                raise Stop

    def directory(self, name: str) -> str:
        """A folder of this trial, made when it is first asked for."""
        place = f"{self.folder}/{name}" if name == "outputs" else f"{os.path.dirname(self.folder)}/{name}"
        os.makedirs(place, exist_ok=True)
        return place


def _awaited(coroutine: Coroutine[Any, Any, Any], context: _Context) -> Any:
    """The answer of a coroutine, also where this thread runs an event loop already, as a notebook's does."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    from concurrent.futures import ThreadPoolExecutor

    def run() -> Any:
        report.enter(context)
        try:
            return asyncio.run(coroutine)
        finally:
            report.enter(None)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def _no(reason: str) -> tuple[str, str, None]:
    return Outcome.FAILED.value, reason, None


def _seed_all(seed: int) -> None:
    """Seeds the generators that programs use without asking, so that a trial gives the same result wherever it runs."""
    import random

    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def _line_of(trace: Any) -> str:
    """The innermost line of the user's own code, in brackets."""
    frames = traceback.extract_tb(trace)
    own = [f for f in frames if "site-packages" not in f.filename and "/lib/python" not in f.filename]
    last = (own or frames)[-1:]
    return "".join(f" ({os.path.basename(f.filename)}:{f.lineno})" for f in last)


def _shown(answer: Any) -> str:
    try:
        text = repr(answer)
    except Exception:  # noqa: BLE001  a broken repr is the user's
        text = f"a {type(answer).__name__}"
    return text if len(text) <= 80 else f"a {type(answer).__name__}"
