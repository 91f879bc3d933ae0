"""Makes an experiment of a `riseml.yml`: a grid in alphabetical order, and what each trial finds around it.

Each parameter is in the command where its `{{name}}` stands, and in the environment in capitals. What only looks like a
placeholder, and a parameter without one, is said and left as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from luthier.cli.doors.riseml.config import Job
from luthier.cli.doors.riseml.configuration import FILE, configuration
from luthier.cli.doors.riseml.naming import LABEL
from luthier.description import DOOR, Algorithm, Command, Description, Environment, Limits
from luthier.errors import UsageError
from luthier.run.platform import cores
from luthier.run.render import SAFE, SAFE_IN_WORDS
from luthier.space import Space
from luthier.space.nearest import hint

__all__ = ["Described", "describe", "offered"]

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
NEEDED = frozenset(
    ("PATH", "HOME", "USER", "SHELL", "PWD", "LANG", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD")
)  # fmt: skip
"""Variables that programs need as they are: no parameter may stand there."""

OURS = ("OUTPUT_DIR", "EXPERIMENT_ID")
DATA = "/data"


class Described(NamedTuple):
    """An experiment, and what is to be said of it before it begins."""

    description: Description
    warnings: tuple[str, ...]


def describe(job: Job, revision: str, *, strict: bool = False, bundle: str | None = None) -> Described:
    """The experiment a file describes; `revision` names its code, as does the digest of its `bundle`; it is empty where nobody
    knows it yet.

    **Raises** UsageError for a value that can't stand in the command.
    """
    command = _joined(job.commands)
    warnings = [*job.notices, *_of_placeholders(command, job.space)]
    variables = _variables(job, warnings)
    gpus, without = _gpus(job, strict)
    labels = _labels(job)
    if without is not None:
        labels["without-gpus"] = without
        warnings.append(without)
    warnings += _too_much(job)
    _check_values(command, job.space)
    description = Description(
        project=job.project,
        space=job.space,
        algorithm=Algorithm("grid"),
        command=Command((command,), str(job.root), shell=True, from_environment=True, is_lenient=True),
        limits=Limits(
            parallel=job.concurrency,
            gpus=gpus,
            cpus=job.resources.cpus,
            memory_bytes=job.resources.memory_bytes,
        ),
        labels=labels,
        environment=Environment(
            variables=variables,
            files={FILE: configuration(job, revision)},
            image=job.image,
            install=job.install if job.image is not None else (),
            mounts=_mounts(job),
            strict=strict,
        ),
        bundles={} if bundle is None else {"code": bundle},
    )
    return Described(description, tuple(warnings))


def _labels(job: Job) -> dict[str, str]:
    labels = {DOOR: LABEL, "project": job.project, f"{LABEL}-file": os.path.basename(job.path)}
    if job.framework is not None:
        labels[f"{LABEL}-framework"] = job.framework
    return labels | {f"{LABEL}-{name}": value.text for name, value in job.tensorflow.items()}


def _mounts(job: Job) -> tuple[str, ...]:
    """The two folders that RiseML's programs know: of the data, where this machine has one, and of the outputs."""
    if job.image is None:
        return ()
    data = (f"{DATA}:{DATA}:ro",) if os.path.isdir(DATA) else ()
    return (*data, "${LUTHIER_OUTPUT_DIR}:/output")


def _joined(commands: tuple[str, ...]) -> str:
    """One text for the shell: of several commands, each runs only when the one before went well."""
    if len(commands) == 1:
        return commands[0]
    return " && ".join(f"{{\n{command.rstrip()}\n}}" for command in commands)


def _of_placeholders(command: str, space: Space) -> Iterable[str]:
    """What is said of placeholders without a parameter, and of parameters without a placeholder."""
    found = dict.fromkeys(match[1] for match in PLACEHOLDER.finditer(command))
    unknown = [name for name in found if name not in space.names]
    if unknown:
        named = ", ".join(f"{{{{{name}}}}}{hint(name, space.names)}" for name in unknown)
        are, them = ("is no parameter", "it is") if len(unknown) == 1 else ("are no parameters", "they are")
        yield f"{named} in run {are} of this file; {them} passed as written"
    unseen = [name for name in space.names if name not in found]
    if unseen:
        have = "has no {{…}}" if len(unseen) == 1 else "have no {{…}}"
        where = ", ".join(_variable(name) for name in unseen)
        yield f"{', '.join(unseen)} {have} in run; the command finds {'it' if len(unseen) == 1 else 'them'} as {where}"


