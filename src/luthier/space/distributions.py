"""What a Python program writes for a parameter: `uniform`, `loguniform`, `integers`, `choice`, `normal`, `lognormal`.

Each is a domain and the conditions under which it exists; it has no name, for that is where it stands in the user's
space (`tree.py`). So what is wrong with its numbers is said with the call itself, `loguniform(5, 1): …`. `choice` takes any Python objects, also dicts that hold distributions of their own, which exist only
while that option is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from luthier.errors import SpaceError
from luthier.space.domains import Domain
from luthier.space.normal import LogNormal, Normal
from luthier.space.ranges import Float, Integer

__all__ = [
    "Choice",
    "Distribution",
    "choice",
    "integers",
    "lognormal",
    "loguniform",
    "normal",
    "uniform",
]

When = Mapping[str, Any] | str | Sequence[Any] | None
"""`{"optimizer": "sgd"}`, `{"optimizer": ["sgd", "rmsprop"]}`, `"layers >= 3"`, or a list of these."""


@dataclass(frozen=True)
class Distribution:
    """Numbers a parameter may take, and when it exists."""

    domain: Domain
    when: When = None


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several objects. `names` are their names in the record, None where they are to be found out."""

    options: tuple[Any, ...]
    names: tuple[str, ...] | None = None
    ordered: bool = False
    when: When = None


def uniform(low: float, high: float, *, step: float | None = None, when: When = None) -> Distribution:
    """Floats from `low` to `high`, both included; with a `step` only low, low + step, …

    **Raises** SpaceError when the numbers make no range.
    """
    with _told("uniform", low, high, step=step):
        return Distribution(Float(_plain(low), _plain(high), step=_plain(step)), when)


def loguniform(low: float, high: float, *, step: float | None = None, when: When = None) -> Distribution:
    """Floats from `low` to `high` whose logarithms are evenly spread. The bounds are the values themselves.

    **Raises** SpaceError when `low` is not above 0 or the numbers make no range.
    """
    with _told("loguniform", low, high, step=step):
        return Distribution(Float(_plain(low), _plain(high), "log", _plain(step)), when)


def integers(
    low: int, high: int, *, log: bool = False, step: int | None = None, when: When = None
) -> Distribution:
    """Whole numbers from `low` to `high`, both included. With `log`, small ones are as likely as large ones.

    **Raises** SpaceError when the numbers make no range.
    """
    scaling: Literal["log", "linear"] = "log" if log else "linear"
    with _told("integers", low, high, log=log or None, step=step):
        return Distribution(Integer(_plain(low), _plain(high), scaling, _plain(step)), when)


def normal(mean: float, deviation: float, *, step: float | None = None, when: When = None) -> Distribution:
    """Floats spread like a normal distribution; with a `step` the nearest multiples of it.

    **Raises** SpaceError when the deviation is not above 0.
    """
    with _told("normal", mean, deviation, step=step):
        return Distribution(Normal(_plain(mean), _plain(deviation), _plain(step)), when)


def lognormal(mean: float, deviation: float, *, step: float | None = None, when: When = None) -> Distribution:
    """Floats whose logarithm has this mean and deviation; with a `step` the nearest multiples of it.

    **Raises** SpaceError when the deviation is not above 0.
    """
    with _told("lognormal", mean, deviation, step=step):
        return Distribution(LogNormal(_plain(mean), _plain(deviation), _plain(step)), when)


def choice(options: Iterable[Any] | Mapping[str, Any], *, ordered: bool = False, when: When = None) -> Choice:
    """One of these objects, whatever they are; a mapping gives each a name for the record.

    With `ordered`, neighbours are alike: `choice([16, 32, 64], ordered=True)`. Options may be dicts or tuples that hold
    distributions, which exist only while the option is chosen.
    **Raises** SpaceError when there are none.
    """
    names = tuple(map(str, options)) if isinstance(options, Mapping) else None
    listed = tuple(options.values() if isinstance(options, Mapping) else options)
    if not listed:
        raise SpaceError("choice([]): the list of options is empty; give at least one")
    return Choice(listed, names, ordered, when)


@contextmanager
def _told(call: str, *numbers: Any, **named: Any) -> Iterator[None]:
    """Puts the call before what is wrong with its numbers. **Raises** SpaceError."""
    try:
        yield
    except SpaceError as error:
        given = [
            *map(repr, map(_plain, numbers)),
            *(f"{k}={_plain(v)!r}" for k, v in named.items() if v is not None),
        ]
        raise SpaceError(f"{call}({', '.join(given)}): {error}") from None


def _plain(number: Any) -> Any:
    """A NumPy scalar as the Python number it is."""
    item = getattr(number, "item", None)
    return item() if callable(item) else number
