"""`--from FILE|ID`: the search that a file or an experiment describes, searched in another way.

Whatever has a space may be named: a riseml.yml, a file of parameters as kaos has them, a file of `luthier run`, a W&B sweep,
a Katib experiment, or an experiment of the store, imported ones too. Options of the command line win, and so does a
command that follows them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from luthier.cli.options import EXPERIMENT, Place
from luthier.cli.output import say
from luthier.description import Algorithm, Command, Description
from luthier.errors import UsageError
from luthier.search import ALGORITHMS, LEARNING

if TYPE_CHECKING:
    from luthier.cli.describe import Asked
    from luthier.job.document import Document
    from luthier.job.reading import Job
    from luthier.space import Configuration, Space

__all__ = ["asked_from", "needs_command", "with_source"]


def with_source(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--from`, with which the command line needs no command; the click command gets `source`."""
    for parameter in getattr(function, "__click_params__", ()):
        if isinstance(parameter, click.Argument) and parameter.name == "command":
            parameter.required, parameter.metavar = False, "COMMAND..."
    return click.option(
        "--from",
        "source",
        metavar="FILE|ID",
        help="Take space, command and objective from a file (riseml.yml, parameters, YAML, W&B, Katib) or an experiment.",
    )(function)


def needs_command(options: dict[str, Any]) -> None:
    """Refuses a search without a command. **Raises** MissingParameter, as click itself would."""
    if not options["command"]:
        ctx = click.get_current_context()
        missing = next(each for each in ctx.command.params if each.name == "command")
        raise click.MissingParameter(ctx=ctx, param=missing)


class _Source(NamedTuple):
    """What was named, read: the search as a job, what to say of it, and what to call it."""

    name: str
    job: Job
    has_places: bool = False
    said: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    experiment: int | None = None


def asked_from(
    algorithm: str, options: dict[str, Any], project: Path
) -> tuple[Asked, list[Configuration], list[str]]:
    """The search, the configurations to begin with, and what to say of those.

    **Raises** UsageError, naming the file and the place, for what can't be searched.
    """
    from luthier.cli.describe import Asked
    from luthier.cli.overriding import PARTS, changed_keys, overridden
    from luthier.job.checking import check_description

    ctx, words = click.get_current_context(), tuple(options["command"])
    source = _read(options["source"], options["place"], str(project), words)
    given = {name: value for name, value in ctx.params.items() if name in PARTS and _is_given(ctx, name)}
    job = overridden(source.job, {**given, "algorithm": algorithm})
    description = job.description
    _complete(source.name, description)
    changed = changed_keys(given) | {"algorithm"} | ({"command"} if words else set())

    def at(key: str) -> AbstractContextManager[None]:
        if key in changed:
            return nullcontext()
        return job.at(key) if source.has_places else _named(source.name)

    warnings = check_description(description, at)
    own, completed = _tries(job, given)
    for line in (*source.said, *_of_results(source, description)):
        say(line)
    os.environ.update(source.variables)
    return Asked(description, job.seed_named, warnings), own, completed


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _named(name: str) -> AbstractContextManager[None]:
    from luthier.job.part import placed

    return placed(name)


def _complete(name: str, description: Description) -> None:
    """Refuses, in the command line's own words, what neither the source nor the command line says."""
    if description.algorithm.name in LEARNING and description.objective is None:
        raise UsageError(f"--metric is missing: {name} names none; add it, such as --metric accuracy")
    if description.algorithm.name != "grid" and description.target() is None:
        raise UsageError(
            f"--num-runs is missing: {name} does not say how many trials; add it, such as --num-runs 20"
        )


def _tries(job: Job, given: dict[str, Any]) -> tuple[list[Configuration], list[str]]:
    """The configurations to begin with: the command line's, else the file's; a grid has none."""
    from luthier.cli.tries import complete_tries, read_tries

    space, trials = job.description.space, job.description.trials
    if job.description.algorithm.name == "grid":
        return [], []
    if "tries" in given:
        return read_tries(given["tries"], space, trials)
    named = [(f"{part.place}: {part.name}", values) for part, values in job.tries]
    return complete_tries(named, space, trials, "trials is")


def _of_results(source: _Source, description: Description) -> list[str]:
    """Says that what an experiment found is not begun from, unless it is."""
    number, settings = source.experiment, description.algorithm.settings
    takes = "warm_start" in ALGORITHMS[description.algorithm.name]
    if number is None or not takes or number in settings.get("warm_start", ()):
        return []
    return [f"The results of experiment {number} are not used; to begin from them add --warm-start {number}"]


