"""`luthier metrics`: which metrics were reported, and the points of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import date, emit, emit_json, number, say, table
from luthier.errors import NotFound, UsageError
from luthier.view.trials import MetricRow, metric_rows

if TYPE_CHECKING:
    from luthier.store import Store

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
    """Shows what the trials reported. A metric's points are those of the newest attempt, in the order they came."""
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
    attempt = store.trial(experiment, trial).attempt
    points = store.points(experiment, trial, metric, attempt=attempt)
    if as_json:
        shown = [{"step": p.step, "value": p.value, "time": p.time} for p in points]
        whose = {"trial": f"{experiment}.{trial}", "attempt": attempt, "metric": metric}
        emit_json("points", {**whose, "points": shown})
    elif not points:
        say(f"trial {experiment}.{trial} reported no {metric}")
    else:
        lines = [(number(p.step), number(p.value), date(p.time)) for p in points]
        emit(table(("STEP", metric, "TIME"), lines, right=("STEP", metric)))


def _charts(store: Store, id: Id, metric: str | None) -> None:
    """Draws a metric of all trials, the objective if none is named; of one trial all metrics that have a curve."""
    from luthier.cli.charts import show_chart
    from luthier.view.figures import figure

    record = store.experiment(id.experiment)
    if id.trial is None:
        return show_chart(figure(store, record, "curves", **({"metric": metric} if metric else {})).chart)
    rows = store.summaries(id.experiment, store.trial(id.experiment, id.trial).number)
    names = [metric] if metric else [row.metric for row in rows if row.count > 1]
    if not names:
        return say(f"trial {id} has reported no metric at more than one step")
    for place, name in enumerate(names):
        if place:
            emit()
        show_chart(figure(store, record, "curves", metric=name, trials=(id.trial,)).chart)
    return None


def _summaries(store: Store, id: Id, metric: str | None, as_json: bool) -> None:
    trials = (
        [id.trial] if id.trial is not None else [t.number for t in store.trials(id.experiment) if t.attempt]
    )
    found: list[tuple[str, MetricRow]] = []
    for trial in trials:
        rows = metric_rows(store.summaries(id.experiment, store.trial(id.experiment, trial).number))
        found += [(f"{id.experiment}.{trial}", row) for row in rows if metric in (None, row.metric)]
    if as_json:
        names = store.metric_names(id.experiment)
        shown = [{"trial": name, **asdict(row)} for name, row in found]
        return emit_json("metrics", {"experiment": id.experiment, "names": names, "metrics": shown})
    if not found:
        return say(f"{id} has reported no metric yet")
    lines = [
        (name, m.metric, str(m.count), *map(number, (m.last, m.last_step, m.min, m.max, m.avg)))
        for name, m in found
    ]
    emit(table(("TRIAL", "METRIC", *_FIGURES), lines, right=_FIGURES))
    return None
