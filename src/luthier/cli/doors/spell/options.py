"""The options that `spell hyper` and `spell run` share, and what they add up to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from luthier.cli.options import with_store
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.params import read_space
from luthier.compat.spell.wanted import Wanted
from luthier.errors import UsageError

__all__ = ["MORE", "SETTINGS", "ask_for", "command_options", "is_given", "pair", "wanted_of", "with_all"]

F = Callable[..., Any]
SETTINGS = {"allow_interspersed_args": False}

_OPTIONS: list[Callable[[F], F]] = [
    click.option(
        "-t", "--machine-type", metavar="NAME", help="The machine to run on: a tag that a worker may have."
    ),
    click.option(
        "-m", "--mount", "mounts", multiple=True, metavar="RES[:PATH]", help="Files of another run."
    ),
    click.option("--pip", multiple=True, metavar="PACKAGE", help="A package to install for these runs."),
    click.option("--pip-req", metavar="FILE", help="Packages to install, as pip lists them."),
    click.option("--conda-file", metavar="FILE", help="Kept with the search."),
    click.option("--apt", multiple=True, metavar="PACKAGE", help="A Debian package to install in the image."),
    click.option("--deps-from-env", is_flag=True, help="Accepted: runs use this environment anyway."),
    click.option("-e", "--env", "envs", multiple=True, metavar="NAME=VALUE", help="A variable for the runs."),
    click.option("--docker-image", "--from", "docker_image", metavar="IMAGE", help="Run in this container."),
    click.option("-c", "--commit-ref", metavar="REF", help="Run this commit of the repository."),
    click.option("--github-url", metavar="URL", help="Run a repository from elsewhere."),
    click.option("--github-ref", metavar="REF", help="A branch or commit of it."),
    click.option("-d", "--description", metavar="TEXT", help="A note, shown by describe."),
    click.option("-f", "--force", is_flag=True, help="Accepted: nothing is asked about code here."),
    click.option("-v", "--verbose", is_flag=True, help="Say more of what is done."),
    click.option("-p", "--project", metavar="NAME", help="The project it belongs to."),
    click.option("--label", "labels", multiple=True, metavar="LABEL", help="A label; repeat it."),
    click.option("--tensorboard-dir", metavar="DIR", help="Where the command writes event files."),
    click.option("--provider", metavar="NAME", hidden=True),
    click.option("--from-file", metavar="FILE", help="Take options and command from a YAML file."),
    click.option("--save-command", metavar="FILE", help="Write options and command to a file; run nothing."),
    click.option("--show-native", is_flag=True, help="Print the same search as Luthier's own; run nothing."),
    with_store,
    click.argument("command", nargs=-1, type=click.UNPROCESSED),
]

MORE: list[Callable[[F], F]] = [
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        metavar="MINUTES",
        help="Ends runs after so long.",
    ),
    click.option(
        "--stop-condition",
        "stop_conditions",
        multiple=True,
        metavar="'METRIC OP VALUE[:MIN_INDEX]'",
        help="Ends a run as soon as this holds; && joins; up to five.",
    ),
]
"""What grid and random have, and `run`."""


def with_all(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Gives a click command several options."""

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


command_options = with_all(*_OPTIONS)
"""The options all of them share, and the command line that follows them."""


def wanted_of(kind: str, options: dict[str, Any]) -> Wanted:
    """What was asked for. **Raises** SpellError in Spell's words for what can't be read."""
    space = read_space(kind, options["params"], options.get("json_params", ()))
    if not space.names and kind != "run":
        raise SpellError("there is no parameter to search; add --param NAME=…")
    if not options["command"]:
        raise UsageError("the command is missing; write it after the options, or after --")
    if options["provider"] is not None:
        raise SpellError("--provider: there are no cloud accounts behind this door; leave it out")
    return Wanted(
        kind=kind,
        space=space,
        words=options["command"],
        num_runs=options.get("num_runs"),
        parallel_runs=options.get("parallel_runs"),
        metric=options.get("metric"),
        metric_agg=options.get("metric_agg") or "last",
        minimize=None if options.get("maximize") is None else not options["maximize"],
        seed=options.get("seed"),
        machine_type=options["machine_type"],
        mounts=options["mounts"],
        pip=options["pip"],
        pip_req=options["pip_req"],
        conda_file=_existing("--conda-file", options["conda_file"]),
        apt=options["apt"],
        deps_from_env=options["deps_from_env"],
        variables=dict(pair("-e", text) for text in options["envs"]),
        docker_image=options["docker_image"],
        commit_ref=options["commit_ref"],
        github_url=options["github_url"],
        github_ref=options["github_ref"],
        description=options["description"],
        project=options["project"],
        labels=options["labels"],
        tensorboard_dir=options["tensorboard_dir"],
        timeout=options.get("timeout"),
        stop_conditions=options.get("stop_conditions", ()),
    )


def _existing(option: str, file: str | None) -> str | None:
    if file is not None and not Path(file).is_file():
        raise SpellError(f"{option} {file}: there is no such file")
    return file


def pair(option: str, text: str) -> tuple[str, str]:
    """`NAME=VALUE` as both. **Raises** SpellError for anything else."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SpellError(f"{option} {text}: write NAME=VALUE")
    return name, value


def is_given(option: str) -> bool:
    """Whether an option stands on the command line, or in the environment."""
    source = click.get_current_context().get_parameter_source(option)
    return source not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP, None)


def ask_for(needed: Sequence[tuple[str, str, str, Any]], options: dict[str, Any]) -> None:
    """Asks for what is needed and missing, at a terminal. Each is a name, its option, the question and a type.

    **Raises** UsageError where there is nobody to ask.
    """
    missing = [each for each in needed if options[each[0]] is None]
    if missing and not _can_ask():
        named = ", ".join(option for _, option, _, _ in missing)
        verb = "is missing; add it" if len(missing) == 1 else "are missing; add them"
        raise UsageError(f"{named} {verb} (nobody can be asked here)")
    for name, _, question, kind in missing:
        options[name] = click.prompt(question, type=kind, err=True)


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
