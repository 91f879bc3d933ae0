"""The file of `luthier run`: a whole experiment, read into a `Description`.

`read_job` says first what is wrong in single places; what does not go together is `checking.py`'s, for the command line may
still change a part. `keys.py` has all keys, `sections.py` what the larger ones mean, `native.py` the way back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from luthier.description import Command, Description, Environment, Keeping, Limits, Objective, Stages
from luthier.errors import LuthierError, UsageError
from luthier.job.document import Document, parse_document, read_document
from luthier.job.keys import ELSEWHERE, KEYS, LIMITS, RESOURCES, SNAPSHOTS
from luthier.job.parameters import declared_space, load_parameters
from luthier.job.part import Part, placed
from luthier.job.sections import (
    algorithm,
    constraints,
    goal,
    metric_settings,
    objectives,
    stages,
    stopping,
    tries,
)
from luthier.run.templates import check_environment
from luthier.space import Space, Value

__all__ = ["Job", "is_same", "job_of", "read_job", "usual_stopping"]

MOUNT = re.compile(r"[^:]+:/[^:]*(:ro|:rw)?")
WORDS = "a text for the shell, or a list of words"


@dataclass(frozen=True)
class Job:
    """What a file says. `tries` are the configurations to begin with, each with its part; `usual_stopping` tells that the
    rule of early stopping is the one nobody named."""

    description: Description
    document: Document
    tries: tuple[tuple[Part, dict[str, Value]], ...] = ()
    seed_named: bool = False
    check: bool | None = None
    usual_stopping: bool = True

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Puts the place of a key in front of what is wrong inside, where the file has that key."""
        with placed(self.document.place(path)):
            yield


def read_job(path: str | Path, project: str | Path) -> Job:
    """Reads a file, YAML or JSON.

    **Raises** UsageError beginning with file:line:column.
    """
    return job_of(read_document(path), str(project), Path(os.path.abspath(path)).parent)


def is_same(text: str, description: Description) -> bool:
    """Whether a file with this text is the search that is described."""
    assert description.command is not None, "a file describes commands"
    try:
        document = parse_document("the file", text)
        job = job_of(document, description.project, Path(description.command.directory))
    except LuthierError:
        return False
    return job.description.identity() == description.identity()


def job_of(document: Document, project: str, folder: Path) -> Job:
    """What a document says; paths in it are seen from `folder`.

    **Raises** UsageError beginning with file:line:column.
    """
    top = _top(document)
    space = _space(top["parameters"], folder)
    command = _command(top, folder)
    goals = objectives(top["objective"]) if "objective" in top else []
    chosen = algorithm(top.get("algorithm"), top.get("warm_start"))
    staged = stages(top.get("budget"), top.get("folds"), command)
    usual = usual_stopping(chosen.name, goals[0] if goals else None, staged)
    description = Description(
        project=project,
        space=space,
        algorithm=chosen,
        command=command,
        objective=goals[0] if goals else None,
        also=tuple(goals[1:]),
        constraints=tuple(constraints(top["constraints"])) if "constraints" in top else (),
        trials=top["trials"].whole(1) if "trials" in top else None,
        seed=top["seed"].whole(-(2**53)) if "seed" in top else 0,
        limits=_limits(top),
        name=top["name"].text("a name") if "name" in top else None,
        labels=_texts(top["labels"], "a mapping from names to texts") if "labels" in top else {},
        on_finish=top["on_finish"].text("a shell command") if "on_finish" in top else None,
        stopping=stopping(top.get("early_stopping"), top.get("stop_conditions"), usual),
        stages=staged,
        goal=goal(top["goal"]) if "goal" in top else None,
        keeping=_keeping(top),
    )
    description = description._replace(environment=_environment(top, description))
    return Job(
        description,
        document,
        tuple(tries(top["try"])) if "try" in top else (),
        "seed" in top,
        top["check"].flag() if "check" in top else None,
        "early_stopping" not in top,
    )


def usual_stopping(name: str, objective: Objective | None, staged: Stages | None) -> str:
    """The rule of early stopping where none is named, as `tune` and the other commands have it."""
    rungs = staged is not None and staged.kind == "rungs"
    return "auto" if name == "auto" and objective is not None and not rungs else "none"


def _top(document: Document) -> dict[str, Part]:
    """The entries of the file; those with nothing after the colon are left out."""
    root = Part(document, document.root)
    if isinstance(document.root.content, dict):
        for key in document.root.content:
            if key not in KEYS and (where := ELSEWHERE.get(key.replace("-", "_").lower())):
                raise document.error(f"there is no key {key!r}; here it is called {where}", (key,))
    known = tuple(KEYS)
    top = root.entries(known, "the keys of an experiment, such as command and parameters")
    for key in ("command", "parameters"):
        if key not in top:
            example = "[python, train.py, '--rate={{rate}}']" if key == "command" else "{rate: [0.1, 0.01]}"
            raise root.error(f"the key {key} is missing; write {key}: {example}")
    for key, part in top.items():
        if part.is_absent:
            raise part.error(f"{key} has no value; write one, or leave the key out")
    return top


def _space(part: Part, folder: Path) -> Space:
    if not part.is_mapping and not part.is_list:
        name = part.text("a mapping from names to values, or the path of a file of them")
        path = folder / os.path.expanduser(name)
        if not os.path.isfile(path):
            raise part.error(
                f"there is no file {path}; write a mapping from names to values, or the path of one"
            )
        with _of_file(part):
            return load_parameters(path)
    return declared_space(part.document, part.node, part.path)


