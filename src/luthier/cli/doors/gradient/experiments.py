"""`luthier gradient experiments`: hyperparameters, list, details, start, stop, delete, logs, metrics, tags."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any, NoReturn

import click

from luthier.cli.app import CONTEXT
from luthier.cli.doors.gradient import hyperparameters
from luthier.cli.doors.gradient.metrics import metrics_command
from luthier.cli.doors.gradient.options import keyed, with_id
from luthier.cli.doors.gradient.tags import tags_group
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, emit_json, say

__all__ = ["command", "with_lines"]


@click.group("experiments", context_settings=CONTEXT)
def command() -> None:
    """Manage experiments."""


command.add_command(hyperparameters.command)
command.add_command(metrics_command)


# ---------------------------------------------------------------------- looking


@command.command("list")
@click.option("--projectId", "-p", "project_ids", multiple=True, metavar="ID", help="Only of this project.")
@click.option("--tag", "tags", multiple=True, help="Only with this tag.")
@click.option("--limit", "-l", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@click.option("--offset", "-o", type=click.IntRange(0), default=0, help="Leave out so many of the newest.")
@keyed
@with_store
@as_json
def list_command(
    place: Place, project_ids: tuple[str, ...], tags: tuple[str, ...], limit: int, offset: int, as_json: bool
) -> None:
    """Lists experiments with their states, the newest first."""
    from luthier.cli.doors.gradient.record import tunings
    from luthier.cli.doors.gradient.standing import standing_of
    from luthier.cli.doors.gradient.tables import boxed

    wanted = [
        (room, tuning)
        for room, tuning in tunings(place.folder)
        if (not project_ids or tuning.project_id in project_ids) and set(tags) <= set(tuning.tags)
    ]
    page = wanted[offset : offset + limit]
    rows = [(tuning.name, tuning.id, standing_of(room, tuning).state) for room, tuning in page]
    if as_json:
        fields = ("name", "id", "state")
        emit_json(
            "gradient.experiments",
            {"total": len(wanted), "experiments": [dict(zip(fields, r, strict=True)) for r in rows]},
        )
    elif not rows:
        say("No data found")
    else:
        emit(boxed([("Name", "ID", "Status"), *rows]))
    if offset + limit < len(wanted):
        say(f"{len(wanted) - offset - limit} more: --offset {offset + limit}")


@command.command("details")
@with_id
@keyed
@with_store
@as_json
def details_command(place: Place, id_: str, as_json: bool) -> None:
    """Shows an experiment, its tasks and its trials."""
    hyperparameters.show_details(place, id_, as_json)


def with_lines(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what says which lines of a log are shown."""
    made = click.option(
        "--follow", type=bool, is_flag=False, flag_value="true", default=False, help="Go on until it ends."
    )(function)
    made = click.option(
        "--limit", type=click.IntRange(1), default=10000, show_default=True, help="At most so many lines."
    )(made)
    return click.option("--line", type=click.IntRange(0), default=0, help="Leave out lines up to this one.")(
        made
    )


@command.command("logs")
@with_id
@with_lines
@keyed
@with_store
def logs_command(place: Place, id_: str, line: int, limit: int, follow: bool) -> None:
    """Shows what all tasks of an experiment print; one of them alone: gradient jobs logs --id JOB."""
    from luthier.cli.doors.gradient.logs import show_logs
    from luthier.cli.doors.gradient.record import find

    room, tuning = find(place.folder, id_)
    entity = f"Experiment {tuning.id}"
    show_logs(place, room, tuning, tuning.tasks, entity=entity, first=line, limit=limit, follow=follow)


# ---------------------------------------------------------------------- steering


@command.command("start")
@with_id
@click.option("--logs", "show_logs", is_flag=True, help="Follow the logs.")
@keyed
@with_store
@click.pass_context
def start_command(ctx: click.Context, place: Place, id_: str, show_logs: bool) -> None:
    """Starts an experiment that was created, has ended, or was left behind."""
    hyperparameters.start_again(place, id_)
    emit("Experiment started")
    if show_logs:
        ctx.invoke(
            logs_command,
            id_=id_,
            line=0,
            limit=10000,
            follow=True,
            place=place,
            api_key=None,
            options_file=None,
        )


@command.command("stop")
@with_id
@keyed
@with_store
def stop_command(place: Place, id_: str) -> None:
    """Ends all tasks of an experiment: TERM, and KILL after ten seconds. Its trials stay."""
    from luthier.cli.doors.gradient.record import find
    from luthier.cli.doors.gradient.stopping import stop

    room, tuning = find(place.folder, id_)
    if stop(room, tuning):
        emit("Experiment stopped")
    else:
        say(f"experiment {tuning.id} is not running; nothing was to be stopped")


@command.command("delete")
@with_id
@keyed
@with_store
def delete_command(place: Place, id_: str) -> None:
    """Removes an experiment that does not run: its tasks with their files, and its trials."""
    from luthier.cli.doors.gradient.record import find, searches
    from luthier.cli.doors.gradient.standing import standing_of
    from luthier.cli.removing import remove_experiment
    from luthier.errors import UsageError

    room, tuning = find(place.folder, id_)
    if room.is_supervised or any(job.state == "running" for job in standing_of(room, tuning).jobs):
        stop = place.hint(f"gradient experiments stop --id {tuning.id}")
        raise UsageError(f"experiment {tuning.id} is running; end it first with: {stop}")
    with place.change() as store:
        for record in searches(store, tuning.id):
            remove_experiment(place.folder, store, record.id)
    shutil.rmtree(room.path)
    emit("Experiment deleted")


# ---------------------------------------------------------------------- what is not here


command.add_command(tags_group("experiment"))


@command.command("create", context_settings={"ignore_unknown_options": True}, hidden=True)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def create_command(words: tuple[str, ...]) -> None:
    """Says what there is instead."""
    _refuse("create", words)


@command.command("run", context_settings={"ignore_unknown_options": True}, hidden=True)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def run_command(words: tuple[str, ...]) -> None:
    """Says what there is instead."""
    _refuse("run", words)


def _refuse(verb: str, words: tuple[str, ...]) -> NoReturn:
    from luthier.errors import UsageError

    what = next((word for word in words if word in ("singlenode", "multinode")), "")
    raise UsageError(
        f"'gradient experiments {verb} {what}'".replace(" '", "'")
        + " is not built: here an experiment tunes hyperparameters; write: "
        f"luthier gradient experiments hyperparameters {verb}"
    )
