"""Gradient's metrics, reported to Luthier: `add_metrics({"loss": 0.2}, step=3)` and `MetricsLogger`.

    logger = MetricsLogger(step=0)
    logger.add_gauge("loss")
    logger["loss"].set(0.2)
    logger.push_metrics()

Where Gradient pushed to its gateway, the trial's own metrics get a point each (`luthier.report`); outside a trial nothing
happens. What can't be a metric is refused with its ValueErrors. Event files of TensorBoard are read wherever a trial
writes them, so `init(sync_tensorboard=True)` has nothing to switch on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Number
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from luthier.clock import SystemClock
from luthier.metrics.report import number_of, report, send_metric

if TYPE_CHECKING:
    from contextlib import _GeneratorContextManager

__all__ = ["MetricsLogger", "add_metrics", "init"]


def add_metrics(metrics: Mapping[str, Any], step: int | None = None, timeout: float = 30) -> None:
    """Reports one value each of some metrics. Without `step`, each metric's next step is meant.

    **Raises** ValueError for a name that is no text, a value that is no number, a step that is no integer from 0; then
    nothing is reported.
    """
    for name, value in metrics.items():
        if not isinstance(name, str):
            raise ValueError(f"Key of a metric can only be a string; {name!r} is none")
        _number(name, value)
    _check_step(step)
    _report({name: _number(name, value) for name, value in metrics.items()}, step)


class MetricsLogger:
    """Metrics by name, whose values are kept here until `push_metrics` reports those that changed.

    A summary or histogram is reported as `NAME`, the mean of what it observed, with `NAME_count` and `NAME_sum`. The other
    arguments said where Gradient was to push to; here there is one place, and they are accepted.
    """

    def __init__(
        self,
        workload_id: Any = None,
        registry: Any = None,
        push_gateway: Any = None,
        step: int | None = None,
        grouping_key: Any = None,
    ) -> None:
        _check_step(step)
        self._step = step
        self._metrics: dict[str, _Metric] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._metrics:
            known = ", ".join(self._metrics) or "none"
            raise KeyError(f"there is no metric {name!r} yet (there are: {known}); add_gauge({name!r}) first")
        return self._metrics[name]

    def add_gauge(self, name: str) -> None:
        """Adds a number that goes up and down: `set`, `inc`, `dec`, `set_to_current_time`, `time`."""
        self._add(name, Gauge())

    def add_counter(self, name: str) -> None:
        """Adds a number that only grows: `inc`."""
        self._add(name, Counter())

    def add_summary(self, name: str) -> None:
        """Adds a metric of many observations: `observe`, `time`."""
        self._add(name, Summary())

    def add_histogram(self, name: str) -> None:
        """Adds a metric of many observations: `observe`, `time`. Buckets are not kept."""
        self._add(name, Summary())

    def add_info(self, name: str) -> None:
        """Adds texts by name: `info({"version": "1.2"})`. They are kept in the trial's `metrics.jsonl`."""
        self._add(name, Info())

    def set_step(self, step: int | None) -> None:
        """Says at which step the next push reports. **Raises** ValueError for one that is no integer from 0."""
        _check_step(step)
        if step != self._step:
            for metric in self._metrics.values():
                metric.is_pushed = metric.is_pushed and not metric.numbers()
        self._step = step

    def push_metrics(self, timeout: float = 30) -> None:
        """Reports what has changed since the last push, or all that has a value where the step is another."""
        numbers: dict[str, float] = {}
        for name, metric in self._metrics.items():
            if metric.is_pushed:
                continue
            metric.is_pushed = True
            for ending, value in metric.numbers().items():
                numbers[name + ending] = value
            for ending, text in metric.texts().items():
                send_metric(f"{name}/{ending}", text, self._step)
        _report(numbers, self._step)

    def _add(self, name: str, metric: _Metric) -> None:
        if not isinstance(name, str):
            raise ValueError(f"Key of a metric can only be a string; {name!r} is none")
        if name in self._metrics:
            raise ValueError(f"the metric {name!r} is there already; set it with [{name!r}]")
        self._metrics[name] = metric


