"""`luthier tell`: how a trial that was asked for ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, NAMED, Id, Named, Place, as_json, with_store
from luthier.cli.output import emit_json, number, say
from luthier.clock import SystemClock
from luthier.errors import ConflictError, UsageError
from luthier.trial import AttemptId, Outcome, Point, Result

if TYPE_CHECKING:
    from luthier.description import Description, Objective
    from luthier.store import Store
    from luthier.trial import Trial

__all__ = ["command"]

_EXAMPLE = """\
luthier tell 144.8 --value 0.93
luthier tell 144.8 --metric accuracy=0.93 --metric loss=0.21
luthier tell 144.8 --failed "out of patience"
"""


@click.command("tell", cls=Example, example=_EXAMPLE)
@click.argument("id", type=ID)
@click.option("--attempt", type=click.IntRange(1), metavar="K", help="As `ask` said; default: the newest.")
@click.option("--value", type=float, metavar="V", help="The objective's value.")
@click.option(
    "--metric", "metrics", multiple=True, type=NAMED, help="A metric, the objective's among them. Repeat it."
)
@click.option("--failed", metavar="REASON", help="It failed, and why.")
@with_store
@as_json
def command(
    place: Place,
    id: Id,
    attempt: int | None,
    value: float | None,
    metrics: tuple[Named, ...],
    failed: str | None,
    as_json: bool,
) -> None:
    """Ends a trial you asked for, with its value or as failed. It may be repeated.

    Leaves with 3 when the trial is no longer yours because its lease ran out and somebody else has it.
    """
    if id.trial is None:
        raise UsageError(f"{id} is an experiment; name the trial, such as {id}.7")
    points = _points(metrics)
    with place.change() as store:
        trial = store.trial(id.experiment, id.trial)
        what = store.experiment(id.experiment).description
        name = AttemptId(id.experiment, id.trial, attempt or trial.attempt)
        result = _result(what.objective, value, points, failed)
        if result.outcome is Outcome.SUCCEEDED and (what.also or what.constraints):
            result = _whole(what, result, [*store.points(*name[:2], attempt=name.attempt), *points])
        verdict = _finish(place, store, trial, name, points, result)
    if as_json:
        outcome = {"outcome": result.outcome.value, "value": result.value}
        emit_json("tell", {"trial": str(id), "attempt": name.attempt, "verdict": verdict, **outcome})
    shown = "" if result.value is None else f" with {number(result.value)}"
    say(f"trial {id} {result.outcome.value}{shown}{' (known already)' if verdict == 'repeated' else ''}")


def _points(metrics: tuple[Named, ...]) -> list[Point]:
    points, now = [], SystemClock().now()
    for named in metrics:
        try:
            points.append(Point(named.name, 0.0, float(named.text), now))
        except ValueError:
            raise UsageError(f"--metric {named.name}={named.text}: {named.text!r} is no number") from None
    return points


def _result(
    objective: Objective | None, value: float | None, points: list[Point], failed: str | None
) -> Result:
    if failed is not None:
        if value is not None:
            raise UsageError("--failed and --value exclude one another; give one of them")
        return Result(Outcome.FAILED, failed)
    if value is None and objective is not None:
        from luthier.metrics.aggregate import matching_name

        wanted = matching_name(objective.metric, [point.metric for point in points])
        value = next((point.value for point in points if point.metric == wanted), None)
        if value is None:
            raise UsageError(
                f"the value is missing: give --value V or --metric {objective.metric}=V, or --failed REASON"
            )
    return Result(Outcome.SUCCEEDED, "", value)


def _whole(what: Description, result: Result, points: list[Point]) -> Result:
    """The result with all objectives and constraints. **Raises** UsageError naming one that was not told."""
    from luthier.drive.judging import with_aims
    from luthier.metrics import summarize
    from luthier.metrics.aggregate import matching_name

    names = [point.metric for point in points]
    wanted = [objective.metric for objective in what.also] + [limit.metric for limit in what.constraints]
    for metric in wanted:
        if matching_name(metric, names) is None:
            raise UsageError(f"{metric} is missing: give --metric {metric}=V, or --failed REASON")
    return with_aims(what, result, summarize(points))


def _finish(
    place: Place, store: Store, trial: Trial, id: AttemptId, points: list[Point], result: Result
) -> str:
    """Reports and ends the attempt. **Raises** ConflictError when it no longer holds its trial."""
    from luthier.store import Verdict

    take = place.hint(f"ask {trial.experiment}")
    if not id.attempt:
        raise UsageError(f"trial {trial.name} was never asked for; take trials with: {take}")
    if points and trial.attempt == id.attempt and trial.result is None:
        store.report(id, 0, points)
    verdict = store.finish(id, result)
    if verdict is Verdict.STALE:
        now = store.trial(trial.experiment, trial.number)
        holder = (
            f"attempt {now.attempt} has it"
            if now.attempt != id.attempt
            else f"it is {now.state.value} already"
        )
        raise ConflictError(
            f"trial {trial.name}: attempt {id.attempt} came too late, {holder}; your result is kept as an event and "
            f"counted nowhere, ask for another trial with: {take}"
        )
    return verdict.value
