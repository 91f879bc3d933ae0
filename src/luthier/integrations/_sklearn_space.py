"""A scikit-learn search space, `param_distributions`, as a space of Luthier, and configurations of it as parameters.

    {"svc__C": scipy.stats.loguniform(1e-3, 1e3), "svc__kernel": ["rbf", "poly"]}
    [{"clf": [SVC()], "clf__C": luthier.loguniform(1e-3, 1e3)}, {"clf": [KNeighborsClassifier()], "clf__n_neighbors": range(1, 30)}]
    {"clf": luthier.choice([{"clf": SVC(), "clf__C": …}, {"clf": KNeighborsClassifier(), "clf__n_neighbors": …}])}

A list offers its items, as in scikit-learn; among them, a dict that names parameters is a branch, whose parameters exist
only while it is chosen. Distributions of SciPy become the domains that they are; one that has no counterpart is searched
by its quantiles, and an object that can only draw is drawn from once and searched by the quantiles of what it drew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erf, isclose, isfinite, log, sqrt
from numbers import Integral, Real
from typing import Any

from luthier.errors import SpaceError
from luthier.space.distributions import (
    Choice,
    Distribution,
    choice,
    integers,
    lognormal,
    loguniform,
    normal,
    uniform,
)
from luthier.space.tree import Tree

__all__ = ["SearchSpace", "space_of", "written"]

SPACES = "space"
"""The parameter that says which dict of a list of dicts is meant."""
MARK = "@"
"""The key under which a branch's decoders travel through a tree. It is no parameter's name in scikit-learn."""
TAIL = 1e-3
"""How much of an endless side is cut off where a distribution is searched by its quantiles."""
DRAWS = 500
KINDS = 48
ONE_SIGMA = 0.5 * (1 + erf(1 / sqrt(2)))

Decode = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class _Held:
    """A value that a tree would read as a part of the space; it is carried through as it is."""

    what: Any

    def __repr__(self) -> str:
        return repr(self.what)


@dataclass(frozen=True, eq=False)
class _Decoders:
    """What has to be done with the numbers of one dict before they are parameters."""

    by_key: dict[str, Decode]


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """The space, and the way from what fills it to the parameters of an estimator."""

    tree: Tree

    def params(self, filled: Any) -> dict[str, Any]:
        """A filled tree as `estimator.set_params` takes it: flat, without the labels of branches."""
        found: dict[str, Any] = {}
        decoders = filled[MARK].by_key
        for key, value in filled.items():
            if isinstance(value, Mapping) and MARK in value:
                found.update(self.params(value))
            elif key != MARK:
                held = value.what if isinstance(value, _Held) else value
                found[key] = decoders[key](held) if key in decoders else held
        return found


def space_of(given: Any, names: Collection[str]) -> SearchSpace:
    """Reads `param_distributions`; `names` are the parameters that the estimator has.

    **Raises** SpaceError for what can't be searched, naming the parameter.
    """
    if isinstance(given, Mapping):
        return SearchSpace(Tree.of(_branch(given, names)))
    spaces = list(given) if isinstance(given, (list, tuple)) else []
    if not spaces or not all(isinstance(one, Mapping) for one in spaces):
        raise SpaceError(
            f"param_distributions is {_shown(given)}; write a dict from parameters to what they may be, or a list "
            "of such dicts"
        )
    branches = [_branch(one, names) for one in spaces]
    if len(branches) == 1:
        return SearchSpace(Tree.of(branches[0]))
    chosen = choice(dict(zip(_labels(spaces, ""), branches, strict=True)))
    return SearchSpace(Tree.of({MARK: _Decoders({}), SPACES: chosen}))


def written(what: Any) -> Any:
    """A space as values that a digest can be made of: the record of a distribution that is searched by its quantiles
    does not tell which one it was, and SciPy's objects are never the same bytes twice."""
    if isinstance(what, Mapping):
        return {str(key): written(inner) for key, inner in what.items()}
    if isinstance(what, (list, tuple)):
        return [written(inner) for inner in what]
    if isinstance(what, Choice):
        return [written(inner) for inner in what.options]
    if hasattr(what, "dist") and hasattr(what, "kwds"):
        return what.dist.name, what.args, sorted(what.kwds.items())
    return type(what).__qualname__ if hasattr(what, "rvs") else what


def _branch(given: Mapping[Any, Any], names: Collection[str]) -> dict[str, Any]:
    decoders: dict[str, Decode] = {}
    made: dict[str, Any] = {MARK: _Decoders(decoders)}
    for key, what in given.items():
        if not isinstance(key, str):
            raise SpaceError(f"param_distributions has the key {key!r}; parameters are named by texts")
        try:
            made[key], decode = _domain(key, what, names)
        except SpaceError as error:
            raise SpaceError(f"parameter {key!r}: {error}") from None
        if decode is not None:
            decoders[key] = decode
    return made


def _domain(key: str, what: Any, names: Collection[str]) -> tuple[Any, Decode | None]:
    """What stands for a parameter in the tree, and how its values are decoded."""
    if isinstance(what, (Distribution, range)):
        return what, None
    if isinstance(what, Choice):
        return _choice(key, what, names), None
    if hasattr(what, "rvs"):
        return _of_scipy(what) if hasattr(what, "dist") and hasattr(what, "ppf") else _drawn(what)
    if isinstance(what, Mapping):
        raise SpaceError("it is a dict; write a list of what it may be")
    if isinstance(what, str) or hasattr(what, "get_params") or not isinstance(what, Iterable):
        return _kept(what), None
    options = _distinct(list(what))
    if len(options) == 1 and not isinstance(options[0], Mapping):
        return _kept(options[0]), None
    return _choice(key, Choice(tuple(options), ordered=_is_scale(options)), names), None


