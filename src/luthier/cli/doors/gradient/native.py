"""`--show-native`: what an experiment is in commands of this machine. A hyperopt project is no search of a command, so
there is no file for `luthier run`: its own program proposes, and Luthier keeps the trials and gives it workers."""

from __future__ import annotations

import shlex
from typing import Any

from luthier.cli.output import emit

__all__ = ["show"]


def show(given: dict[str, Any]) -> int:
    """Prints the lines, as a shell would run them; returns the exit code."""
    name = given["name"] or "tuning"
    place = next(
        (given[key] for key in ("workspace", "workspace_url", "workspace_archive") if given[key]), None
    )
    lines = [
        "# The program proposes; its trials are kept in the store, and any number of workers evaluate them."
    ]
    if place is not None and place.startswith("git+"):
        lines += [f"git clone {shlex.quote(place[4:])} workspace", "cd workspace"]
        lines += [f"git checkout {shlex.quote(given['workspace_ref'])}"] if given["workspace_ref"] else []
    elif place is not None and place != "none":
        lines.append(f"cd {shlex.quote(place)}")
    if given["working_directory"]:
        lines.append(f"cd {shlex.quote(given['working_directory'])}")
    lines += [
        'export LUTHIER_STORE="$PWD/.luthier" MONGO_DB_HOST=localhost MONGO_DB_PORT=27017',
        f"export EXPERIMENT_NAME={shlex.quote(name)}",
        f"for worker in $(seq {given['worker_count']}); do",
        '  luthier hyperopt-worker --mongo "localhost/$EXPERIMENT_NAME" --exp-key "$EXPERIMENT_NAME" &',
        "done",
        f"{given['tuning_command']}  # with luthier.compat.hyperopt or gradient_sdk imported in it",
        "luthier show",
    ]
    emit("\n".join(lines))
    return 0
