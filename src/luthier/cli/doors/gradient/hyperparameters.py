"""`luthier gradient experiments hyperparameters`: create, run, list, details, start, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import CONTEXT
from luthier.cli.doors.gradient.options import creating, keyed, with_id
from luthier.cli.doors.gradient.tags import tags_group
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, emit_json, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from luthier.cli.doors.gradient.record import Room, Tuning
    from luthier.cli.doors.gradient.standing import Standing

__all__ = ["command"]

_SHOWN = 20
STRICT = "Make it an error that the tasks can't run in their containers."
NATIVE = "Only print the native commands that do the same."


@click.group("hyperparameters", context_settings=CONTEXT)
def command() -> None:
    """Manage hyperparameter tuning."""


def _creating(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what `create` and `run` take, Gradient's options and ours."""
    made = creating(function)
    made = click.option("--strict", is_flag=True, help=STRICT)(made)
    made = click.option("--show-native", is_flag=True, help=NATIVE)(made)
    return with_store(as_json(made))


# ---------------------------------------------------------------------- making and starting


@command.command("create")
@_creating
def create_command(
    place: Place, given: dict[str, Any], strict: bool, show_native: bool, as_json: bool
) -> int:
    """Creates a hyperparameter experiment; `start` starts it."""
    from luthier.cli.doors.gradient.creating import create

    if show_native:
        return _show_native(given)
    room, secrets = create(place.folder, given, strict=strict)
    if as_json:
        emit_json("gradient.create", {"id": room.id})
    else:
        emit(f"Hyperparameter created with ID: {room.id}")
    if secrets:
        say(f"note: the values of {', '.join(secrets)} are not kept: have them in the environment of start")
    say(f"Start it with: {place.hint(f'gradient experiments hyperparameters start --id {room.id}')}")
    return 0


def _run(place: Place, given: dict[str, Any], strict: bool, show_native: bool, as_json: bool) -> int:
    """Creates a hyperparameter experiment and starts it in the background."""
    from luthier.cli.doors.gradient.creating import create, start

    if show_native:
        return _show_native(given)
    room, secrets = create(place.folder, given, strict=strict)
    start(room, secrets)
    if as_json:
        emit_json("gradient.run", {"id": room.id})
    else:
        emit(f"Hyperparameter created with ID: {room.id} and started")
    _say_where(place, room.id)
    return 0


command.command("run")(_creating(_run))
command.command("createAndStart", hidden=True)(_creating(_run))


def _say_where(place: Place, id: str) -> None:
    say(f"See it with: {place.hint(f'gradient experiments hyperparameters details --id {id}')}")
    say(f"Follow it with: {place.hint(f'gradient experiments logs --id {id} --follow')}")


def _show_native(given: dict[str, Any]) -> int:
    from luthier.cli.doors.gradient.native import show

    return show(given)


@command.command("start")
@with_id
@keyed
@with_store
def start_command(place: Place, id_: str) -> None:
    """Starts an experiment: one that was created, has ended, or whose supervising process is gone."""
    start_again(place, id_)
    emit("Hyperparameter tuning started")


def start_again(place: Place, id: str) -> None:
    """Starts an experiment. **Raises** UsageError while it runs."""
    from luthier.cli.doors.gradient.creating import secrets_of, start
    from luthier.cli.doors.gradient.record import find
    from luthier.errors import UsageError

    room, tuning = find(place.folder, id)
    if room.is_supervised:
        stop = place.hint(f"gradient experiments stop --id {room.id}")
        raise UsageError(f"experiment {room.id} is running already; end it with: {stop}")
    start(room, secrets_of(tuning))


# ---------------------------------------------------------------------- looking


@command.command("list")
@keyed
@with_store
@as_json
def list_command(place: Place, as_json: bool) -> None:
    """Lists the hyperparameter experiments, the newest first."""
    from luthier.cli.doors.gradient.record import tunings
    from luthier.cli.doors.gradient.tables import boxed

    found = tunings(place.folder)
    if as_json:
        emit_json("gradient.list", {"experiments": [_document(room, tuning) for room, tuning in found]})
    elif not found:
        say("No data found")
    else:
        rows = [(tuning.name, tuning.id, tuning.project_id or "") for _, tuning in found]
        emit(boxed([("Name", "ID", "Project ID"), *rows]))


