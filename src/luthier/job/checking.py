"""What of a description does not go together, or can't run here: told before anything is stored or run.

`at` puts the place of a key in front of an error, where the search came from a file (`Job.at`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from luthier.description import Command, Description
from luthier.errors import UsageError
from luthier.run.render import check_command, is_plain, render
from luthier.search import LEARNING
from luthier.space import Space

__all__ = ["check_description", "find_program", "try_listed_values", "unknown_in_folder"]

At = Callable[[str], AbstractContextManager[None]]


def check_description(description: Description, at: At) -> list[str]:
    """Warnings about a search.

    **Raises** UsageError, SpaceError or CommandError with one sentence about the first thing that can't work.
    """
    command, names = description.command, description.placeholders
    assert command is not None, "a file describes commands"
    with at("directory"):
        if not os.path.isdir(command.directory):
            raise UsageError(f"there is no folder {command.directory}; name the one the command runs in")
    _check_stages(description, at)
    with at("command"):
        warnings = check_command(command, names)
        find_program(command)
        try_listed_values(command, description.space, names)
    with at("metrics"):
        warnings += unknown_in_folder(command, names)
    _check_objective(description, at)
    with at("reuse"):
        if description.keeping.reuse and description.keeping.snapshot == "none":
            raise UsageError(
                "reuse compares the code, which snapshot: none does not keep; leave one of them out"
            )
    with at("parameters"):
        if description.algorithm.name == "grid":
            description.space.finite_count()
        if description.target() is None:
            raise UsageError(
                f"trials is missing, and {description.space.endless[0]} has endless many values; "
                "say how many trials to run, such as trials: 20"
                if description.space.endless
                else "trials is missing; say how many trials to run, such as trials: 20"
            )
    return warnings


def _check_stages(description: Description, at: At) -> None:
    stages = description.stages
    if stages is None:
        return
    key = "budget" if stages.kind == "rungs" else "folds"
    with at(key):
        if description.objective is None:
            raise UsageError(f"{key} needs a metric to compare trials by; add objective: minimize METRIC")
        if description.also or description.constraints:
            raise UsageError(
                f"{key} compares trials by one metric; leave other objectives and constraints out"
            )
        if stages.parameter in description.space.names:
            raise UsageError(
                f"{stages.parameter} is a parameter and the name of the {key} as well; give one of them another name"
            )
        if stages.kind == "rungs" and not stages.parameter:
            raise UsageError("budget has no name; write NAME=MIN:MAX, such as epochs=1:81")


def _check_objective(description: Description, at: At) -> None:
    name, objective = description.algorithm.name, description.objective
    if name in LEARNING and objective is None:
        with at("algorithm"):
            raise UsageError(
                f"the algorithm {name} learns from a metric; add objective: minimize METRIC, or choose grid or random"
            )
    if name == "cmaes" and (description.also or description.constraints):
        with at("objective" if description.also else "constraints"):
            raise UsageError(
                "cmaes follows one objective and nothing else; choose auto or tpe, or leave this out"
            )
    if objective is not None:
        return
    goal, stopping = description.goal, description.stopping
    if description.constraints:
        with at("constraints"):
            raise UsageError("constraints need an objective; add objective: minimize METRIC")
    if stopping is not None and stopping.rule != "none":
        with at("early_stopping"):
            raise UsageError(
                "early stopping needs a metric to compare trials by; add objective: minimize METRIC"
            )
    if goal is not None and (goal.value is not None or goal.no_progress is not None):
        with at("goal"):
            raise UsageError("this goal needs a metric; add objective: minimize METRIC")


def unknown_in_folder(command: Command, names: Sequence[str]) -> list[str]:
    """Warnings about placeholders of the folder of event files. **Raises** CommandError for an unknown one."""
    if command.tensorboard is None:
        return []
    words = ("folder", command.tensorboard)
    return check_command(command._replace(words=words, shell=False, from_environment=True), names)


def try_listed_values(command: Command, space: Space, names: Sequence[str]) -> None:
    """Refuses a listed value that can't be part of the command, before a trial fails of it."""
    for parameter in space.parameters:
        if parameter.domain.kind in ("categorical", "ordinal", "constant"):
            count = parameter.domain.count() or 0
            texts = [parameter.domain.at(place).text for place in range(count)]
            plain = next(filter(is_plain, texts), None)  # one of them stands for all
            for text in (text for text in texts if text is plain or not is_plain(text)):
                render(command, {parameter.name: text}, names)


def find_program(command: Command) -> None:
    """Refuses a program that is nowhere, before a trial is spent on finding out."""
    program = command.words[0]
    if command.shell or ":" in program or "{{" in program or _is_there(program, command.directory):
        return
    if os.path.isfile(os.path.join(command.directory, program)):
        raise UsageError(
            f"{program} is not executable; make it so with 'chmod +x {program}', or name its interpreter"
        )
    raise UsageError(f"the program {program!r} was not found; check its name, or give its path")


def _is_there(program: str, directory: str) -> bool:
    """Whether a word names a program, by itself or on PATH."""
    folders = [directory] if "/" in program else os.get_exec_path()
    paths = [os.path.join(folder, program) for folder in folders]
    return any(os.path.isfile(path) and os.access(path, os.X_OK) for path in paths)
