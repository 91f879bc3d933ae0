"""kaos's commands beside `train`: `init`, `workspace`, `template`, and those that Luthier does not have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from luthier.cli.app import Example
from luthier.cli.doors.kaos.state import folder_of, here, remember_workspace, user, write_endpoint
from luthier.cli.doors.kaos.tables import boxed
from luthier.cli.doors.kaos.train import train
from luthier.cli.doors.kaos.words import SETTINGS, KaosError, KaosGroup, KaosWarning, info, notice, warn
from luthier.cli.doors.kaos.words import command as add
from luthier.cli.output import emit, say
from luthier.errors import NotFound, StoreError
from luthier.store.address import is_address, without_password

__all__ = ["command"]


class _House(Example, KaosGroup):
    """All of kaos's commands."""


command = _House(
    "kaos",
    example="luthier kaos train deploy -d data -h params.json -p 2",
    help="kaos's own commands: type what its pages say, with luthier in front. docs/doors/kaos.md has every option.",
)


def _reach(folder: Path) -> None:
    """Makes sure that the server a folder stands for answers. **Raises** KaosError."""
    from luthier.store import open_store

    try:
        open_store(folder, read_only=True).close()
    except NotFound:
        pass  # nothing is there yet, but it answers
    except StoreError as error:
        raise KaosError(str(error)) from None


@add(command, "init", "luthier kaos init -e .luthier")
@click.option("-e", "--endpoint", required=True, help="A store: a folder, sqlite:///PATH, or postgresql://…")
@click.option("-t", "--token", help="Accepted, and not needed: a store has no token.")
@click.option("-f", "--force", is_flag=True, help="Overwrite the current state directory.")
def init(endpoint: str, token: str | None, force: bool) -> None:
    """Connect this directory with a store."""
    project = Path.cwd()
    if not endpoint.strip():
        raise KaosError("the endpoint is empty; name a store, such as -e .luthier")
    folder = folder_of(endpoint, project, click.get_current_context())
    if (project / ".kaos" / "config").exists() and not force:
        if not _confirmed("kaos is already initialized in this directory. Do you want to overwrite?", "-f"):
            raise KaosError("nothing was changed")
    elif force:
        warn("Force initialization of kaos")
    if token is not None:
        notice("the token is not needed and was not kept")
    if is_address(endpoint):
        endpoint = without_password(endpoint)
        _reach(folder)
    else:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KaosError(f"{folder} can't be a store: {error.strerror}") from None
    write_endpoint(project, endpoint)
    info(f"kaos successfully connected to {endpoint}")


@command.group("workspace", cls=KaosGroup)
def workspace() -> None:
    """Organize and separate model environments by workspace."""


@add(workspace, "create", "luthier kaos workspace create -n mnist")
@click.option("-n", "--name", help="New workspace name.")
def create(name: str | None) -> None:
    """Create a workspace, and make it the current one."""
    from luthier.cli.doors.kaos import workspaces

    at, kept = here(click.get_current_context()), workspaces.check_name(name)
    workspaces.create(at.place.folder, kept, user())
    remember_workspace(at, kept)
    emit(f"Successfully set {kept} workspace")


@add(workspace, "list", "luthier kaos workspace list")
def list_workspaces() -> None:
    """List all available workspaces."""
    from luthier.cli.doors.kaos import workspaces

    known = workspaces.names(here(click.get_current_context()).place.folder)
    if known:
        emit(boxed(["ind", "name"], [[str(i), name] for i, name in enumerate(known)]))
    else:
        warn("There are currently no active workspaces - first run kaos workspace create")


@add(workspace, "set", "luthier kaos workspace set -n mnist\nluthier kaos workspace set -i 0")
@click.option("-n", "--name", help="Available workspace name.")
@click.option("-i", "--ind", type=int, help="Workspace index.")
def set_workspace(name: str | None, ind: int | None) -> None:
    """Set the current workspace."""
    from luthier.cli.doors.kaos import workspaces

    at = here(click.get_current_context())
    known = workspaces.names(at.place.folder)
    name = _named(name, ind, known, "workspace").lower()
    if name not in known:
        close = workspaces.similar(name, known)
        if close:
            raise KaosWarning(
                f"Workspace {name} does not exist. Did you mean one of these?\n" + "\n".join(close)
            )
        raise KaosWarning(
            f"Workspace {name} does not exist. Check the existing workspaces with `kaos workspace list`"
        )
    remember_workspace(at, name)
    emit(f"Successfully set {name} workspace")