def _choice(key: str, given: Choice, names: Collection[str]) -> Choice:
    if not given.options:
        raise SpaceError("its list is empty; give at least one value")
    is_branch = [_is_branch(key, option, names) for option in given.options]
    if not any(is_branch):
        return Choice(tuple(map(_kept, given.options)), given.names, given.ordered, given.when)
    labels = given.names or _labels(given.options, key)
    inner = [
        _branch(option, names) if branches else _kept(option)
        for option, branches in zip(given.options, is_branch, strict=True)
    ]
    return Choice(tuple(inner), tuple(labels), given.ordered, given.when)


def _is_branch(key: str, option: Any, names: Collection[str]) -> bool:
    """Whether a dict among the options holds parameters; else it is a value, as {0: 1, 1: 10} is one of class_weight."""
    if not isinstance(option, Mapping) or not all(isinstance(inner, str) for inner in option):
        return False
    own = all(inner == key or inner.startswith(f"{key}__") or inner in names for inner in option)
    is_label = key not in names and "__" not in key
    return is_label or (bool(option) and own) or any(map(_is_distribution, option.values()))


def _is_distribution(what: Any) -> bool:
    return isinstance(what, (Distribution, Choice)) or hasattr(what, "rvs")


def _labels(options: Sequence[Any], key: str) -> list[str]:
    """A name for each option: what it says of the parameter itself, else the first estimator or text in it."""
    names = []
    for index, option in enumerate(options):
        inner = option if isinstance(option, Mapping) else {key: option}
        single = [_single(inner[key])] if key in inner else [_single(one) for one in inner.values()]
        said = (one if isinstance(one, str) else type(one).__name__ for one in single if _tells(one))
        names.append(next(said, f"#{index}"))
    often = Counter(names)
    return [f"{name}#{index}" if often[name] > 1 else name for index, name in enumerate(names)]


def _single(what: Any) -> Any:
    return what[0] if isinstance(what, (list, tuple)) and len(what) == 1 else what


def _tells(what: Any) -> bool:
    return isinstance(what, str) or hasattr(what, "get_params")


def _kept(value: Any) -> Any:
    """A value, wrapped where the tree would not leave it as it is."""
    endless = isinstance(value, float) and not isfinite(value)
    structured = isinstance(value, (Mapping, Choice, Distribution, range, tuple))
    return _Held(value) if endless or structured else value


def _distinct(options: list[Any]) -> list[Any]:
    """The options without equal plain values, which say the same thing twice."""
    seen: set[tuple[type, Any]] = set()
    kept = []
    for option in options:
        plain = isinstance(option, (str, Real)) or option is None
        if not plain or (type(option), option) not in seen:
            kept.append(option)
        if plain:
            seen.add((type(option), option))
    return kept


def _is_scale(options: Sequence[Any]) -> bool:
    """Whether listed values are numbers in order, so that neighbours are alike."""
    numbers = [one for one in options if _is_number(one)]
    return 2 < len(numbers) == len(options) and numbers in (sorted(numbers), sorted(numbers, reverse=True))


def _is_number(one: Any) -> bool:
    return not isinstance(one, bool) and isinstance(one, Real)


def _of_scipy(frozen: Any) -> tuple[Any, Decode | None]:
    """The domain of a frozen distribution, found by its name and checked by its numbers."""
    low, high = (float(end) for end in frozen.support())
    median = float(frozen.median())
    match getattr(frozen.dist, "name", ""):
        case "uniform":
            return uniform(low, high), None
        case "randint" if low < high:
            return integers(int(low), int(high)), None
        case "loguniform" | "reciprocal" if 0 < low and isclose(median, sqrt(low * high)):
            return loguniform(low, high), None
        case "norm":
            return normal(float(frozen.mean()), float(frozen.std())), None
        case "lognorm" if low == 0:
            return lognormal(log(median), log(float(frozen.ppf(ONE_SIGMA)) / median)), None
    bounds = (0.0 if isfinite(low) else TAIL), (1.0 if isfinite(high) else 1 - TAIL)
    is_discrete = not hasattr(frozen.dist, "pdf")

    def decode(probability: float) -> Any:
        if is_discrete:
            return int(max(frozen.ppf(probability), low))
        return float(frozen.ppf(probability))

    return uniform(*bounds), decode


def _drawn(source: Any) -> tuple[Any, Decode | None]:
    """A domain for an object that can only draw: the quantiles of what it drew, or the different things it drew."""
    import numpy as np

    generator = np.random.RandomState(0)
    values = [source.rvs(random_state=generator) for _ in range(DRAWS)]
    values = [value.item() if getattr(value, "shape", None) == () else value for value in values]
    if not all(map(_is_number, values)):
        return Choice(tuple(map(_kept, _distinct(values[:KINDS])))), None
    values.sort()
    whole = all(isinstance(value, Integral) for value in values)
    if values[0] == values[-1]:
        return values[0], None

    def decode(probability: float) -> Any:
        if whole:
            return int(values[min(int(probability * DRAWS), DRAWS - 1)])
        return float(np.quantile(values, probability))

    return uniform(0, 1), decode


def _shown(thing: Any) -> str:
    text = repr(thing)
    return text if len(text) <= 80 else f"a {type(thing).__name__}"
