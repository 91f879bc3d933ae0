"""A page of trials, printed as a table or as JSON. `show.py` reads the words, this prints what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from luthier import metrics
from luthier.cli.options import Place
from luthier.cli.outlook import outlook_document, outlook_lines
from luthier.cli.output import (
    duration,
    emit,
    emit_json,
    ending,
    many,
    number,
    paint,
    pairs,
    say,
    short,
    table,
)
from luthier.errors import NotFound
from luthier.store import ExperimentRecord, Sort, Store
from luthier.view.experiments import ExperimentRow, experiment_row
from luthier.view.failures import failures_of
from luthier.view.logs import last_lines
from luthier.view.reached import How, reached
from luthier.view.trials import Page, TrialRow, trial_page

__all__ = ["PageShown", "describe", "page_document", "show_page", "trial_document", "trial_style"]

_TAIL = 5
_METRICS_SHOWN = 4

Line = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageShown:
    """Which page is to be shown. `newest_first` turns the order by number around; `curves` adds a column of them."""

    place: Place
    store: Store
    record: ExperimentRecord
    order: Sort
    newest_first: bool
    page: int
    size: int
    curves: bool = False

    def read(self, now: float) -> Page:
        """The rows."""
        limit = self.size or -1
        offset = (self.page - 1) * self.size
        return trial_page(
            self.store, self.record, self.order, limit, offset, now, newest_first=self.newest_first
        )

    def tail(self, row: TrialRow) -> tuple[str, ...]:
        """The last lines a trial printed, on standard error where there are any."""
        return last_lines(self.place.folder, row.experiment, row.number, row.attempt, _TAIL)


def page_document(shown: PageShown, now: float) -> None:
    """Prints the page as JSON."""
    found = shown.read(now)
    is_failed = shown.order.by == "not well"
    trials = [
        trial_document(row) | ({"tail": list(shown.tail(row))} if is_failed else {}) for row in found.rows
    ]
    row = experiment_row(shown.store, shown.record, shown.place.activity(shown.store))
    is_small_first = (
        shown.order.smallest_first if shown.order.by in ("value", "metric") else not shown.newest_first
    )
    emit_json(
        "show",
        {
            "experiment": asdict(row),
            "metrics": shown.store.metric_names(shown.record.id),
            "sort": {
                "by": shown.order.by,
                "metric": shown.order.metric or None,
                "how": shown.order.how if shown.order.by == "metric" else None,
                "ascending": is_small_first,
            },
            "page": shown.page,
            "page_size": shown.size,
            "total": found.total,
            "has_more": found.has_more,
            "failures": failures_of(shown.store, shown.record),
            **outlook_document(shown.store, shown.record),
            "trials": trials,
        },
    )


def trial_document(row: TrialRow) -> dict[str, Any]:
    """A trial as the fields `docs/json.md` describes."""
    return {"id": row.name, **asdict(row)}


def show_page(shown: PageShown, now: float) -> None:
    """Prints the page for people. **Raises** NotFound when there is no such page."""
    found = shown.read(now)
    row = experiment_row(shown.store, shown.record, shown.place.activity(shown.store))
    say(describe(row))
    if not found.rows:
        return say(_nothing(shown, found))
    if shown.order.by == "not well":
        _show_failures(shown, found)
    else:
        _show_table(shown, found)
    where = failures_of(shown.store, shown.record)
    if where is not None:
        say(where)
    for line in outlook_lines(shown.store, shown.record):
        say(line)
    if (unkept := _unkept(shown)) is not None:
        say(unkept)
    if found.has_more or shown.page > 1:
        of = f" of {-(-found.total // shown.size)}" if found.total is not None and shown.size else ""
        more = f"; next: --page {shown.page + 1}" if found.has_more else ""
        say(f"page {shown.page}{of}{more}")
    return None


def _unkept(shown: PageShown) -> str | None:
    """Says that the code of the newest trials was not kept, unless nobody wanted it."""
    sheets = shown.store.sheets(shown.record.id)
    if not sheets or shown.record.description.keeping.snapshot == "none":
        return None
    from luthier.drive.provenance import Provenance

    why = Provenance.from_text(sheets[-1].text).no_code
    return f"The code of its trials was not kept: {why}" if why else None


def describe(row: ExperimentRow) -> str:
    """One line about an experiment, above its trials."""
    name = f" {row.name}" if row.name else ""
    asked = f" of {row.target}" if row.target is not None else ""
    parts = [
        f"experiment {row.id}{name}: {row.algorithm}, {ending(row.state, row.wish_reason)}",
        f"{row.finished}{asked} finished",
    ]
    if row.unsuccessful > row.stopped:
        parts.append(f"{row.unsuccessful - row.stopped} not well")
    if row.stopped:
        parts.append(f"{row.stopped} stopped early")
    counts = ((row.running, "running"), (row.queued, "queued"), (row.waiting, "waiting"))
    parts += [f"{n} {word}" for n, word in counts if n]
    best = [
        f"{aim.metric} {number(aim.best_value)} (trial {row.id}.{aim.best_trial})"
        for aim in row.objectives
        if aim.best_trial is not None
    ]
    if best:
        parts.append(f"best {', '.join(best)}")
    return ", ".join(parts)


def _nothing(shown: PageShown, found: Page) -> str:
    id = shown.record.id
    if shown.page > 1:
        raise NotFound(f"experiment {id} has no page {shown.page} in this order; begin with --page 1")
    match shown.order.by:
        case "running":
            return f"no trial of experiment {id} is running"
        case "not well":
            return f"no trial of experiment {id} has failed"
        case "value" | "metric":
            return f"no trial of experiment {id} has such a value yet"
        case _:
            return f"experiment {id} has no trials yet"


def _columns(shown: PageShown, found: Page) -> dict[str, Callable[[TrialRow], str]]:
    """The columns between STATE and TIME that show numbers, and how each is read from a row."""
    objective = shown.record.description.objective
    columns: dict[str, Callable[[TrialRow], str]] = {}
    if objective:
        columns[objective.metric] = lambda row: number(row.value)
    for place, other in enumerate(shown.record.description.also, 1):
        columns[other.metric] = lambda row, place=place: number(_reached(row, place))  # type: ignore[misc]
    if shown.order.by == "metric":
        metric, how = shown.order.metric, shown.order.how
        if how != "last":
            columns[f"{metric}:{how}"] = lambda row: number(_aggregate(shown, row))
        elif objective is None or objective.metric != metric or objective.aggregate != "last":
            columns[f"{metric}:last" if metric in columns else metric] = lambda row: number(
                row.metrics.get(metric)
            )
    if not columns:
        for name in shown.store.metric_names(shown.record.id)[:_METRICS_SHOWN]:
            columns[name] = lambda row, name=name: number(row.metrics.get(name))  # type: ignore[misc]
    return columns


def _reached(row: TrialRow, place: int) -> float | None:
    """One of several objectives; None where the trial has not all of them."""
    return row.reached[place] if row.reached is not None and place < len(row.reached) else None


def _aggregate(shown: PageShown, row: TrialRow) -> float | None:
    how: How = next(how for how in ("last", "min", "max", "avg") if how == shown.order.how)
    trial = shown.store.trial(row.experiment, row.number)
    return reached(shown.store, shown.record, trial, how).get(shown.order.metric)


def _show_table(shown: PageShown, found: Page) -> None:
    columns = _columns(shown, found)
    names = [
        name for name in shown.record.description.space.names if any(name in row.texts for row in found.rows)
    ]
    lines: list[Line] = [
        (
            row.name,
            row.outcome or row.state,
            *(cell(row) for cell in columns.values()),
            *(short(row.values, row.texts).get(name, "-") for name in names),
            duration(row.seconds),
        )
        for row in found.rows
    ]
    heads: Line = ("TRIAL", "STATE", *columns, *names, "TIME")
    if shown.curves:
        heads, lines = _with_curves(shown, found, heads, lines, 2 + len(columns))
    right = (*columns, "TIME", "STEP", "FOLD")
    emit(table(heads, lines, right=right, styles=[trial_style(row) for row in found.rows]))


def _with_curves(
    shown: PageShown, found: Page, heads: Line, lines: Sequence[Line], at: int
) -> tuple[Line, list[Line]]:
    """The table with the last step (or fold) of each trial and its curve, all on one scale, before the column `at`."""
    from luthier.cli.sparks import sparks
    from luthier.view.curves import curve_of, laid_out

    metric = _curve_metric(shown)
    read = {
        row.name: curve_of(shown.store, shown.store.trial(row.experiment, row.number), metric)
        for row in found.rows
        if row.attempt
    }
    axis, curves = laid_out(read, shown.record.description.stages)
    taken = sum(2 + max(map(len, column)) for column in zip(heads, *lines, strict=True))
    drawn = sparks(curves, taken + len("  STEP"))
    steps = {name: number(curve.steps[-1]) for name, curve in curves.items() if len(curve)}
    more = [
        (*line[:at], steps.get(row.name, "-"), drawn.get(row.name, "-"), *line[at:])
        for row, line in zip(found.rows, lines, strict=True)
    ]
    last = "FOLD" if axis == "fold" else "STEP"
    return (*heads[:at], last, f"CURVE OF {metric}", *heads[at:]), more


def _curve_metric(shown: PageShown) -> str:
    """The metric that is sorted by, or the objective, or the first that was reported. **Raises** NotFound without any."""
    objective = shown.record.description.objective
    names = shown.store.metric_names(shown.record.id)
    wanted = metrics.matching_name(objective.metric, names) if objective else next(iter(names), None)
    metric = shown.order.metric or wanted
    if not metric:
        raise NotFound(
            f"no trial of experiment {shown.record.id} has reported a metric yet, so there are no curves"
        )
    return metric


def trial_style(row: TrialRow) -> tuple[str, ...]:
    """How a trial's line is coloured."""
    if row.state == "running":
        return ("cyan",)
    if row.outcome in ("failed", "timed out", "out of memory", "killed"):
        return ("red",)
    return () if row.outcome in ("succeeded", None) else ("yellow",)


def _show_failures(shown: PageShown, found: Page) -> None:
    """Each trial that ended badly, with its reason and the last lines it printed."""
    for row in found.rows:
        emit(paint(f"{row.name}  {ending(row.outcome, row.reason)}", *trial_style(row)))
        emit(f"    {pairs(short(row.values, row.texts))}  ({duration(row.seconds)})")
        for line in shown.tail(row):
            emit(paint(f"    | {line}", "dim"))
    if found.total is not None:
        count = many(found.total, "trial")
        again = shown.place.hint(f"retry {shown.record.id} --failed")
        say(f"{count} ended badly; queue them again with: {again}")