@add(workspace, "current", "luthier kaos workspace current")
def current() -> None:
    """Return the name of the current workspace."""
    info(f"Workspace {here(click.get_current_context()).needed()} is currently set")


@add(workspace, "info", "luthier kaos workspace info")
def workspace_info() -> None:
    """Show what is set in the current workspace, and its jobs."""
    from luthier.cli.doors.kaos.listing import workspace_info as show

    show(click.get_current_context())


@add(workspace, "kill", "luthier kaos workspace kill")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def kill_workspace(yes: bool) -> None:
    """Kill the jobs of the current workspace and forget what is set in it."""
    at = here(click.get_current_context())
    name = at.needed()
    yes = yes or _confirmed(f"Are you sure about killing all {name} resources?", "-y")
    if not yes:
        info(f"Workspace {name} kill operation aborted. Re-initiate using `kaos workspace kill` if required")
        click.get_current_context().exit(1)
    from luthier.cli.doors.kaos import workspaces
    from luthier.cli.doors.kaos.killing import kill_all

    kill_all(at)
    workspaces.kill(at.place.folder, name)
    remember_workspace(at, "")
    info(f"Successfully killed all {name} resources")


@command.group("template", cls=KaosGroup)
def template() -> None:
    """Retrieve templates for getting started."""


@add(template, "list", "luthier kaos template list")
def list_templates() -> None:
    """List all available templates."""
    from luthier import templates

    rows = [[str(i), name, templates.describe(name), "images"] for i, name in enumerate(templates.names())]
    emit(boxed(["ind", "name", "description", "input_type"], rows))


@add(template, "get", "luthier kaos template get --name mnist")
@click.option("-n", "--name", help="Template name.")
@click.option("-i", "--ind", type=int, help="Template index.")
def get_template(name: str | None, ind: int | None) -> None:
    """Copy a template to ./templates. A copy that is there is replaced; if it was changed, it is kept beside."""
    from luthier import templates
    from luthier.cli.doors.kaos.copying import replace_copy

    known = templates.names()
    name = _named(name, ind, known, "template")
    if name not in known:
        raise KaosError(f"template {name} does not exist... Run `kaos template list` again")
    kept = replace_copy(name, Path("templates") / name)
    if kept is not None:
        notice(f"the copy that was there had been changed; it is in {kept}")
    emit(f"Successfully loaded {name} template")


def _named(name: str | None, ind: int | None, known: list[str], kind: str) -> str:
    """What is meant by a name or an index. **Raises** UsageError for both, KaosError for neither."""
    if name is not None and ind is not None:
        raise click.UsageError(
            "Illegal usage: name is mutually exclusive with ind", click.get_current_context()
        )
    if name is not None:
        return name
    if ind is None:
        raise KaosError("Missing either name or ind as arguments...")
    if not -len(known) <= ind < len(known):
        raise KaosError(f"Index {ind} does not exist... Run `kaos {kind} list` again")
    return known[ind]


def _confirmed(question: str, option: str) -> bool:
    """What a person answers. **Raises** KaosError where nobody can, naming the option that answers."""
    try:
        return click.confirm(f"Warning - {question}", err=True)
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        say("")
        raise KaosError(f"nobody is there to answer; {option} says yes") from None


command.add_command(train)


def _refused(name: str, reason: str) -> None:
    """Adds a command of kaos's that only says why it is not there."""

    def refuse(words: tuple[str, ...]) -> Any:
        raise KaosError(f"kaos {name} is not part of Luthier: {reason}")

    what = click.argument("words", nargs=-1, type=click.UNPROCESSED)(refuse)
    settings = {**SETTINGS, "ignore_unknown_options": True}
    made: click.Command = click.command(name, context_settings=settings, help=f"Not built: {reason}")(what)
    command.add_command(made)


_refused("serve", "`luthier kaos train get -m` hands the model over to whatever serves it")
_refused("notebook", "a notebook runs where you start it; docs/python.md shows how to tune from one")
_refused("build", "an endpoint is a store, which is there as soon as it is named; no cluster is built")
