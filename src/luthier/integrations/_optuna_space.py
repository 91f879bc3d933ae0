"""The space of a program that says what it varies only as it runs: found in the trials that it has run.

An Optuna objective asks for a parameter when it needs one, so which parameters there are, and when, is written nowhere.
When a parameter exists is found by `space/observed.py`; one that nothing explains is left out, and sampled by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.integrations._needed import needed
from luthier.space import Categorical, Condition, Domain, Float, Integer, Parameter, Space, Value
from luthier.space.observed import observed_condition

needed("optuna", "Optuna", "optuna")

from optuna.distributions import (  # noqa: E402
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

__all__ = ["DefinedByRun", "domain_of", "told", "untold"]

MOST_BRANCHES = 12
"""Of so many categories of a parameter each is tried early; of more, branches are not to be expected."""


@dataclass(frozen=True)
class DefinedByRun:
    """What is known of a space: the distributions by name, the same as a `Space` of Luthier, and the categories (name,
    value) that no trial had, behind which there may be parameters that nobody has met."""

    distributions: dict[str, BaseDistribution]
    space: Space
    unmet: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls, trials: Sequence[tuple[Mapping[str, Any], Mapping[str, BaseDistribution]]]
    ) -> DefinedByRun | None:
        """Finds it in the parameters and distributions of trials, by number; None where they have none.

        Where a distribution changed, the last one counts.
        """
        latest: dict[str, BaseDistribution] = {}
        for _, distributions in trials:
            latest.update(distributions)
        latest = {name: one for name, one in latest.items() if not one.single()}
        seen = [
            {name: told(latest[name], v) for name, v in params.items() if name in latest}
            for params, _ in trials
        ]
        domains = {name: domain_of(distribution) for name, distribution in latest.items()}
        whens: dict[str, tuple[Condition, ...]] = {}
        for name in latest:
            found = observed_condition(name, domains, whens, seen)
            if found is not None:
                whens[name] = found
        if not whens:
            return None
        parameters = [Parameter(name, domains[name], when) for name, when in whens.items()]
        unmet = [
            (name, f"c{place}")
            for name in whens
            for place in range(len(getattr(latest[name], "choices", ())[:MOST_BRANCHES]))
            if not any(trial.get(name) == f"c{place}" for trial in seen)
        ]
        return cls({name: latest[name] for name in whens}, Space(parameters), tuple(unmet))

    def into_the_unmet(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values, turned to a category that no trial had where there is one; without what that makes inactive."""
        for name, category in self.unmet:
            if name in values and values[name] != category:
                turned = {**values, name: category}
                return {n: v for n, v in turned.items() if self.space.is_active(n, turned)}
        return dict(values)


def domain_of(distribution: BaseDistribution) -> Domain:
    """A distribution of Optuna's as a domain. Categories are named by their places, whatever they are."""
    match distribution:
        case FloatDistribution():
            return Float(
                distribution.low,
                distribution.high,
                "log" if distribution.log else "linear",
                distribution.step,
            )
        case IntDistribution():
            step = None if distribution.step == 1 else distribution.step
            return Integer(distribution.low, distribution.high, "log" if distribution.log else "linear", step)
        case CategoricalDistribution():
            return Categorical(tuple(Value(f"c{place}") for place in range(len(distribution.choices))))
    raise TypeError(f"{type(distribution).__name__} is a distribution that LuthierSampler does not know")


def told(distribution: BaseDistribution, value: Any) -> Any:
    """A parameter's value as the domain has it. A category that is no longer one of the choices becomes None."""
    if not isinstance(distribution, CategoricalDistribution):
        return value
    try:
        return f"c{int(distribution.to_internal_repr(value))}"
    except ValueError:
        return None


def untold(distribution: BaseDistribution, value: Any) -> Any:
    """The inverse of `told`."""
    if not isinstance(distribution, CategoricalDistribution):
        return value
    return distribution.choices[int(value[1:])]
