"""The sections of the file of `luthier run` that say what is searched for and how: each from its part to its noun."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from luthier import metrics
from luthier.description import Aggregate, Algorithm, Command, Constraint, Direction, Objective
from luthier.errors import UsageError
from luthier.job.keys import AGGREGATES, BUDGET, CONSTRAINT, DIRECTIONS, FOLDS, GOAL, METRICS, OBJECTIVE
from luthier.job.part import Part, placed
from luthier.job.stages import ETA, folds, read_budget, rungs
from luthier.schedule import Goal, Stages, Stopping
from luthier.search import ALGORITHMS, searcher
from luthier.space import Value
from luthier.space.nearest import hint
from luthier.stopping import Conditions, stopping_rule

__all__ = [
    "algorithm",
    "complete_bayesian",
    "constraints",
    "goal",
    "metric_settings",
    "objectives",
    "stages",
    "stopping",
    "tries",
]

KAPPA = 2.0
"""How far ucb looks unless it is said: written down with the experiment, so that it stays what it was."""
HOW_OBJECTIVE = "'minimize METRIC' or 'maximize METRIC', such as 'minimize loss', or a list of several"
TEXT = re.compile(r"(?P<way>minimize|maximize)(?:\s+|\s*:\s*)(?P<metric>.*\S)\s*", re.DOTALL)
HOW = re.compile(r"(?P<metric>.*\S)\s*\((?P<how>last|min|max|avg)\)", re.DOTALL)


def objectives(part: Part) -> list[Objective]:
    """The objectives, the first one first."""
    made: list[Objective] = []
    for item in part.items(HOW_OBJECTIVE) if not part.is_mapping else [part]:
        one = _objective(item)
        if one.metric in [each.metric for each in made]:
            raise item.error(f"{one.metric} is an objective twice; name each metric once")
        made.append(one)
    if not made:
        raise part.error(f"there is no objective in the list; write {HOW_OBJECTIVE}")
    return made


def _objective(part: Part) -> Objective:
    if part.is_mapping:
        return _told(part)
    text = part.text(HOW_OBJECTIVE)
    found = TEXT.fullmatch(text.strip())
    if not found:
        word = text.split()[0]
        raise part.error(f"{text!r} is no objective{hint(word, DIRECTIONS)}; write {HOW_OBJECTIVE}")
    how = HOW.fullmatch(found["metric"])
    metric = f"{how['metric']}:{how['how']}" if how else found["metric"]
    with placed(part.place):
        return Objective.of(f"{found['way']}:{metric}")


def _told(part: Part) -> Objective:
    given = part.entries(tuple(OBJECTIVE), HOW_OBJECTIVE)
    ways = [key for key in DIRECTIONS if key in given]
    named = [key for key in ("metric", *DIRECTIONS) if key in given]
    if len(named) != 1:
        raise part.error(
            f"{part.name} names {'no metric' if not named else ' and '.join(named)}; "
            "write {minimize: METRIC}, {maximize: METRIC} or {metric: METRIC, direction: minimize}"
        )
    if ways and "direction" in given:
        raise given["direction"].error(f"{ways[0]} says the direction already; leave direction out")
    if not ways and "direction" not in given:
        raise part.error(f"{part.name} says no direction; add direction: minimize or direction: maximize")
    direction = ways[0] if ways else given["direction"].one_of(DIRECTIONS)
    return Objective(given[named[0]].text("a metric's name"), _aggregate(given), cast(Direction, direction))


def _aggregate(given: Mapping[str, Part]) -> Aggregate:
    return cast(Aggregate, given["aggregate"].one_of(AGGREGATES)) if "aggregate" in given else "last"


def constraints(part: Part) -> list[Constraint]:
    """What metrics have to keep."""
    how = "'METRIC <= NUMBER' or 'METRIC >= NUMBER'"
    made = []
    for item in part.items(how) if not part.is_mapping else [part]:
        if not item.is_mapping:
            text = item.text(how)
            with placed(item.place):
                made.append(Constraint.of(text))
            continue
        given = item.entries(tuple(CONSTRAINT), how)
        sides = [key for key in ("max", "min") if key in given]
        if "metric" not in given or len(sides) != 1:
            raise item.error(
                "a limit is written {metric: METRIC, max: NUMBER} or {metric: METRIC, min: NUMBER}"
            )
        metric, bound = given["metric"].text("a metric's name"), given[sides[0]].number()
        made.append(Constraint(metric, float(bound), "<=" if sides == ["max"] else ">=", _aggregate(given)))
    return made


# ---------------------------------------------------------------------- how it is chosen


def algorithm(part: Part | None, warm_start: Part | None) -> Algorithm:
    """The algorithm with its settings, checked."""
    name, given = "auto", dict[str, Part]()
    if part is not None:
        how = f"one of {', '.join(ALGORITHMS)}"
        given = part.entries(None, how) if part.is_mapping else {"name": part}
        if "name" not in given:
            raise part.error(f"the algorithm has no name; write name: {how}")
        word = given.pop("name")
        name = "auto" if word.text(how) == "tune" else word.one_of(tuple(ALGORITHMS))
    settings = {key: _setting(name, key, each) for key, each in given.items()}
    if warm_start is not None:
        settings["warm_start"] = _numbers(name, warm_start)
    if name == "bayesian":
        with placed(given["kappa"].place if "kappa" in given else ""):
            complete_bayesian(settings)
    made = Algorithm(name, {key: value for key, value in settings.items() if value is not None})
    with placed(part.place if part else "algorithm"):
        searcher(made)
    return made


def _setting(name: str, key: str, part: Part) -> Any:
    known = [each for each in ALGORITHMS[name] if each != "warm_start"]
    if key not in known:
        if key == "warm_start":
            raise part.error("warm_start is a key of its own, beside algorithm; write it there")
        raise part.error(
            f"{name} has no setting {key!r}{hint(key, known)}; it takes {', '.join(known) or 'no settings'}"
        )
    value = part.setting()
    if value is not None:
        settings = {"acquisition": "ucb"} if key == "kappa" else {}
        with placed(part.place):
            searcher(Algorithm(name, {**settings, key: value}))
    return value


def _numbers(name: str, part: Part) -> list[int]:
    if "warm_start" not in ALGORITHMS[name]:
        takers = " or ".join(other for other in ALGORITHMS if "warm_start" in ALGORITHMS[other])
        raise part.error(
            f"warm_start means nothing to the algorithm {name}; leave it out, or choose {takers}"
        )
    return sorted({item.whole(1) for item in part.items("the number of an experiment, or a list of them")})


def complete_bayesian(settings: dict[str, Any]) -> None:
    """Says in the settings what `luthier bayesian` says; null leaves it unsaid. **Raises** UsageError for a kappa without
    ucb."""
    if settings.setdefault("acquisition", "ucb") == "ucb":
        settings.setdefault("kappa", KAPPA)
    elif settings["acquisition"] == "ei" and settings.get("kappa") is not None:
        raise UsageError("kappa belongs to the acquisition ucb; leave it out, or choose that")


def tries(part: Part) -> list[tuple[Part, dict[str, Value]]]:
    """The configurations to begin with, each with its part."""
    how = "a list of mappings from parameters to values, such as [{rate: 0.1}]"
    made = []
    for item in [part] if part.is_mapping else part.items(how):
        given = item.entries(None, how)
        if not given:
            raise item.error("this configuration names no parameter; write {NAME: VALUE}")
        made.append((item, {key: _tried(each) for key, each in given.items()}))
    return made


def _tried(part: Part) -> Value:
    content = part.node.content
    return content if isinstance(content, Value) else Value(_plain(part.node.plain()))


def _plain(tree: Any) -> Any:
    from luthier.space.grammar import plain

    return plain(tree)


# ---------------------------------------------------------------------- when it stops


def stopping(rule: Part | None, conditions: Part | None, usual: str) -> Stopping | None:
    """The rule, `usual` where none is named, and the conditions."""
    texts = []
    for item in (
        conditions.items("a condition such as 'val_loss > 5:3', or a list of them") if conditions else []
    ):
        texts.append(item.text("a condition such as 'val_loss > 5:3'"))
        with placed(item.place):
            Conditions.of(texts)
    made = (
        Stopping(usual, {}, tuple(texts)) if rule is None else _rule(rule)._replace(conditions=tuple(texts))
    )
    return made if made.rule != "none" or texts else None


def _rule(part: Part) -> Stopping:
    how = "a rule such as asha, or {rule: asha, eta: 3}"
    if not part.is_mapping:
        text = part.text(how)
        with placed(part.place):
            made = Stopping.of(text)
            stopping_rule(made.rule, made.settings)
        return made
    given = part.entries(None, how)
    if "rule" not in given:
        raise part.error(f"early_stopping names no rule; write {how}")
    word = given.pop("rule")
    name = word.text(how)
    with placed(word.place):
        stopping_rule(name)
    settings = {key: each.setting() for key, each in given.items()}
    for key, each in given.items():
        with placed(each.place):
            stopping_rule(name, {key: settings[key]})
    with placed(part.place):
        stopping_rule(name, settings)
    return Stopping(name, settings)


def goal(part: Part) -> Goal | None:
    """When the whole search ends early."""
    given = part.entries(tuple(GOAL), "a mapping such as {target: 0.95, max_time: 2h}")
    value = given["target"].number() if "target" in given else None
    seconds = given["max_time"].seconds() if "max_time" in given else None
    without = given["no_progress"].whole(1) if "no_progress" in given else None
    return None if (value, seconds, without) == (None, None, None) else Goal(value, seconds, without)


def stages(budget: Part | None, fold_count: Part | None, command: Command) -> Stages | None:
    """The rungs or folds a trial runs in."""
    if budget is not None and fold_count is not None:
        raise fold_count.error("budget and folds both cut a trial into parts; choose one of them")
    if budget is not None:
        return _rungs(budget)
    if fold_count is None:
        return None
    if not fold_count.is_mapping:
        return folds(fold_count.whole(2, 1000), command)
    given = fold_count.entries(tuple(FOLDS), "a whole number from 2")
    if "count" not in given:
        raise fold_count.error("folds has no count; write folds: 5")
    made = folds(given["count"].whole(2, 1000), command)
    return (
        made._replace(parameter=given["name"].any_text("a placeholder's name")) if "name" in given else made
    )


def _rungs(part: Part) -> Stages:
    how = "NAME=MIN:MAX, such as epochs=1:81, or {name: epochs, min: 1, max: 81}"
    if not part.is_mapping:
        text = part.text(how)
        with placed(f"{part.place}: budget {text!r}"):
            return read_budget(text)
    given = part.entries(tuple(BUDGET), how)
    if "name" not in given or ("levels" in given) == ("min" in given or "max" in given):
        raise part.error(f"budget has a name and either min and max, or levels; write {how}")
    name = given["name"].text("a parameter's name").strip()
    eta = float(given["eta"].number(1)) if "eta" in given else ETA
    if "levels" in given:
        listed = given["levels"].items("a list of budgets, such as [1, 3, 9]")
        made = [float(item.number(0)) for item in listed]
        if len(made) > 64 or not made or made != sorted(set(made)):
            raise given["levels"].error("levels are up to 64 numbers, each larger than the one before")
        return Stages("rungs", name, tuple(made), eta)
    if "min" not in given or "max" not in given:
        raise part.error(f"budget has no {'max' if 'min' in given else 'min'}; write {how}")
    least, most = float(given["min"].number(0)), float(given["max"].number(0))
    with placed(part.place):
        return rungs(name, least, most, eta)


def metric_settings(part: Part) -> tuple[tuple[str, ...], str | None]:
    """The patterns, and the folder of event files."""
    given = part.entries(tuple(METRICS), "a mapping such as {patterns: ['acc=(.*)']}")
    patterns = []
    for item in given["patterns"].items("a pattern, or a list of them") if "patterns" in given else []:
        patterns.append(item.text("a pattern such as 'acc=([0-9.]+)'"))
        with placed(item.place):
            metrics.read_pattern(patterns[-1])
    folder = given["tensorboard"].text("a folder") if "tensorboard" in given else None
    return tuple(patterns), folder