# ---------------------------------------------------------------------- the kinds of sources


def _read(text: str, place: Place, project: str, words: tuple[str, ...]) -> _Source:
    path = Path(os.path.expanduser(text))
    if path.is_file():
        return _of_file(path, project, words)
    if text.replace(".", "", 1).isdigit():
        return _of_experiment(EXPERIMENT.convert(text, None, None).experiment, place, project, words)
    what = "is a folder" if path.is_dir() else "is not there"
    raise UsageError(f"--from {text}: {text} {what}; name a file, or the number of an experiment")


def _of_file(path: Path, project: str, words: tuple[str, ...]) -> _Source:
    from luthier.job.document import read_document
    from luthier.job.foreign.kinds import checked_text, file_search, kind_of
    from luthier.job.parameters import load_parameters
    from luthier.job.reading import job_of

    document, folder = read_document(path), Path(os.path.abspath(path)).parent
    kind = kind_of(document)
    if kind is None:
        raise document.error(
            "nothing here describes a search; name a file of Luthier, RiseML, kaos, W&B or Katib"
        )
    if kind == "riseml":
        return _of_riseml(path, document, project, words)
    if kind == "parameters":
        command = _command(None, words, f"{path} has parameters alone")
        return _Source(str(path), _job(document, project, load_parameters(path), command))
    if kind == "native":
        return _Source(str(path), _with_words(job_of(document, project, folder), words), has_places=True)
    from luthier.job.document import parse_document

    search = file_search(kind, document)
    made = parse_document(f"{path} as a file of luthier run", checked_text(search, folder))
    return _Source(str(path), _with_words(job_of(made, project, folder), words), said=search.said)


def _of_riseml(path: Path, document: Document, project: str, words: tuple[str, ...]) -> _Source:
    from luthier.cli.doors.riseml.config import read_job
    from luthier.cli.doors.riseml.describing import describe, offered

    read = read_job(str(path))
    described = describe(read, "0" * 40)
    before = described.description
    if not before.space.parameters:
        raise document.error("there are no parameters, so there is nothing to search", ("train",))
    command = _command(before.command, words, str(path))
    job = _job(document, project, before.space, command)
    description = job.description._replace(limits=before.limits, environment=before.environment)
    said = tuple(f"warning: {warning}" for warning in described.warnings)
    variables = offered() if read.image is None else {}
    return _Source(str(path), replace(job, description=description), said=said, variables=variables)


def _of_experiment(number: int, place: Place, project: str, words: tuple[str, ...]) -> _Source:
    """An experiment's search without what belongs to that experiment: name, seed, snapshots, algorithm, what it began from."""
    from luthier.description import IMPORTED, IMPORTED_DIGEST, IMPORTED_FROM
    from luthier.job.document import Document, Node
    from luthier.job.native import OURS

    name = f"experiment {number}"
    with place.read() as store:
        before = store.experiment(number).description
    is_imported = IMPORTED in before.labels
    command = _command(before.command, words, f"{name} has no command of its own")
    ours = (*OURS, IMPORTED, IMPORTED_FROM, IMPORTED_DIGEST)
    description = before._replace(
        project=project,
        command=command,
        function=None,
        algorithm=Algorithm("auto"),
        name=None,
        seed=0,
        labels={} if is_imported else {key: text for key, text in before.labels.items() if key not in ours},
        bundles={},
        earlier=(),
        stopping=None,
        trials=None if is_imported else before.trials,
    )
    document = Document(name, Node({}, 1, 1))
    job = replace(_job(document, project, before.space, command), description=description)
    return _Source(name, job, experiment=number)


def _job(document: Document, project: str, space: Space, command: Command) -> Job:
    """A search of which little more than the space is known."""
    from luthier.job.reading import Job

    return Job(Description(project, space, Algorithm("auto"), command), document)


def _with_words(job: Job, words: tuple[str, ...]) -> Job:
    command = _command(job.description.command, words, "the file")
    return replace(job, description=job.description._replace(command=command))


def _command(before: Command | None, words: tuple[str, ...], why: str) -> Command:
    """The source's command, or that of the command line, which runs here.

    **Raises** UsageError where there is neither.
    """
    if not words:
        if before is None:
            raise UsageError(
                f"the command is missing: {why}; write it after --, with :NAME: for each parameter"
            )
        return before
    is_shell = len(words) == 1 and any(c.isspace() for c in words[0].strip())
    if before is None:
        return Command(words, os.getcwd(), shell=is_shell)
    return before._replace(words=words, directory=os.getcwd(), shell=is_shell, is_lenient=False)
