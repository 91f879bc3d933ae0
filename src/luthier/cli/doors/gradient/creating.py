"""Makes an experiment of what was asked for, and starts the process that looks after its tasks."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from luthier.cli.doors.gradient.options import Kind, given_of
from luthier.cli.doors.gradient.record import Room, Tuning, new_id, sweep
from luthier.cli.doors.gradient.workspace import NONE, Source, entered, fetch, inside, shown
from luthier.cli.output import say
from luthier.clock import SystemClock
from luthier.compat.secrets import is_secret
from luthier.errors import UsageError

__all__ = ["create", "secrets_of", "split_tags", "start"]

FAILED = "Failed to create resource: "
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def create(folder: Path, given: dict[str, Any], *, strict: bool) -> tuple[Room, dict[str, str]]:
    """Keeps a new experiment; returns it, and the values of variables that are not kept.

    **Holds** after an error nothing of it is there. **Raises** UsageError beginning as Gradient's do.
    """
    for line in _notices(given):
        say(line)
    try:
        env, secrets = _environment(given["experiment_env"])
        source = _source(given)
        no_container = _containers(given, strict)
        wish = Wanted(env, tuple(secrets), no_container, strict)
    except UsageError as error:
        raise UsageError(f"{FAILED}{error}") from error
    room = Room(folder, new_id())
    tuning = _tuning(room.id, given, source, wish)
    try:
        _open(room)
        with room.created():
            tuning = _with_workspace(room, tuning, source)
            _say_twin(folder, tuning)
            room.write(tuning)
    except BaseException as error:
        shutil.rmtree(room.path, ignore_errors=True)
        if isinstance(error, UsageError):
            raise UsageError(f"{FAILED}workspace: {error}") from error
        if isinstance(error, OSError):
            raise UsageError(f"{FAILED}{error.filename or room.path}: {error.strerror}") from error
        raise
    return room, secrets


def _say_twin(folder: Path, tuning: Tuning) -> None:
    """Names an unfinished experiment that is the same, and the line that goes on with it."""
    from luthier.cli.doors.gradient.record import tunings
    from luthier.cli.doors.gradient.standing import standing_of

    def same(other: Tuning) -> tuple[Any, ...]:
        return (other.tuning_command, other.worker_command, other.worker_count, other.env, other.code)

    for room, other in tunings(folder):
        state = standing_of(room, other).state if same(other) == same(tuning) else "stopped"
        if state in ("running", "provisioning"):
            return say(f"note: experiment {other.id} is the same and still runs; this is a new one")
        if state in ("error", "canceled", "created"):
            start = f"luthier gradient experiments start --id {other.id}"
            return say(
                f"note: experiment {other.id} is the same and not finished; this is a new one. To go on with that: {start}"
            )
    return None


def _open(room: Room) -> None:
    """Makes the folder, and the store that the tasks will keep their trials in."""
    from luthier.store import open_store

    open_store(room.store).close()
    sweep(room.store)
    room.path.mkdir(mode=0o700, parents=True)


def _with_workspace(room: Room, tuning: Tuning, source: Source) -> Tuning:
    from dataclasses import replace

    from luthier.bundles import digest_of

    workspace = room.path / "workspace"
    if source.place.startswith("git+"):
        say(f"Fetching {shown(source.place)}")
    commit = fetch(source, workspace)
    directory = entered(source, workspace, tuning.working_directory)
    inside(workspace, directory)
    if directory != tuning.working_directory:
        say(
            f"All of the archive lies in {directory.partition('/')[0] if directory else ''}: the tasks run there"
        )
        tuning = replace(tuning, working_directory=directory)
    try:
        code = digest_of(workspace, "code").digest
    except UsageError:
        code = None  # a link in it leads elsewhere: it can run, and has no digest
    return replace(tuning, commit=commit, code=code)


class Wanted(NamedTuple):
    """What was made of the options beside their texts: as the fields of a `Tuning`."""

    env: dict[str, str]
    secret_names: tuple[str, ...]
    no_container: str | None
    strict: bool


def _tuning(id: str, given: dict[str, Any], source: Source, wanted: Wanted) -> Tuning:
    return Tuning(
        id=id,
        name=given["name"] or id,
        tuning_command=given["tuning_command"],
        worker_command=given["worker_command"],
        worker_count=given["worker_count"],
        worker_container=given["worker_container"],
        worker_machine_type=given["worker_machine_type"],
        created=SystemClock().now(),
        project_id=given["project_id"],
        server_container=given["hyperparameter_server_container"],
        server_machine_type=given["hyperparameter_server_machine_type"],
        workspace=shown(source.place),
        working_directory=given["working_directory"],
        model_path=given["model_path"],
        ports=given["ports"],
        use_dockerfile=given["worker_use_dockerfile"],
        tags=split_tags(given["tag"], given["tags"]),
        labels=given_of(given, Kind.LABEL),
        **wanted._asdict(),
    )


def _notices(given: dict[str, Any]) -> list[str]:
    lines = []
    if labels := given_of(given, Kind.LABEL):
        kept = ", ".join(f"--{flag}" for flag in labels)
        lines.append(f"note: kept as labels, without effect on one machine: {kept}")
    passwords = [f"--{flag}" for flag in given_of(given, Kind.SECRET) if flag != "workspacePassword"]
    if passwords:
        lines.append(f"note: not used and not kept: {', '.join(passwords)}")
    if _place(given) == NONE:
        lines.append("note: there is no --workspace, so the commands run in an empty folder")
    return lines


def _containers(given: dict[str, Any], strict: bool) -> str | None:
    """Why the tasks run without their images, as far as that is known yet, once it was said."""
    from luthier.cli.doors.gradient.housing import why_without

    why = why_without(given["worker_container"], strict=strict)
    if why is not None:
        say(f"warning: {why}")
    return why


def split_tags(several: tuple[str, ...], commas: str | None) -> tuple[str, ...]:
    """Tags of both options, each once and sorted."""
    parts = [*several, *(commas.split(",") if commas else ())]
    return tuple(sorted({part.strip() for part in parts if part.strip()}))


def _place(given: dict[str, Any]) -> str:
    places = [given[name] for name in ("workspace", "workspace_url", "workspace_archive")]
    found = [place for place in places if place and place != NONE]
    if len(found) > 1:
        raise UsageError(
            f"{FAILED}--workspace, --workspaceUrl and --workspaceArchive mean the same; give one of them"
        )
    return str(found[0]) if found else NONE


def _source(given: dict[str, Any]) -> Source:
    ignored = tuple(part.strip() for part in (given["ignore_files"] or "").split(",") if part.strip())
    user, password = given["workspace_username"], given["workspace_password"]
    return Source(_place(given), given["workspace_ref"], user, password, ignored)


def _environment(text: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """The variables of `--experimentEnv`: those that may be kept, and those whose names or values say that they are
    secret."""
    if text is None:
        return {}, {}
    try:
        read = json.loads(text)
    except ValueError as error:
        raise UsageError(
            f'experimentEnv: {error} in {text!r}; write JSON such as \'{{"EPOCHS": "3"}}\''
        ) from None
    if not isinstance(read, dict):
        raise UsageError("experimentEnv: this is no JSON object of names and values")
    env: dict[str, str] = {}
    for name, value in read.items():
        if not NAME.fullmatch(name):
            raise UsageError(f"experimentEnv: {name!r} is no name of a variable")
        if isinstance(value, (dict, list)) or value is None:
            raise UsageError(f"experimentEnv: {name} has to be a text or a number")
        env[name] = value if isinstance(value, str) else json.dumps(value)
        if "\0" in env[name]:
            raise UsageError(f"experimentEnv: {name} holds a NUL, which no variable can")
    secrets = {name: value for name, value in env.items() if is_secret(name, value)}
    return {name: value for name, value in env.items() if name not in secrets}, secrets


# ---------------------------------------------------------------------- starting


def secrets_of(tuning: Tuning) -> dict[str, str]:
    """The values of the variables that were not kept, from this shell's environment.

    **Raises** UsageError naming those that are missing.
    """
    missing = [name for name in tuning.secret_names if name not in os.environ]
    if missing:
        raise UsageError(
            f"the values of {', '.join(missing)} were not kept, for their names or values say that they are secret; set "
            "them in the environment first: " + "; ".join(f"export {name}=…" for name in missing)
        )
    return {name: os.environ[name] for name in tuning.secret_names}


def start(room: Room, secrets: Mapping[str, str]) -> None:
    """Starts the process that looks after the tasks, and waits until it does.

    **Raises** LuthierError when it ended before that, with the file that says why.
    """
    from luthier.drive.background import start_and_wait

    words = ["-m", "luthier.cli.doors.gradient.supervising", str(room.store), room.id]
    start_and_wait("process that looks after the tasks", words, room.path / "supervisor.log", secrets)
