"""What kaos shows of its jobs: `train list`, `train info`, `workspace info`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from luthier.cli.doors.kaos.images import build_of, label_of
from luthier.cli.doors.kaos.jobs import HYPER, Job, Model, jobs_of, pick
from luthier.cli.doors.kaos.state import here
from luthier.cli.doors.kaos.tables import boxed
from luthier.cli.doors.kaos.words import KaosError, notice, warn
from luthier.cli.doors.kaos.workspaces import Inputs
from luthier.cli.doors.kaos.workspaces import read as read_workspace
from luthier.cli.options import Place
from luthier.cli.output import date, emit, many
from luthier.clock import SystemClock
from luthier.description import WITHOUT
from luthier.store import Store, Wish
from luthier.view.experiments import wish_reason

__all__ = ["PAGE", "all_jobs", "info", "list_jobs", "page_count", "sorted_by", "workspace_info"]

PAGE = 10
"""Models on a page."""
_PAGER = 30
_NO_JOBS = "There are currently no training jobs - first run kaos train deploy"


def all_jobs(place: Place, store: Store, workspace: Inputs) -> list[Job]:
    """The jobs of a workspace, the newest first."""
    return list(jobs_of(place, store, workspace))


def list_jobs(ctx: click.Context) -> None:
    """Prints the table of the image that is being built, or could not be, and that of the jobs."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    tables = _building(at.place, workspace)
    rows, without = [], None
    if at.place.is_made:
        with at.place.read() as store:
            now = SystemClock().now()
            jobs = all_jobs(at.place, store, workspace)
            rows = [_row(i, job, store, now) for i, job in enumerate(jobs)]
            without = jobs[0].labels.get(WITHOUT) if jobs else None
    if rows:
        heads = ["ind", "duration", "hyperopt", "job_id", "started", "state"]
        tables.append(boxed(heads, rows, "TRAINING"))
    if not tables:
        warn(_NO_JOBS)
        return
    text = "".join(f"\n{table}\n" for table in tables)
    if len(rows) > _PAGER and sys.stdout.isatty():
        click.echo_via_pager(text)
    else:
        emit(text)
    if without:
        warn(without)


def _building(place: Place, workspace: Inputs) -> list[str]:
    """The table of a build that runs or failed."""
    build = build_of(place.folder, workspace.code) if workspace.code else None
    if build is None or build.state == "JOB_SUCCESS":
        return []
    assert workspace.code
    seconds = "?" if build.ended is None or build.began is None else f"{build.ended - build.began:.0f}s"
    row = [seconds, workspace.code.digest[:32], date(build.began), build.state]
    return [boxed(["duration", "job_id", "started", "state"], [row], "BUILDING")]


def _row(ind: int, job: Job, store: Store, now: float) -> list[str]:
    duration = f"{job.seconds(store, now):.0f}s" if job.is_over else "?"
    return [str(ind), duration, str(job.is_hyperopt), job.id, date(job.record.created), job.state]


def info(
    ctx: click.Context,
    job_id: str | None,
    ind: int | None,
    sort_by: str | None,
    page_id: int,
    ascending: bool,
) -> None:
    """Prints a job's head and one page of its models."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    with opened(at.place) as store:
        job = pick(all_jobs(at.place, store, workspace), job_id, ind)
        models = job.models(store, at.place.folder)
        metrics = [model.metrics() for model in models]
        names = list(dict.fromkeys(name for found in metrics for name in found))
        order = list(range(len(models)))
        if sort_by is not None:
            order = sorted_by(metrics, names, sort_by, ascending=ascending)
        pages = page_count(len(models))
        if page_id >= pages:
            raise KaosError(f"Page {page_id} does not exist; there are {many(pages, 'page')}, counted from 0")
        now = SystemClock().now()
        emit(
            f"\n    Job ID: {job.id}\n    Process time: {job.seconds(store, now):.0f}s\n    State: {job.state}\n"
            f"    Available metrics: {names}\n\n    Page count: {pages}\n    Page ID: {page_id}"
        )
        shown = order[page_id * PAGE : (page_id + 1) * PAGE]
        scores = [_score(metrics[i].get(sort_by)) for i in shown] if sort_by is not None else None
        emit(_models_table([models[i] for i in shown], scores))
        _tell_rest(at.place, store, job)


def page_count(models: int) -> int:
    """How many pages there are; an empty job has one."""
    return max(1, -(-models // PAGE))


def sorted_by(
    metrics: Sequence[dict[str, Any]], names: Sequence[str], metric: str, *, ascending: bool
) -> list[int]:
    """The models' places in the order of a metric: the largest first, ties as they were, those without it last.

    **Raises** KaosError for a metric that nobody wrote, and for one that is never a number.
    """
    if metric not in names:
        raise KaosError(f"Metric {metric} not found")
    numbers = [_number(found.get(metric)) for found in metrics]
    if all(number is None for number in numbers):
        raise KaosError(f"Metric {metric} is not a number, so nothing can be sorted by it")
    sign = 1 if ascending else -1

    def key(i: int) -> tuple[bool, float]:
        number = numbers[i]
        return (True, 0.0) if number is None else (False, sign * number)

    return sorted(range(len(metrics)), key=key)


def _number(value: Any) -> float | None:
    """A score as a number; None for what is none, NaN among it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    return float(value)


