"""What the HParams table shows of a space and an objective: its columns, and a trial's values in them.

A column has one type. Values that are numbers, or only true and false, stay so; where a parameter lists several types its
values are the texts the user wrote. A parameter that is not active, or is None, has no value.
"""

from __future__ import annotations

from collections.abc import Sequence

from luthier import metrics
from luthier.description import Description, Objective
from luthier.space import Configuration, Parameter, Space
from luthier.space.choices import Categorical
from luthier.space.ranges import Float, Integer
from luthier.view.tensorboard.encoding import Hyperparameter, Metric, Plain

__all__ = ["columns_of", "metrics_of", "objective_tag", "values_of"]


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


def metrics_of(description: Description, reported: Sequence[str]) -> list[Metric]:
    """The metrics' columns: the objectives first, then what else trials have reported."""
    tags = {objective_tag(each, reported): str(each) for each in description.objectives}
    for constraint in description.constraints:
        tags.setdefault(
            metrics.matching_name(constraint.metric, reported) or constraint.metric, str(constraint)
        )
    for name in reported:
        tags.setdefault(name, "")
    return [Metric(tag, said) for tag, said in tags.items()]


def objective_tag(objective: Objective, reported: Sequence[str]) -> str:
    """The tag whose last value is the objective's value: the metric, or a series of its own where another value of it
    counts than the last."""
    name = metrics.matching_name(objective.metric, reported) or objective.metric
    return name if objective.aggregate == "last" else f"{name} ({objective.aggregate})"
