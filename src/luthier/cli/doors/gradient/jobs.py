"""`luthier gradient jobs`: the tasks of experiments, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.app import CONTEXT
from luthier.cli.doors.gradient.experiments import with_lines
from luthier.cli.doors.gradient.options import keyed
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, emit_json, say
from luthier.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from luthier.cli.doors.gradient.record import Room, Tuning

__all__ = ["command"]

_REFUSED = {
    "create": "a job alone is no tuning; write: luthier gradient experiments hyperparameters run",
    "delete": "the tasks go with their experiment: luthier gradient experiments delete --id ID",
    "stop": "the tasks end together: luthier gradient experiments stop --id ID",
    "metrics": "metrics are told of the trials: luthier gradient experiments metrics get --id ID",
    "tags": "tags are the experiment's: luthier gradient experiments tags add --id ID --tag TAG",
}


class _Jobs(click.Group):
    """Says of Gradient's other commands why they are not here."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in _REFUSED:
            from luthier.errors import UsageError

            raise UsageError(f"'gradient jobs {name}' is not built: {_REFUSED[name]}")
        return super().get_command(ctx, name)


@click.group("jobs", cls=_Jobs, context_settings=CONTEXT)
def command() -> None:
    """Look at the tasks of experiments: the tuning command, the workers, the store."""


@command.command("list")
@click.option("--experimentId", "experiment", metavar="ID", help="Only of this experiment.")
@click.option("--projectId", "project_id", metavar="ID", help="Only of this project.")
@click.option("--project", metavar="NAME", hidden=True)
@click.option("--tag", "tags", multiple=True, help="Only of experiments with this tag.")
@keyed
@with_store
@as_json
def list_command(
    place: Place,
    experiment: str | None,
    project_id: str | None,
    project: str | None,
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Lists the tasks, of the newest experiment first."""
    from dataclasses import asdict

    from luthier.cli.doors.gradient.record import find, tunings
    from luthier.cli.doors.gradient.standing import standing_of
    from luthier.cli.doors.gradient.tables import boxed

    found = [find(place.folder, experiment)] if experiment else tunings(place.folder)
    wanted = (project_id, project) if project_id or project else None
    chosen = [
        (tuning, job)
        for room, tuning in found
        if (wanted is None or tuning.project_id in wanted) and set(tags) <= set(tuning.tags)
        for job in standing_of(room, tuning).jobs
    ]
    if as_json:
        emit_json("gradient.jobs", {"jobs": [{"experiment": t.id, **asdict(job)} for t, job in chosen]})
    elif not chosen:
        say("No data found")
    else:
        emit(
            boxed(
                [("ID", "Name", "Project", "Cluster", "Machine Type", "Created", "State"), *map(_row, chosen)]
            )
        )


def _row(pair: tuple[Tuning, object]) -> tuple[str, ...]:
    from luthier.cli.doors.gradient.record import SERVER
    from luthier.cli.doors.gradient.standing import Job
    from luthier.cli.output import date

    tuning, job = pair
    assert isinstance(job, Job)
    machine = tuning.server_machine_type if job.task == SERVER else tuning.worker_machine_type
    return (
        job.id,
        f"{tuning.name} {job.task}",
        tuning.project_id or "",
        tuning.labels.get("clusterId", ""),
        (machine or "") if job.task != "store" else "",
        date(tuning.created),
        job.state,
    )


@command.command("logs")
@click.option("--id", "job", required=True, metavar="JOB", help="The job, such as es…-worker-1.")
@with_lines
@keyed
@with_store
def logs_command(place: Place, job: str, line: int, limit: int, follow: bool) -> None:
    """Shows what one task prints, and of the store what happened in it."""
    from luthier.cli.doors.gradient.logs import show_logs

    room, tuning, task = _find(place.folder, job)
    show_logs(
        place, room, tuning, (task,), entity=f"Job {tuning.job(task)}", first=line, limit=limit, follow=follow
    )


def _find(folder: Path, job: str) -> tuple[Room, Tuning, str]:
    """The task of this id. **Raises** NotFound naming those there are."""
    from luthier.cli.doors.gradient.record import STORE, find

    id, _, task = job.partition("-")
    room, tuning = find(folder, id)
    known = (*tuning.tasks, STORE)
    if task not in known:
        raise NotFound(f"there is no job {job}; there are: {', '.join(map(tuning.job, known))}")
    return room, tuning, task
