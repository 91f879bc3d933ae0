"""What a Python program says of a search, checked and made a description: the names and texts it may give, in one place.

Nothing here knows a store or runs anything; `experiment.py` begins what is described here, `finding.py` has more options
around it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

from luthier.description import (
    Aggregate,
    Algorithm,
    Constraint,
    Description,
    Goal,
    Limits,
    Objective,
    Stopping,
)
from luthier.errors import UsageError
from luthier.experiment.functions import digest_of, title_of
from luthier.space import Configuration, Space, hint
from luthier.space.tree import Tree

__all__ = ["Wanted", "counted", "described", "read_all", "refuse_unknown", "worded"]


class Wanted(TypedDict, total=False):
    """What `Experiment.create` takes of a search. `function` is what it will be run with. `also` are further objectives, such
    as "minimize:latency", and `constraints` what metrics have to keep, such as "memory <= 4e9". `aggregate` is what is made
    of the points of the metric where they are all that was told: last, min, max or avg, as of folds. `early_stopping` is the
    rule that ends poor trials early ("auto" with the algorithm auto, else "none"), `stop_conditions` are your own, `goal`
    ends the search before its trials are used up."""

    metric: str | None
    direction: Literal["minimize", "maximize"]
    aggregate: Aggregate
    trials: int | None
    algorithm: str
    settings: Mapping[str, Any] | None
    seed: int | None
    name: str | None
    function: Callable[..., Any] | None
    limits: Limits | None
    also: Sequence[str]
    constraints: Sequence[str]
    early_stopping: str | None
    stop_conditions: Sequence[str]
    goal: Goal | None


def described(space: Space, wanted: Wanted) -> Description:
    """A search as it was asked for. **Raises** UsageError and SpaceError for what can't be searched, with the place in it."""
    from luthier.search import searcher

    _check(wanted)
    algorithm = Algorithm(wanted.get("algorithm", "auto"), dict(wanted.get("settings") or {}))
    searcher(algorithm)
    if algorithm.name == "grid":
        space.finite_count()
    direction, function, goal = (
        wanted.get("direction", "minimize"),
        wanted.get("function"),
        wanted.get("goal"),
    )
    metric = wanted.get("metric") or ("loss" if direction == "minimize" else "score")
    return Description(
        project=os.getcwd(),
        space=space,
        algorithm=algorithm,
        objective=Objective(metric, wanted.get("aggregate", "last"), direction),
        trials=wanted.get("trials"),
        seed=wanted.get("seed") or 0,
        limits=wanted.get("limits") or Limits(),
        name=wanted.get("name"),
        function=None if function is None else title_of(function),
        labels=digest_of(function),
        also=tuple(map(Objective.of, wanted.get("also", ()))),
        constraints=tuple(map(Constraint.of, wanted.get("constraints", ()))),
        stopping=_stopping(algorithm.name, wanted.get("early_stopping"), wanted.get("stop_conditions", ())),
        goal=goal if goal and any(part is not None for part in goal) else None,
    )


def _check(wanted: Wanted) -> None:
    """Refuses names, texts and numbers that are none. **Raises** UsageError naming the option."""
    refuse_unknown("Experiment.create", wanted, (*Wanted.__annotations__, "store", "tries", "new"))
    given: Mapping[str, Any] = wanted
    for option in ("name", "metric", "algorithm"):
        worded(option, given.get(option))
    for option in ("also", "constraints"):
        for text in given.get(option, ()):
            worded(option, text)
    for option, words in (("direction", ("minimize", "maximize")), ("aggregate", get_args(Aggregate))):
        if option in given and given[option] not in words:
            raise UsageError(f"{option}={given[option]!r} is none of {', '.join(words)}")
    counted("trials", given.get("trials"), 1)


def _stopping(algorithm: str, rule: str | None, conditions: Sequence[str]) -> Stopping | None:
    """What ends trials early. **Raises** UsageError for a rule or a condition that can't be read."""
    from luthier.stopping import Conditions, stopping_rule

    if isinstance(conditions, str):
        raise UsageError(f"stop_conditions={conditions!r} is one text; give a list, such as [{conditions!r}]")
    if rule is not None and not isinstance(rule, str):
        raise UsageError(
            f"early_stopping={rule!r} is not a text; name a rule: 'auto', 'asha:eta=3', … or 'none'"
        )
    for text in conditions:
        worded("stop_conditions", text)
    default = "auto" if algorithm == "auto" else "none"
    stopping = Stopping.of(default if rule is None else rule, conditions)
    stopping_rule(stopping.rule, stopping.settings)
    Conditions.of(conditions)
    return stopping if stopping.rule != "none" or conditions else None


def read_all(tree: Tree, given: Sequence[Mapping[str, Any]]) -> list[Configuration]:
    """Configurations that a person wrote. **Raises** UsageError, SpaceError naming what does not fit."""
    if isinstance(given, Mapping) or not all(isinstance(one, Mapping) for one in given):
        raise UsageError("configurations of your own are a list of dicts, such as [{'rate': 0.1}]")
    return [tree.read(one) for one in given]


def refuse_unknown(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Makes sure that all options are known. **Raises** UsageError naming the first that is not."""
    known = tuple(known)
    for name in given:
        if name not in known:
            raise UsageError(f"{what} has no option {name!r}{hint(name, known)}; it takes {', '.join(known)}")


def counted(option: str, number: Any, least: int) -> int | None:
    """A whole number from `least`, or None. **Raises** UsageError naming the option."""
    if number is None or (isinstance(number, int) and not isinstance(number, bool) and number >= least):
        return number
    raise UsageError(f"{option}={number!r} is not a whole number from {least}")


def worded(option: str, text: Any) -> None:
    """Refuses what is neither None nor a text that can be shown. **Raises** UsageError naming the option."""
    if text is not None and not (isinstance(text, str) and text.strip() and text.isprintable()):
        raise UsageError(f"{option}={text!r} is not a text")