def _score(value: Any) -> str:
    return "-" if value is None else str(value)


def _models_table(models: Sequence[Model], scores: Sequence[str] | None) -> str:
    heads = ["ind", "Code", "Data", "Model ID", "Hyperparams", *(["Score"] if scores is not None else [])]
    rows = []
    for i, model in enumerate(models):
        labels = model.labels
        hyper = "None"
        if HYPER in labels:
            hyper = f"Author: {labels['kaos-hyper-author']}\nPath: /{labels[HYPER]}/{model.file_name}"
        code = f"Author: {labels['kaos-code-author']}\nPath: {labels['kaos-code']}"
        data = f"Author: {labels['kaos-data-author']}\nPath: {labels['kaos-data']}"
        rows.append([str(i), code, data, model.id, hyper, *([scores[i]] if scores is not None else [])])
    return boxed(heads, rows)


def _tell_rest(place: Place, store: Store, job: Job) -> None:
    """Says what the table can't: who failed, and why; that nobody is at a job that is not over."""
    bad = job.unsuccessful(store)
    if bad and (result := bad[0].result):
        notice(
            f"{len(bad)} of {many(job.record.target or len(bad), 'model')} did not become one; the first: "
            f"{result.reason}; see: luthier kaos train logs -j {job.id}, or {place.hint(f'show {job.record.id} --failed')}"
        )
    if why := job.labels.get(WITHOUT):
        warn(why)
    if job.is_interrupted:
        notice(
            "its driver was killed; it goes on when it is submitted again, or with: "
            f"{place.hint(f'resume {job.record.id} --detach')}"
        )
    elif job.is_over and not job.record.is_met:
        why = wish_reason(store, job.record) if job.record.wish is Wish.PAUSE else None
        if why is not None:
            notice(f"{why}, so no more were started")
        notice(f"go on with the rest: {place.hint(f'resume {job.record.id} --detach')}")


def opened(place: Place) -> Any:
    """Opens the record to look at it. **Raises** KaosError where nothing was submitted yet."""
    if not place.is_made:
        raise KaosError(_NO_JOBS)
    return place.read()


def workspace_info(ctx: click.Context) -> None:
    """Prints what is set in the workspace, and its newest job."""
    at = here(ctx)
    workspace = read_workspace(at.place.folder, at.needed())
    emit(f"\n--- Workspace {workspace.name} ---\n")
    pipelines = []
    if at.place.is_made:
        with at.place.read() as store:
            pipelines = [f"train {job.id} ({job.state})" for job in all_jobs(at.place, store, workspace)]
    repos = [
        f"{label_of(workspace.code)}" if workspace.code else "",
        f"/{workspace.data.glob}" if workspace.data else "",
        f"/{workspace.hyper.hash}/*" if workspace.hyper else "",
    ]
    for title, entries in (("Pipelines", pipelines), ("Repos", [entry for entry in repos if entry])):
        emit(f"{title}:\n")
        emit("".join(f"- {entry}\n" for entry in entries) + "\n")
