"""`--try`: a person's own first configurations, completed where they are partial, checked, and queued once.

They run before the algorithm's and count towards `--num-runs`. Typing the same command again adds none of them twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.output import many, pairs, short
from luthier.errors import SpaceError, UsageError
from luthier.space import Configuration, Space

if TYPE_CHECKING:
    from luthier.store import Store

__all__ = ["complete_tries", "queue_tries", "read_tries", "with_tries"]


def with_tries(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--try`."""
    return click.option(
        "--try",
        "tries",
        multiple=True,
        metavar="NAME=VALUE,…",
        help="A configuration of your own to begin with; what it leaves out takes its centre. Repeat it.",
    )(function)


def read_tries(
    texts: Sequence[str], space: Space, budget: int | None = None
) -> tuple[list[Configuration], list[str]]:
    """The configurations that are meant, each once, and a sentence for every one that had to be completed.

    **Raises** UsageError for a text of another form, and where there are more than `budget`; SpaceError for a name or
    value that is not in the space.
    """
    return complete_tries([(f"--try {text}", _named(text)) for text in texts], space, budget, "--num-runs is")


def complete_tries(
    tries: Sequence[tuple[str, Mapping[str, Any]]], space: Space, budget: int | None, counted: str
) -> tuple[list[Configuration], list[str]]:
    """The same for configurations that were read, each with what to call it; `counted` names the budget."""
    if not tries:
        return [], []
    from luthier.job.trying import completed

    made: list[Configuration] = []
    said: list[str] = []
    for label, given in tries:
        try:
            whole = completed(given, space)
        except SpaceError as error:
            raise SpaceError(f"{label}: {error}") from None
        if whole in made:
            continue
        made.append(whole)
        shown = short(whole.values(), whole.texts())
        if added := {name: value for name, value in shown.items() if _is_added(name, given, space)}:
            left_out = " and ".join(added)
            said.append(f"{label} leaves out {left_out}, which a search begins at {pairs(added)}")
    if budget is not None and len(made) > budget:
        raise UsageError(
            f"there are {len(made)} configurations to try and {counted} {budget}; raise it to {len(made)} or more"
        )
    return made, said


def queue_tries(store: Store, experiment: int, tries: Sequence[Configuration]) -> None:
    """Adds those that are no trial of the experiment yet.

    **Raises** UsageError where its budget has no room for them; then none is added.
    """
    known = {trial.configuration for trial in store.trials(experiment)} if tries else set()
    new = [c for c in tries if c not in known]
    if not new:
        return
    record = store.experiment(experiment)
    wanted = record.trials + len(new)
    if record.target is not None and wanted > record.target:
        these = "this --try" if len(new) == 1 else f"these {len(new)} --try"
        raise UsageError(
            f"experiment {experiment} already has {many(record.trials, 'trial')} and --num-runs is {record.target}; "
            f"raise it to {wanted} or more to add {these}"
        )
    store.enqueue(experiment, new, os.urandom(8).hex())


def _named(text: str) -> dict[str, str]:
    """The texts by name. A piece without a `=` belongs to the value before it, so that `[64,32]` can be tried."""
    pieces: list[str] = []
    for piece in text.split(","):
        if "=" in piece or not pieces:
            pieces.append(piece)
        else:
            pieces[-1] += f",{piece}"
    given: dict[str, str] = {}
    for piece in pieces:
        name, equals, value = (part.strip() for part in piece.partition("="))
        if not equals or not name or not value:
            raise UsageError(f"--try {text}: write NAME=VALUE,NAME=VALUE, such as --try rate=0.1,layers=3")
        if name in given:
            raise UsageError(f"--try {text} gives {name} twice; give each configuration a --try of its own")
        given[name] = value
    return given


def _is_added(name: str, given: Mapping[str, Any], space: Space) -> bool:
    return name not in given and space[name].domain.count() != 1
