"""`luthier metrics`: which metrics were reported, and the points of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import date, emit, emit_json, number, say, table
from luthier.errors import NotFound, UsageError
from luthier.view.courses import courses_of
from luthier.view.curves import attempts_by_stage
from luthier.view.trials import MetricRow, metric_rows

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord, Store
    from luthier.trial import Trial

__all__ = ["command"]

_EXAMPLE = """\
luthier metrics 144              the last, smallest and largest of each metric, by trial
luthier metrics 144.7            of one trial
luthier metrics 144.7 loss       every point of its loss
luthier metrics 144.7 --chart    its curves, drawn
luthier metrics 144 loss --chart the loss of all trials, those stopped early marked
"""
_FIGURES = ("POINTS", "LAST", "STEP", "MIN", "MAX", "AVG")


@click.command("metrics", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=ID)
@click.argument("metric", required=False)
@click.option("--chart", is_flag=True, help="Draw the curves; of an experiment those of one metric.")
@with_store
@as_json
def command(place: Place, id: Id | None, metric: str | None, chart: bool, as_json: bool) -> None:
    """Shows what the trials reported. A metric's points are those of the newest attempt, in the order they came; where a
    trial runs in stages, rungs or folds, those of the newest attempt of each."""
    if chart and as_json:
        raise UsageError("--chart draws for people and --json prints for programs; leave one out")
    with place.read() as store:
        chosen = id or Id(place.newest(store))
        experiment = store.experiment(chosen.experiment).id
        names = store.metric_names(experiment)
        if metric is not None and metric not in names:
            from luthier.space.nearest import hint

            known, near = ", ".join(names) or "none yet", hint(metric, names)
            raise NotFound(f"experiment {experiment} has no metric {metric!r}{near}; its metrics: {known}")
        if chart:
            return _charts(store, chosen, metric)
        if chosen.trial is not None and metric is not None:
            return _points(store, chosen.experiment, chosen.trial, metric, as_json)
        return _summaries(store, chosen, metric, as_json)


def _points(store: Store, experiment: int, trial: int, metric: str, as_json: bool) -> None:
    found, stages = store.trial(experiment, trial), store.experiment(experiment).description.stages
    points = [
        (stage, attempt, point)
        for stage, attempt in attempts_by_stage(store, found).items()
        for point in store.points(experiment, trial, metric, attempt=attempt)
    ]
    in_folds = stages is not None and stages.kind == "folds"
    if as_json:
        shown = [
            {
                "step": p.step,
                "value": p.value,
                "time": p.time,
                "attempt": attempt,
                "fold": stage if in_folds else None,
            }
            for stage, attempt, p in points
        ]
        whose = {"trial": f"{experiment}.{trial}", "attempt": found.attempt, "metric": metric}
        emit_json("points", {**whose, "points": shown})
    elif not points:
        say(f"trial {experiment}.{trial} reported no {metric}")
    else:
        lines = [
            (*((str(stage),) if in_folds else ()), number(p.step), number(p.value), date(p.time))
            for stage, _, p in points
        ]
        heads = (*(("FOLD",) if in_folds else ()), "STEP", metric, "TIME")
        emit(table(heads, lines, right=("FOLD", "STEP", metric)))


def _charts(store: Store, id: Id, metric: str | None) -> None:
    """Draws a metric of all trials, the objective if none is named; of one trial all metrics that have a curve."""
    from luthier.cli.charts import show_chart
    from luthier.view.figures import figure

    record = store.experiment(id.experiment)
    if id.trial is None:
        return show_chart(figure(store, record, "curves", **({"metric": metric} if metric else {})).chart)
    courses = courses_of(store, store.trial(id.experiment, id.trial), record.description)
    names = [metric] if metric else list(dict.fromkeys(c.row.metric for c in courses if len(c.curve) > 1))
    if not names:
        return say(f"trial {id} has reported no metric at more than one step")
    for place, name in enumerate(names):
        if place:
            emit()
        show_chart(figure(store, record, "curves", metric=name, trials=(id.trial,)).chart)
    return None


def _summaries(store: Store, id: Id, metric: str | None, as_json: bool) -> None:
    record = store.experiment(id.experiment)
    trials = [store.trial(id.experiment, id.trial)] if id.trial is not None else store.trials(id.experiment)
    found: list[tuple[str, MetricRow]] = []
    for trial in trials:
        rows = _rows(store, record, trial)
        found += [(trial.name, row) for row in rows if metric in (None, row.metric)]
    if as_json:
        names = store.metric_names(id.experiment)
        shown = [{"trial": name, **asdict(row)} for name, row in found]
        return emit_json("metrics", {"experiment": id.experiment, "names": names, "metrics": shown})
    if not found:
        return say(f"{id} has reported no metric yet")
    stages = record.description.stages
    in_folds = any(m.fold is not None for _, m in found)
    by_fold = stages is not None and stages.kind == "folds" and not in_folds
    lines = [
        (
            name,
            m.metric,
            *((number(m.fold),) if in_folds else ()),
            str(m.count),
            *map(number, (m.last, m.last_step, m.min, m.max, m.avg)),
        )
        for name, m in found
    ]
    figures = ["FOLD" if by_fold and name == "STEP" else name for name in _FIGURES]
    heads = ("TRIAL", "METRIC", *(("FOLD",) if in_folds else ()), *figures)
    emit(table(heads, lines, right=("FOLD", *_FIGURES)))
    return None


def _rows(store: Store, record: ExperimentRecord, trial: Trial) -> tuple[MetricRow, ...]:
    """A trial's metrics. Their summaries tell of one attempt alone; where it ran in stages its points have to be read."""
    if not trial.attempt:
        return ()
    if record.description.stages is None:
        return metric_rows(store.summaries(trial.experiment, trial.number))
    return tuple(course.row for course in courses_of(store, trial, record.description))
