"""The space of a program that says what it varies only as it runs: found in the trials that it has run.

An Optuna objective asks for a parameter when it needs one, so which parameters there are, and when, is written nowhere.
A parameter that some trials lack is explained by an earlier one: by the categories, or the integers, under which it was
asked for and never else. One that nothing explains is left out, and sampled by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.integrations._needed import needed
from luthier.space import Categorical, Condition, Domain, Float, Integer, Parameter, Space, Value

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
        whens: dict[str, tuple[Condition, ...]] = {}
        for name in latest:
            found = _condition(name, latest, whens, seen)
            if found is not None:
                whens[name] = found
        if not whens:
            return None
        parameters = [Parameter(name, domain_of(latest[name]), when) for name, when in whens.items()]
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


def _condition(
    name: str,
    distributions: Mapping[str, BaseDistribution],
    whens: Mapping[str, tuple[Condition, ...]],
    trials: Sequence[Mapping[str, Any]],
) -> tuple[Condition, ...] | None:
    """When a parameter exists, as far as trials tell; None where no earlier parameter explains it."""
    having = [trial for trial in trials if name in trial]
    lacking = [trial for trial in trials if name not in trial]
    if not lacking:
        return ()
    parents = [p for p in whens if not isinstance(distributions[p], FloatDistribution)]
    nearest_first = parents[::-1]
    nearest_first.sort(key=lambda p: isinstance(distributions[p], IntDistribution))
    for parent in nearest_first:
        if not all(parent in trial for trial in having):
            continue
        with_it = {trial[parent] for trial in having}
        without_it = {trial[parent] for trial in lacking if parent in trial}
        if not without_it and whens[parent]:
            return whens[parent]  # they come and go together
        if isinstance(distributions[parent], CategoricalDistribution):
            if with_it.isdisjoint(without_it):
                return (Condition(parent, "in", tuple(sorted(with_it, key=str))),)
        elif without_it and min(with_it) > max(without_it):
            return (Condition(parent, ">=", (min(with_it),)),)
        elif without_it and max(with_it) < min(without_it):
            return (Condition(parent, "<=", (max(with_it),)),)
    return None
