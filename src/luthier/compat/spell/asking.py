"""What a user of Spell asks for, and the experiment it becomes.

`described` turns a `Wanted` into a `Description`, with the notices a person should read: what is kept without effect here, and why.
"""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.compat.secrets import is_secret
from luthier.compat.spell.commands import check_places, check_program, command_of
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.surroundings import environment_of
from luthier.compat.spell.wanted import Wanted
from luthier.description import DOOR, Algorithm, Description, Limits, Objective, Stopping
from luthier.drive.repository import without_credentials
from luthier.errors import LuthierError, UsageError
from luthier.store.location import FOLDER

__all__ = ["Described", "described"]

KAPPA = 2.0
"""How far the upper confidence bound looks: written down with the search, so that it stays what it was."""


class Described(NamedTuple):
    """An experiment to begin, what a person should read before, and the variables that are stored nowhere."""

    description: Description
    notices: list[str]
    secrets: dict[str, str]


def described(wanted: Wanted, folder: Path, directory: Path) -> Described:
    """The experiment that is asked for; its trials run in `directory`, its record is in `folder`.

    **Raises** UsageError in one of its kinds for what can't be.
    """
    stopping = _stopping(wanted.stop_conditions)
    command = command_of(wanted.words, str(directory), wanted.tensorboard_dir)
    check_places(command, wanted.space)
    private = {name: text for name, text in wanted.variables.items() if is_secret(name, text)}
    environment, notices = environment_of(wanted, folder, directory, private)
    project = folder.parent if folder.name == FOLDER else Path.cwd()
    try:
        description = Description(
            project=str(project),
            space=wanted.space,
            algorithm=_algorithm(wanted),
            command=command,
            objective=_objective(wanted),
            trials=wanted.num_runs,
            seed=secrets.randbelow(2**31) if wanted.seed is None else wanted.seed,
            limits=Limits(
                parallel=wanted.parallel_runs,
                timeout_seconds=None if wanted.timeout is None else wanted.timeout * 60,
            ),
            labels=_labels(wanted),
            stopping=stopping,
            environment=environment,
        )
    except UsageError as error:
        raise SpellError(str(error)) from None
    if wanted.docker_image is None:  # at last: what the options say comes first
        check_program(command)
    return Described(description, [*_warnings(description), *notices, *_aggregate_hint(wanted)], private)


def _warnings(description: Description) -> list[str]:
    from luthier.run.render import check_command

    assert description.command is not None
    try:
        return [f"warning: {each}" for each in check_command(description.command, description.placeholders)]
    except LuthierError as error:
        raise SpellError(str(error)) from None


def _algorithm(wanted: Wanted) -> Algorithm:
    match wanted.kind:
        case "random":
            # As many runs as were asked for, whatever the space holds: drawn again, each with a seed of its own.
            return Algorithm("random", {"repeats": True})
        case "bayesian":
            settings: dict[str, object] = {"acquisition": "ucb", "kappa": KAPPA}
            count = wanted.space.count()
            if count is not None and wanted.num_runs is not None and count < wanted.num_runs:
                settings["repeats"] = True
            return Algorithm("bayesian", settings)
        case _:
            wanted.space.finite_count()
            return Algorithm("grid")


def _objective(wanted: Wanted) -> Objective | None:
    if wanted.metric is None:
        if wanted.minimize is not None:
            raise UsageError("--maximize and --minimize need a metric; add --metric NAME")
        return None
    if not wanted.metric.strip():
        raise UsageError("--metric is empty; name the metric to optimize")
    return Objective(wanted.metric, wanted.metric_agg, "minimize" if wanted.minimize else "maximize")


def _aggregate_hint(wanted: Wanted) -> list[str]:
    """Spell always maximizes, whatever the aggregate; many have read `min` as a direction."""
    if wanted.metric is None or wanted.minimize is not None:
        return []
    if wanted.metric_agg == "min":
        hint = (
            f"hint: --metric-agg min takes the smallest value of {wanted.metric} in each run, and the search still makes "
            "that as large as it can; add --minimize to look for small values, or --maximize to say that this is meant"
        )
        return [hint]
    from luthier import metrics

    found = metrics.direction_hint(wanted.metric)
    return [f"hint: {found}"] if found else []


def _stopping(conditions: Sequence[str]) -> Stopping | None:
    if not conditions:
        return None
    from luthier.stopping import Conditions

    try:
        Conditions.of(conditions)
    except UsageError as error:
        raise SpellError(str(error)) from None
    return Stopping("none", {}, tuple(conditions))


def _labels(wanted: Wanted) -> dict[str, str]:
    """What the door has to remember of a search. Nothing of it is part of what the search is."""
    kept = {
        DOOR: "spell",
        "type": wanted.kind,
        "creator": _creator(),
        "machine type": wanted.machine_type,
        "description": wanted.description,
        "project": wanted.project,
        "labels": ",".join(wanted.labels),
        "commit": wanted.commit_ref or wanted.github_ref,
        "github": wanted.github_url and without_credentials(wanted.github_url),
        "pip": " ".join(wanted.pip),
        "pip requirements": wanted.pip_req,
        "conda file": wanted.conda_file,
        "apt": " ".join(wanted.apt),
        "mounts": " ".join(wanted.mounts),
    }
    return {name: text for name, text in kept.items() if text}


def _creator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return str(os.getuid())
