"""`luthier run FILE`: an experiment described in a file, begun or gone on with as the native searches do it.

What is given on the command line wins over the file, a part at a time (`cli/overriding.py`).
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from luthier.cli.app import Example
from luthier.cli.describe import Asked
from luthier.cli.output import emit
from luthier.cli.overriding import RUNNING, changed_keys, overridden
from luthier.cli.search import project_of, search_for
from luthier.cli.tries import complete_tries, read_tries
from luthier.cli.tune import tune
from luthier.description import Description
from luthier.drive.session import parallel_slots
from luthier.errors import UsageError
from luthier.job.checking import check_description

if TYPE_CHECKING:
    from luthier.job.reading import Job
    from luthier.space import Configuration

__all__ = ["command"]

EXAMPLE = """
luthier run search.yaml                       begins the experiment, or goes on with it
luthier run search.yaml --num-runs 100        the same, further
luthier run search.yaml --dry-run             only shows the trials that would run
luthier run --schema > luthier.schema.json    for editors; see docs/yaml.md
"""


def _print_schema(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from luthier.job.schema import schema

        emit(json.dumps(schema(), indent=2, ensure_ascii=False))
        ctx.exit()


@click.command("run", cls=Example, example=EXAMPLE)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of such files, for editors, and exit.",
)
@click.pass_context
def command(ctx: click.Context, /, file: Path, **options: Any) -> int:
    """Runs the search that a YAML or JSON file describes.

    Type the same command again to go on where it stopped. Every option given here wins over the file; --param replaces the
    parameter of that name.
    """
    from luthier.job.reading import read_job

    given = {name: value for name, value in options.items() if _is_given(ctx, name) and name not in RUNNING}
    job = overridden(read_job(file, project_of(options["place"])), given)
    _refuse_open(job)
    at = _Places(job, given)
    warnings = check_description(job.description, at)
    own, said = _tries(job, given)
    if own and job.description.algorithm.name == "grid":
        raise UsageError("a grid runs every combination, so nothing can be tried first; leave try out")
    if options["check"] is None:
        options["check"] = job.check
    description, without = _without_gpus(job.description)
    asked = Asked(description, job.seed_named, [*warnings, *without])
    return search_for(asked, own, said, options, rows=description.algorithm.name == "bayesian")


def _refuse_open(job: Job) -> None:
    """**Raises** UsageError where the command is still as `init` left it, with something to fill in."""
    from luthier.job.starting import CHANGE

    command = job.description.command
    open_words = [word for word in command.words if CHANGE in word] if command else []
    if open_words:
        with job.at("command"):
            raise UsageError(f"{open_words[0]!r} is to be filled in: write what the program takes there")


def _without_gpus(description: Description) -> tuple[Description, list[str]]:
    """The search without GPUs that are not there, where the file is not strict about it, and what to say of that."""
    environment = description.environment
    if environment is None or environment.strict or not description.limits.gpus:
        return description, []
    try:
        parallel_slots(description.limits)
    except UsageError as problem:
        said = f"{problem} (the file says strict: false, so it goes on without)"
        return description._replace(limits=description.limits._replace(gpus=0.0)), [said]
    return description, []


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _tries(job: Job, given: dict[str, Any]) -> tuple[list[Configuration], list[str]]:
    """The configurations to begin with: the command line's, else the file's."""
    space, trials = job.description.space, job.description.trials
    if "tries" in given:
        return read_tries(given["tries"], space, trials)
    named = [(f"{part.place}: {part.name}", values) for part, values in job.tries]
    return complete_tries(named, space, trials, "trials is")


class _Places:
    """Where the keys of the file stand, but for those that the command line has changed."""

    def __init__(self, job: Job, given: dict[str, Any]) -> None:
        self._job = job
        self._changed = changed_keys(given)

    def __call__(self, key: str) -> AbstractContextManager[None]:
        return nullcontext() if key in self._changed else self._job.at(key)


command.params += [
    parameter
    for parameter in tune.params
    if isinstance(parameter, click.Option) and parameter.name not in ("help", "source")
]