@contextmanager
def _timed(keep: Callable[[float], None]) -> Iterator[None]:
    clock = SystemClock()
    began = clock.elapsed()
    try:
        yield
    finally:
        keep(clock.elapsed() - began)


class _Metric:
    """What every kind has: nothing to report until it was given a value."""

    is_pushed = True

    def numbers(self) -> Mapping[str, float]:
        """The values to report, by what comes after the metric's name."""
        return {}

    def texts(self) -> Mapping[str, str]:
        """The texts to keep, by their own names."""
        return {}

    def _keep(self) -> None:
        self.is_pushed = False


class Gauge(_Metric):
    """A number that goes up and down."""

    def __init__(self) -> None:
        self._value = 0.0
        self._is_set = False

    def set(self, value: Any) -> None:
        """Makes it this number."""
        self._value, self._is_set = _number("the gauge", value), True
        self._keep()

    def inc(self, amount: Any = 1) -> None:
        """Makes it larger."""
        self.set(self._value + _number("the amount", amount))

    def dec(self, amount: Any = 1) -> None:
        """Makes it smaller."""
        self.set(self._value - _number("the amount", amount))

    def set_to_current_time(self) -> None:
        """Makes it the seconds since 1970."""
        self.set(SystemClock().now())

    def time(self) -> _GeneratorContextManager[None]:
        """Makes it the seconds that the body, or the function it decorates, took."""
        return _timed(self.set)

    def numbers(self) -> Mapping[str, float]:
        return {"": self._value} if self._is_set else {}


class Counter(_Metric):
    """A number that only grows."""

    def __init__(self) -> None:
        self._value = 0.0
        self._is_set = False

    def inc(self, amount: Any = 1) -> None:
        """Makes it larger. **Raises** ValueError for a negative amount."""
        number = _number("the amount", amount)
        if number < 0:
            raise ValueError(
                f"Counters can only be incremented by non-negative amounts, and {amount!r} is negative"
            )
        self._value, self._is_set = self._value + number, True
        self._keep()

    def numbers(self) -> Mapping[str, float]:
        return {"": self._value} if self._is_set else {}


class Summary(_Metric):
    """Many observations."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0

    def observe(self, amount: Any) -> None:
        """Adds one."""
        self._sum += _number("the amount", amount)
        self._count += 1
        self._keep()

    def time(self) -> _GeneratorContextManager[None]:
        """Observes the seconds that the body, or the function it decorates, took."""
        return _timed(self.observe)

    def numbers(self) -> Mapping[str, float]:
        if not self._count:
            return {}
        return {"": self._sum / self._count, "_count": float(self._count), "_sum": self._sum}


class Info(_Metric):
    """Texts by name."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def info(self, texts: Mapping[str, str]) -> None:
        """Keeps these texts. **Raises** ValueError for one that is none."""
        for name, text in texts.items():
            if not isinstance(name, str) or not isinstance(text, str):
                raise ValueError(f"the info {name!r} can only be a string; {text!r} is none")
        self._texts = dict(texts)
        self._keep()

    def texts(self) -> Mapping[str, str]:
        return self._texts


class Init:
    """What `init` returns: a context whose end is the end of the metrics."""

    def __init__(self, sync_tensorboard: bool) -> None:
        self.sync_tensorboard = sync_tensorboard

    def finish(self) -> None:
        """Nothing is left to send: what was reported is written already."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()


def init(sync_tensorboard: bool = False) -> Init:
    """Begins the metrics of a program, also as a context. Event files are read with `sync_tensorboard` and without it."""
    return Init(sync_tensorboard)


def _report(numbers: Mapping[str, float], step: int | None) -> None:
    # Not as keywords: a metric may be named anything.
    if numbers:
        report(dict(numbers), step=step)


def _number(name: str, value: Any) -> float:
    """The number that a value is. **Raises** ValueError where it is none."""
    number = number_of(value)
    if number is None or not (isinstance(value, Number) or hasattr(value, "item")):
        raise ValueError(f"Value of a metric can only be a number; {name!r} was given {value!r}")
    return number


def _check_step(step: Any) -> None:
    if step is not None and (not isinstance(step, int) or isinstance(step, bool) or step < 0):
        raise ValueError(f"Step can only be an integer >= 0; {step!r} is none")