def _variable(name: str) -> str:
    """`LR_DECAY` for `lr-decay`."""
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def _variables(job: Job, warnings: list[str]) -> dict[str, str]:
    """What RiseML's programs find in their environment."""
    known: dict[str, str] = {}
    holds: dict[str, str] = {}
    for name in job.space.names:
        variable = _variable(name)
        if variable in (*NEEDED, *OURS) or variable.startswith("LUTHIER_") or variable[0].isdigit():
            why = "no variable's name" if variable[0].isdigit() else "needed as it is"
            warnings.append(
                f"the parameter {name} is not passed as {variable}, which is {why}; write {{{{{name}}}}} in run"
            )
            continue
        if variable in holds:
            warnings.append(
                f"{holds[variable]} and {name} are both {variable} in the environment; it is {name}"
            )
        holds[variable] = name
        known[variable] = f"{{{{{name}}}}}"
    known["OUTPUT_DIR"] = "${LUTHIER_OUTPUT_DIR}"
    known["EXPERIMENT_ID"] = "${LUTHIER_TRIAL}" if job.is_set else "${LUTHIER_EXPERIMENT}"
    if job.image is not None:
        known |= offered()  # a container gets what is told here, and nothing of the driver's
    return known


def offered() -> dict[str, str]:
    """The variable by which `import riseml` finds our module of that name."""
    from luthier.compat.shims import riseml_path

    others = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    return {"PYTHONPATH": os.pathsep.join([riseml_path(), *others])}


def _gpus(job: Job, strict: bool) -> tuple[float, str | None]:
    """The GPUs each trial gets, and why it is without where there are too few. **Raises** UsageError if that is strict."""
    wanted = job.resources.gpus
    if not wanted:
        return 0.0, None
    from luthier.errors import LuthierError
    from luthier.run.gpus import discover

    try:
        count = len(discover(os.environ))
        why = f"this machine has {count or 'none'}"
    except LuthierError as error:
        count, why = 0, str(error)
    if count >= wanted:
        return wanted, None
    asked = f"{job.resources.written['gpus'].text} GPU{'' if wanted == 1 else 's'} a sub-experiment"
    if strict:
        raise UsageError(f"{job.path} asks for {asked}, and {why}; ask for fewer, or leave --strict out")
    return 0.0, f"{job.path} asks for {asked}, and {why}: the trials run without"


def _too_much(job: Job) -> Iterable[str]:
    """What is said where so many at once need more than this machine has."""
    here, wanted = cores(), (job.resources.cpus or 0) * job.concurrency
    if wanted > here:
        yield f"{job.concurrency} at a time with {job.resources.cpus:g} cpus each are more than the {here} cores here"
    needed, there = (job.resources.memory_bytes or 0) * job.concurrency, _memory()
    if there and needed > there:
        yield f"{job.concurrency} at a time may need {needed / 1e9:.0f} GB of memory, and {there / 1e9:.0f} GB are here"


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _check_values(command: str, space: Space) -> None:
    """Refuses, before anything runs, a value that a shell would read as anything else."""
    used = {match[1] for match in PLACEHOLDER.finditer(command)}
    for parameter in space.parameters:
        if parameter.name not in used:
            continue
        for text in (parameter.domain.at(i).text for i in range(min(parameter.domain.count() or 0, 1000))):
            if not SAFE.fullmatch(text):
                raise UsageError(
                    f"the value {text!r} of {parameter.name} can't stand in a command of the shell, where it may hold only "
                    f'{SAFE_IN_WORDS}; let the command read "${_variable(parameter.name)}" instead of {{{{{parameter.name}}}}}'
                )
