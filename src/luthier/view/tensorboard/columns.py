"""What the HParams table shows of a space and an objective: its columns, and a trial's values in them.

A column has one type. Values that are numbers, or only true and false, stay so; where a parameter lists several types its
values are the texts the user wrote. A parameter that is not active, or is None, has no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from luthier import metrics
from luthier.description import Description, Objective
from luthier.space import Configuration, Parameter, Space
from luthier.space.choices import Categorical
from luthier.space.ranges import Float, Integer
from luthier.trial import Outcome, Trial
from luthier.view.tensorboard.encoding import Hyperparameter, Metric, Plain

__all__ = ["COMPLETE", "columns_of", "may_be_stopped", "metrics_of", "objective_tag", "values_of"]

COMPLETE = "complete"
"""The column that tells trials that came to their end (1) from those that were stopped or failed (0). TensorBoard knows
no state but success and failure, and no metric that is a word."""


def columns_of(space: Space) -> list[Hyperparameter]:
    """All parameters with their domains, in declared order."""
    return [_column(parameter) for parameter in space.parameters]


def _column(parameter: Parameter) -> Hyperparameter:
    domain = parameter.domain
    if isinstance(domain, Categorical):
        kind = _kind(domain)
        listed = [_plain(kind, each.value, each.text) for each in domain.choices if each.value is not None]
        return Hyperparameter(parameter.name, kind, tuple(listed))
    if isinstance(domain, Float | Integer):
        return Hyperparameter(parameter.name, float, interval=(float(domain.low), float(domain.high)))
    return Hyperparameter(parameter.name, float)  # a normal distribution has no bounds


def _kind(domain: Categorical) -> type[str] | type[bool] | type[float]:
    types = {type(each.value) for each in domain.choices if each.value is not None}
    if types == {bool}:
        return bool
    return float if types and types <= {int, float} else str


def _plain(kind: type[str] | type[bool] | type[float], value: object, text: str) -> Plain:
    if kind is float and isinstance(value, int | float):
        return float(value)
    if kind is bool:
        return bool(value)
    return value if isinstance(value, str) else text


def values_of(columns: Sequence[Hyperparameter], configuration: Configuration) -> dict[str, Plain]:
    """A trial's values by column; what it has not is left out."""
    values, texts = configuration.values(), configuration.texts()
    return {
        column.name: _plain(column.kind, values[column.name], texts[column.name])
        for column in columns
        if values.get(column.name) is not None
    }


def may_be_stopped(description: Description, trials: Iterable[Trial]) -> bool:
    """Whether trials of an experiment end before their end, so that it is worth a column."""
    if description.stopping is not None or description.stages is not None:
        return True
    return any(t.final is not None and t.final.outcome is Outcome.STOPPED for t in trials)


def metrics_of(description: Description, reported: Sequence[str], *, complete: bool = False) -> list[Metric]:
    """The metrics' columns: the objectives first, then what else trials have reported; of folds the means alone, which
    can be compared. With `complete`, whether a trial is."""
    in_folds = description.in_folds
    tags = {objective_tag(each, reported, in_folds=in_folds): str(each) for each in description.objectives}
    if complete and COMPLETE not in reported:
        tags[COMPLETE] = "1: it came to its end; 0: it was stopped early, or failed"
    for constraint in description.constraints:
        tags.setdefault(
            metrics.matching_name(constraint.metric, reported) or constraint.metric, str(constraint)
        )
    for name in reported if not in_folds else ():
        tags.setdefault(name, "")
    return [Metric(tag, said) for tag, said in tags.items()]


def objective_tag(objective: Objective, reported: Sequence[str], *, in_folds: bool = False) -> str:
    """The tag whose last value is the objective's value: the metric, or a series of its own where another value of it
    counts than the last."""
    name = metrics.matching_name(objective.metric, reported) or objective.metric
    if in_folds:
        return f"{name} (mean of folds)"
    return name if objective.aggregate == "last" else f"{name} ({objective.aggregate})"