@contextmanager
def _of_file(part: Part) -> Iterator[None]:
    """Says which line named the file that is wrong."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{error} (named in {part.place})") from None


def _command(top: Mapping[str, Part], folder: Path) -> Command:
    part = top["command"]
    if part.is_list:
        words = tuple(_word(item) for item in part.items(WORDS))
        if not words:
            raise part.error(f"the command is empty; write {WORDS}")
    else:
        words = (part.text(WORDS),)
    patterns, tensorboard = metric_settings(top["metrics"]) if "metrics" in top else ((), None)
    where = top["directory"].text("a folder") if "directory" in top else "."
    return Command(
        words=words,
        directory=os.path.normpath(folder / os.path.expanduser(where)),
        shell=not part.is_list,
        as_args=_flag(top, "as_args"),
        from_environment=_flag(top, "from_env"),
        is_lenient=_flag(top, "lenient"),
        patterns=patterns,
        tensorboard=tensorboard,
    )


def _flag(top: Mapping[str, Part], key: str) -> bool:
    return top[key].flag() if key in top else False


def _word(part: Part) -> str:
    if part.is_mapping:
        raise part.error(
            f"{part.name} is a mapping, not a word; put quotes around a word that begins with {{{{"
        )
    return part.any_text("a word")


def _texts(part: Part, wanted: str) -> dict[str, str]:
    return {key: each.any_text("a text") for key, each in part.entries(None, wanted).items()}


def _limits(top: Mapping[str, Part]) -> Limits:
    how = "a mapping such as {timeout: 2h, retry: 1}"
    given = top["limits"].entries(tuple(LIMITS), how) if "limits" in top else {}
    resources = _resources(top)
    usual = Limits()
    way = given["on_driver_loss"].one_of(("continue", "stop")) if "on_driver_loss" in given else "continue"
    return Limits(
        parallel=top["parallel"].whole(1) if "parallel" in top else None,
        gpus=float(resources["gpus"].number(least=0)) if "gpus" in resources else 0.0,
        cpus=float(resources["cpus"].number(0)) if "cpus" in resources else None,
        memory_bytes=resources["memory"].size() if "memory" in resources else None,
        timeout_seconds=given["timeout"].seconds() if "timeout" in given else None,
        idle_timeout_seconds=given["idle_timeout"].seconds() if "idle_timeout" in given else None,
        grace_seconds=given["grace"].seconds() if "grace" in given else usual.grace_seconds,
        max_attempts=given["attempts"].whole(1) if "attempts" in given else usual.max_attempts,
        retry_failed=given["retry"].whole(0) if "retry" in given else 0,
        on_driver_loss=cast(Literal["continue", "stop"], way),
    )


def _keeping(top: Mapping[str, Part]) -> Keeping:
    kept = top["snapshot"].one_of(SNAPSHOTS) if "snapshot" in top else "small"
    return Keeping(
        cast(Literal["small", "all", "none"], kept), top["reuse"].flag() if "reuse" in top else False
    )


def _resources(top: Mapping[str, Part]) -> dict[str, Part]:
    how = "a mapping such as {cpus: 2, memory: 4G}"
    return top["resources"].entries(tuple(RESOURCES), how) if "resources" in top else {}


def _environment(top: Mapping[str, Part], description: Description) -> Environment | None:
    """Variables, files and the container; None where the file names none of them."""
    resources = _resources(top)
    image = _image(resources["image"]) if "image" in resources else None
    install = _listed(resources.get("install"), "a shell command, or a list of them")
    mounts = _mounts(resources)
    strict = resources["strict"].flag() if "strict" in resources else True
    for key in ("install", "mounts"):
        if key in resources and image is None:
            raise resources[key].error(f"{key} is done in a container; add image, or leave it out")
    variables = (
        _texts(top["environment"], "a mapping from variables to texts") if "environment" in top else {}
    )
    files = _texts(top["files"], "a mapping from paths to texts") if "files" in top else {}
    if not {"environment", "files"} & top.keys() and image is None and strict:
        return None
    each = [("environment", name, Environment(variables={name: text})) for name, text in variables.items()]
    each += [("files", name, Environment(files={name: text})) for name, text in files.items()]
    for key, name, alone in each:
        with placed(top[key].document.place((key, name))):
            check_environment(alone, description.placeholders)
    return Environment(variables, files, image, install, mounts, strict)


def _image(part: Part) -> str:
    """A name with a hyphen in front would be an option of the container engine."""
    image = part.text("the name of an image")
    if image.startswith("-"):
        raise part.wrong("the name of an image, which does not begin with '-'")
    return image


def _mounts(resources: Mapping[str, Part]) -> tuple[str, ...]:
    part = resources.get("mounts")
    for item in part.items("SOURCE:TARGET, or a list of them") if part is not None else []:
        if not MOUNT.fullmatch(item.text("SOURCE:TARGET")):
            raise item.wrong("SOURCE:TARGET with an absolute path as TARGET, and :ro after it for read only")
    return _listed(part, "SOURCE:TARGET, or a list of them")


def _listed(part: Part | None, wanted: str) -> tuple[str, ...]:
    return tuple(item.text(wanted) for item in part.items(wanted)) if part is not None else ()
