"""`luthier gradient experiments metrics`: what the trials of an experiment reported, in Gradient's form of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import CONTEXT
from luthier.cli.doors.gradient.options import keyed, with_id
from luthier.cli.options import Place, with_store
from luthier.cli.output import emit, say
from luthier.clock import SystemClock
from luthier.errors import NotFound, UsageError

if TYPE_CHECKING:
    from luthier.store import Store
    from luthier.trial import Point

__all__ = ["metrics_command"]

BUILT_IN = ("cpuPercentage", "memoryUsage", "gpuMemoryFree", "gpuMemoryUsed", "gpuPowerDraw", "gpuTemp")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.group("metrics", context_settings=CONTEXT)
def metrics_command() -> None:
    """Read what the trials reported."""


@metrics_command.command("list")
@with_id
@keyed
@with_store
def list_command(place: Place, id_: str) -> None:
    """Lists the names of the metrics."""
    with place.read() as store:
        names = _names(place, store, id_)
    emit("\n".join(names)) if names else say("No data found")


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    made = click.option(
        "--metric", "metrics", multiple=True, help="A metric; may be repeated. Default: all."
    )(keyed(with_store(function)))
    made = click.option("--interval", default="30s", help="One value in so long a time, such as 30s.")(made)
    return with_id(made)


@metrics_command.command("get")
@_options
@click.option("--start", metavar="TIME", help="Only from this time on, such as 2026-01-31T12:00:00.")
@click.option("--end", metavar="TIME", help="Only up to this time.")
def get_command(
    place: Place, id_: str, metrics: tuple[str, ...], interval: str, start: str | None, end: str | None
) -> None:
    """Prints the values as JSON: by metric, by trial, with their times. Of those within an interval the last counts."""
    seconds, first, last = _seconds(interval), _time("--start", start), _time("--end", end)
    with place.read() as store:
        wanted = _wanted(_names(place, store, id_), metrics)
        found: dict[str, dict[str, list[Point]]] = {name: {} for name in wanted}
        for trial, metric, point in _points(place, store, id_, wanted):
            if (first is None or point.time >= first) and (last is None or point.time <= last):
                points = found[metric].setdefault(trial, [])
                if points and seconds and int(points[-1].time / seconds) == int(point.time / seconds):
                    points.pop()
                points.append(point)
    shown = {
        metric: {trial: [_shown(point) for point in points] for trial, points in by_trial.items()}
        for metric, by_trial in found.items()
    }
    emit(json.dumps(shown, indent=2))


@metrics_command.command("stream")
@_options
def stream_command(place: Place, id_: str, metrics: tuple[str, ...], interval: str) -> None:
    """Prints values as they come, a line of JSON each, until the experiment has ended."""
    from luthier.cli.doors.gradient.record import find

    room, _ = find(place.folder, id_)
    seconds, told = max(_seconds(interval), 0.2), set[tuple[str, str, float]]()
    while True:
        is_over = not room.is_supervised
        with place.read() as store:
            names = _names(place, store, id_)
            wanted = _wanted(names, metrics) if names else []
            points = sorted(_points(place, store, id_, wanted), key=lambda found: found[2].time)
        for trial, metric, point in points:
            if (trial, metric, point.step) in told:
                continue
            told.add((trial, metric, point.step))
            emit(json.dumps({"metric": metric, "trial": trial, **_shown(point)}))
        if is_over:
            return
        _wait(seconds, lambda: not room.is_supervised)


def _wait(seconds: float, is_over: Callable[[], bool]) -> None:
    import sys

    sys.stdout.flush()
    clock = SystemClock()
    until = clock.elapsed() + seconds
    while clock.elapsed() < until and not is_over():
        time.sleep(0.2)


# ---------------------------------------------------------------------- reading the record


def _names(place: Place, store: Store, id: str) -> list[str]:
    from luthier.cli.doors.gradient.record import find, searches

    _, tuning = find(place.folder, id)
    names = [name for record in searches(store, tuning.id) for name in store.metric_names(record.id)]
    return list(dict.fromkeys(names))


def _wanted(names: list[str], metrics: tuple[str, ...]) -> list[str]:
    """**Raises** NotFound for a metric that no trial reported, and says of Gradient's own that they are not measured."""
    from luthier.space.nearest import hint

    for name in metrics:
        if name in BUILT_IN and name not in names:
            raise UsageError(f"{name} is not measured here; the metrics are those that trials report")
        if name not in names:
            raise NotFound(
                f"no trial reported {name!r}{hint(name, names)}; there are: {', '.join(names) or 'none yet'}"
            )
    return list(metrics) or names


def _points(place: Place, store: Store, id: str, wanted: list[str]) -> Iterator[tuple[str, str, Point]]:
    from luthier.cli.doors.gradient.record import find, searches

    _, tuning = find(place.folder, id)
    for record in searches(store, tuning.id):
        for trial in store.history(record.id).trials:
            for metric in wanted:
                for point in store.points(record.id, trial.number, metric):
                    yield f"{record.id}.{trial.number}", metric, point


def _seconds(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * UNITS[unit]
    except (KeyError, ValueError):
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise UsageError(f"--interval {text!r} is no length of time; write one such as 30s, 5m or 1h")
    return seconds


def _time(flag: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{flag} {text!r} is no time; write one such as 2026-01-31T12:00:00") from None
    return found.astimezone().timestamp()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(point: Point) -> dict[str, float | str]:
    return {"time_stamp": _iso(point.time), "value": _plain(point.value)}


def _plain(value: float) -> float | str:
    return value if value - value == 0 else str(value)