@command.command("details")
@with_id
@keyed
@with_store
@as_json
def details_command(place: Place, id_: str, as_json: bool) -> None:
    """Shows an experiment, its tasks, and its trials, the best first."""
    show_details(place, id_, as_json)


def show_details(place: Place, id: str, as_json: bool) -> None:
    """Prints all of an experiment. **Raises** NotFound."""
    from luthier.cli.doors.gradient.record import find
    from luthier.cli.doors.gradient.standing import standing_of
    from luthier.cli.doors.gradient.tables import boxed

    room, tuning = find(place.folder, id)
    if as_json:
        return emit_json("gradient.details", _document(room, tuning) | _searches_document(place, tuning))
    standing = standing_of(room, tuning)
    emit(boxed(_details(tuning)))
    emit(boxed(_jobs(tuning, standing)))
    if standing.reason is not None:
        say(f"State {standing.state}: {standing.reason}")
    if tuning.no_container is not None:
        say(f"warning: {tuning.no_container}")
    _show_trials(place, tuning)
    return None


def _details(tuning: Tuning) -> list[tuple[str, Any]]:
    return [
        ("ID", tuning.id),
        ("Name", tuning.name),
        ("Ports", tuning.ports),
        ("Project ID", tuning.project_id),
        ("Tuning command", tuning.tuning_command),
        ("Worker command", tuning.worker_command),
        ("Worker container", tuning.worker_container),
        ("Worker count", tuning.worker_count),
        ("Worker machine type", tuning.worker_machine_type),
        ("Worker use dockerfile", tuning.use_dockerfile),
        ("Workspace URL", tuning.workspace),
    ]


def _jobs(tuning: Tuning, standing: Standing) -> list[tuple[str, ...]]:
    from luthier.cli.output import date, duration

    rows: list[tuple[str, ...]] = [("Job ID", "State", "Began", "Ran", "How it ended")]
    for job in standing.jobs:
        ran = job.ended - job.began if job.ended is not None and job.began is not None else None
        again = f" (begun {job.begun} times)" if job.begun > 1 else ""
        rows.append((job.id, job.state, date(job.began), duration(ran), (job.reason or "-") + again))
    return rows


def _show_trials(place: Place, tuning: Tuning) -> None:
    """The trials of the search inside, in Luthier's own table."""
    from luthier.cli.doors.gradient.record import searches
    from luthier.cli.showing import PageShown, show_page
    from luthier.clock import SystemClock
    from luthier.store import Sort

    with place.read() as store:
        found = searches(store, tuning.id)
        if not found:
            return say("No trials yet: the tuning command has begun no search.")
        for record in found:
            order = Sort("value", smallest_first=True)
            show_page(PageShown(place, store, record, order, False, 1, _SHOWN), SystemClock().now())
            say(
                f"All trials: {place.hint(f'show {record.id} --sort value')}; "
                f"pictures: {place.hint(f'plot {record.id} parallel')}; "
                f"importance: {place.hint(f'importance {record.id}')}"
            )
    return None


def _document(room: Room, tuning: Tuning) -> dict[str, Any]:
    from dataclasses import asdict

    from luthier.cli.doors.gradient.standing import standing_of

    standing = standing_of(room, tuning)
    document = asdict(tuning)
    # What a person put into the environment is shown by its names alone.
    document["env"] = sorted([*document.pop("env"), *document.pop("secret_names")])
    return document | {
        "state": standing.state,
        "reason": standing.reason,
        "jobs": [asdict(job) for job in standing.jobs],
    }


def _searches_document(place: Place, tuning: Tuning) -> dict[str, Any]:
    from luthier.cli.doors.gradient.record import searches

    with place.read() as store:
        return {
            "searches": [
                {"experiment": r.id, "name": r.description.name, "trials": r.trials, "finished": r.finished}
                for r in searches(store, tuning.id)
            ]
        }


command.add_command(tags_group("hyperparameter"))
