"""What kaos keeps in the folder it is used in: `./.kaos/config`, with the endpoint and the current workspace.

An endpoint is a store: a folder, `sqlite:///PATH` or `postgresql://…`. Without `kaos init` it is the store that every
other command of Luthier would take. No token is ever written. What everybody who uses the endpoint shares (workspaces,
their inputs) is in `workspaces.py`.
"""

from __future__ import annotations

import getpass
import os
from configparser import ConfigParser, Error
from pathlib import Path
from typing import NamedTuple

import click

from luthier.cli.doors.kaos.words import KaosError, KaosWarning
from luthier.cli.options import Place
from luthier.errors import UsageError

__all__ = ["Here", "folder_of", "here", "remember_workspace", "user", "write_endpoint"]

FOLDER = ".kaos"
_ENDPOINT, _WORKSPACE = ("backend", "url"), ("pachyderm", "workspace")


class Here(NamedTuple):
    """Where kaos is used: the folder with (or for) `.kaos/`, the record, the current workspace or an empty text."""

    project: Path
    place: Place
    workspace: str

    def needed(self) -> str:
        """The current workspace. **Raises** KaosWarning where there is none, or it was killed."""
        from luthier.cli.doors.kaos.workspaces import exists

        if not self.workspace:
            raise KaosWarning("workspace not defined - first run kaos workspace set")
        if not exists(self.place.folder, self.workspace):
            raise KaosWarning(
                f"Workspace {self.workspace} has been deleted/killed, or is not in {self.place.folder}; "
                "see: luthier kaos workspace list"
            )
        return self.workspace


def here(ctx: click.Context) -> Here:
    """Where this command is used. **Raises** KaosError when the state can't be read."""
    project = _project(Path.cwd())
    config = _read(project)
    endpoint = config.get(*_ENDPOINT, fallback="")
    return Here(project, Place(folder_of(endpoint, project, ctx)), config.get(*_WORKSPACE, fallback=""))


def _project(start: Path) -> Path:
    """The nearest folder at or above `start` that has a `.kaos`, else `start`."""
    return next((place for place in (start, *start.parents) if (place / FOLDER / "config").is_file()), start)


def folder_of(endpoint: str, project: Path, ctx: click.Context) -> Path:
    """The folder of the store an endpoint names; relative to the folder `.kaos` is in.

    **Raises** KaosError for what is no store of this version.
    """
    from luthier.store.location import store_folder

    if "://" in endpoint and not endpoint.startswith(("sqlite://", "postgres", "file://")):
        raise KaosError(
            f"the endpoint {endpoint} is no store; Luthier needs no server: give a folder, such as -e .luthier, "
            "or sqlite:///PATH"
        )
    given = endpoint.removeprefix("file://") or ctx.find_root().obj or os.environ.get("LUTHIER_STORE")
    try:
        return project / store_folder(given, project)
    except UsageError as error:
        raise KaosError(str(error).replace("--store", "the endpoint")) from None


def write_endpoint(project: Path, endpoint: str) -> None:
    """Begins `.kaos/config` anew with this endpoint."""
    config = ConfigParser(interpolation=None)
    config["DEFAULT"] = {"user": user()}
    config["backend"] = {"url": endpoint}
    _write(project, config)


def remember_workspace(at: Here, name: str) -> None:
    """Makes a workspace the current one; an empty name means none."""
    config = _read(at.project)
    if not config.has_section("pachyderm"):
        config.add_section("pachyderm")
    config.set(*_WORKSPACE, name)
    _write(at.project, config)


def user() -> str:
    """Who submits."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return f"uid{os.getuid()}"


def _read(project: Path) -> ConfigParser:
    config = ConfigParser(interpolation=None)
    path = project / FOLDER / "config"
    try:
        config.read(path, encoding="utf-8")
    except (Error, OSError, UnicodeDecodeError) as error:
        raise KaosError(
            f"{path} can't be read ({error}); begin anew with: luthier kaos init -f -e STORE"
        ) from None
    return config


def _write(project: Path, config: ConfigParser) -> None:
    folder = project / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        beside = folder / f"config.{os.getpid()}.part"
        with open(beside, "w", encoding="utf-8") as file:
            config.write(file)
        beside.replace(folder / "config")
    except OSError as error:
        raise KaosError(f"{folder} can't be written: {error.strerror}") from None
