"""`--warm-start`: what earlier experiments of the same store found, where their space meets the new one.

It is read once, when the new experiment is created, and kept in its description; so the search can be gone on with and
replayed whatever becomes of the earlier ones. That is why a problem found here is only raised for a new experiment.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.options import EXPERIMENT, Id, Place
from luthier.cli.output import many
from luthier.description import Objective
from luthier.errors import NotFound, SpaceError, UsageError
from luthier.space import Configuration, Parameter, Space, Value
from luthier.trial import Observation

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord, Store

__all__ = ["Earlier", "meeting", "numbers", "observe", "with_warm_start"]


def with_warm_start(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--warm-start`."""
    return click.option(
        "--warm-start",
        "warm_start",
        multiple=True,
        type=EXPERIMENT,
        metavar="ID",
        help="Begin from what this experiment found, where the spaces meet. Repeat it.",
    )(function)


def numbers(ids: Sequence[Id]) -> list[int]:
    """The experiments that are meant, each once, in order: as they stand in the algorithm's settings."""
    return sorted({id.experiment for id in ids})


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier experiments found, what a person should be told of it, and why it can't be begun from, if so."""

    observations: tuple[Observation, ...] = ()
    said: tuple[str, ...] = ()
    problem: UsageError | None = None

    def told(self) -> tuple[str, ...]:
        """What a person should be told. **Raises** UsageError where it can't be begun from."""
        if self.problem is not None:
            raise self.problem
        return self.said


def observe(place: Place, experiments: Sequence[int], space: Space, objective: Objective) -> Earlier:
    """Reads what these experiments found about configurations of `space`.

    **Raises** UsageError where there is no store to read from.
    """
    if not place.is_made:
        raise UsageError(
            f"--warm-start {experiments[0]}: there is no store in {place.folder}; name the right one with --store"
        )
    found: list[Observation] = []
    said: list[str] = []
    with place.read() as store:
        for number in experiments:
            try:
                observations, sentences = _of(store, place, number, space, objective)
            except UsageError as problem:
                return Earlier(problem=problem)
            found += observations
            said += sentences
    return Earlier(tuple(found), tuple(said))


def _of(
    store: Store, place: Place, number: int, space: Space, objective: Objective
) -> tuple[list[Observation], list[str]]:
    """What one experiment found. **Raises** UsageError when that is nothing."""
    try:
        record = store.experiment(number)
    except NotFound:
        raise UsageError(
            f"--warm-start {number}: there is no experiment {number} in {place.folder}; "
            f"see which there are with: {place.hint('list')}"
        ) from None
    sign, sentences = _compared(record, objective)
    found: list[Observation] = []
    left_out: Counter[str] = Counter()
    history = store.history(number)
    scored, partial = history.complete, len(history.scored) - len(history.complete)
    if partial:
        left_out["stopped early"] = partial
    for trial in scored:
        value = trial.result.value if trial.result else None
        assert trial.configuration is not None and value is not None, "scored trials have both"
        try:
            if not math.isfinite(value):
                raise SpaceError("the value is no finite number")
            configuration = meeting(trial.configuration, space)
        except SpaceError as reason:
            left_out[str(reason)] += 1
        else:
            found.append(Observation(configuration, sign * value, trial.name))
    reasons = ", ".join(f"{reason} in {count}" for reason, count in left_out.items())
    if not scored:
        raise UsageError(
            f"--warm-start {number}: no trial of experiment {number} has ended with a value; leave the option out"
        )
    if not found:
        raise UsageError(
            f"--warm-start {number}: no trial of experiment {number} meets this space ({reasons}); "
            "leave the option out, or give the parameters the same names and wider ranges"
        )
    meet = f"{many(len(found), 'trial')} of experiment {number} {'meets' if len(found) == 1 else 'meet'} this space"
    rest = f" ({left_out.total()} left out: {reasons})" if left_out else ""
    return found, [*sentences, f"warm start: {meet}{rest}"]


def _compared(record: ExperimentRecord, objective: Objective) -> tuple[int, list[str]]:
    """By what its values are to be multiplied, and a warning where they mean something else.

    The same metric is the same quantity, whichever way it was to go. Of another metric all that is known is which
    of its values were the better ones, so where the directions differ it is turned round.
    """
    theirs = record.description.objective
    if theirs is None or (theirs.metric, theirs.aggregate) == (objective.metric, objective.aggregate):
        return 1, []
    is_turned = theirs.metric != objective.metric and theirs.direction != objective.direction
    how = "turned round, so that better stays better" if is_turned else "taken as they are"
    warning = f"warning: experiment {record.id} was to {theirs}, and this one is to {objective}; its values are {how}"
    return -1 if is_turned else 1, [warning]


def meeting(theirs: Configuration, space: Space) -> Configuration:
    """The configuration of `space` that an earlier one is: parameters that are not here are ignored.

    **Raises** SpaceError, in a few words, where a parameter of `space` has no value in it or one that is outside.
    """

    def pick(parameter: Parameter) -> Value:
        if parameter.name not in theirs:
            if parameter.domain.count() == 1:
                return parameter.domain.at(0)
            raise SpaceError(f"{parameter.name} is missing")
        try:
            return parameter.domain.read(theirs[parameter.name])
        except SpaceError:
            raise SpaceError(f"{parameter.name} is outside") from None

    return space.choose(pick)
