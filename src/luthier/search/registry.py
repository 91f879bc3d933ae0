"""Finds the searcher that a description names, and checks its settings.

Each algorithm stands in a module of its own, loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from sys import float_info
from typing import Any

from luthier.description import Algorithm
from luthier.errors import UsageError
from luthier.search.searcher import Searcher
from luthier.space import Space, hint

__all__ = ["ALGORITHMS", "LEARNING", "explain_choice", "searcher"]

ALGORITHMS: dict[str, tuple[str, ...]] = {
    "grid": (),
    "random": ("repeats", "sequence"),
    "sobol": ("repeats",),
    "auto": ("repeats", "warm_start"),
    "bayesian": ("acquisition", "kappa", "repeats", "warm_start"),
    "tpe": ("candidates", "repeats", "share", "startup", "warm_start"),
    "cmaes": ("population", "sigma"),
}
"""The names of all algorithms and of the settings each takes."""

LEARNING = ("auto", "bayesian", "tpe", "cmaes")
"""The algorithms that look back, and so need an objective."""

SEQUENCES = ("random", "sobol")
ACQUISITIONS = ("ucb", "ei")


def _whole(least: int, most: float = inf) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _real(above: float, most: float = float_info.max) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, (int, float)) and not isinstance(value, bool) and above < value <= most
    )


_NUMBERS = {
    ("bayesian", "kappa"): (_real(0), "a number above 0, such as 2"),
    ("tpe", "startup"): (_whole(1), "a whole number from 1, such as 7"),
    ("tpe", "share"): (_real(0, 0.5), "a number above 0 and at most 0.5, such as 0.1"),
    ("tpe", "candidates"): (_whole(1, 10_000), "a whole number from 1 to 10000, such as 64"),
    ("cmaes", "sigma"): (_real(0, 1), "a number above 0 and at most 1, such as 0.25"),
    ("cmaes", "population"): (_whole(2, 10_000), "a whole number from 2 to 10000, such as 10"),
}
"""The settings that are numbers, by algorithm: which values are good, and what to write."""


def searcher(algorithm: Algorithm) -> Searcher:
    """The searcher of this name with these settings. `random` with the sequence `sobol` is `sobol`.

    `warm_start` only names the experiments that the history's `earlier` was taken from; no searcher is told.

    **Raises** UsageError for a name or a setting that does not exist, with the nearest that does, and for a value that a
    setting can't have, with one that it can.
    """
    name, settings = algorithm.name, dict(algorithm.settings)
    if name == "replicates":  # made by `best --confirm` alone, of settings that nobody types
        from luthier.search.replicates import Replicates

        return Replicates.of(settings)
    if name not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise UsageError(f"there is no algorithm {name!r}{hint(name, ALGORITHMS)}; write one of {known}")
    for key in settings:
        if key not in ALGORITHMS[name]:
            known = ", ".join(ALGORITHMS[name]) or "no settings"
            raise UsageError(f"{name} has no setting {key!r}{hint(key, ALGORITHMS[name])}; it takes {known}")
    settings.pop("warm_start", None)
    sequence = _one_of("sequence", settings.pop("sequence", "random"), SEQUENCES)
    return _make("sobol" if name == "random" and sequence == "sobol" else name, settings)


def explain_choice(algorithm: Algorithm, space: Space, target: int | None) -> str | None:
    """What an algorithm that chooses by itself has chosen for this search and why, in one line; None where none was left
    to choose."""
    if algorithm.name != "auto":
        return None
    from luthier.search.auto import plan

    return plan(space, target)


def _make(name: str, settings: dict[str, Any]) -> Searcher:
    _check(name, settings)
    repeats = settings.get("repeats", False)
    match name:
        case "grid":
            from luthier.search.grid import Grid

            return Grid()
        case "random":
            from luthier.search.random import Random

            return Random(repeats=repeats)
        case "sobol":
            from luthier.search.sobol import Sobol

            return Sobol(repeats=repeats)
        case "bayesian":
            from luthier.search.gaussian import Bayesian

            return Bayesian(**settings)
        case "tpe":
            from luthier.search.tpe import Tpe

            return Tpe(**settings)
        case "cmaes":
            from luthier.search.cmaes import Cmaes

            return Cmaes(**settings)
        case _:
            from luthier.search.auto import Auto

            return Auto(repeats=repeats)


def _check(name: str, settings: dict[str, Any]) -> None:
    """Refuses a value that a setting can't have."""
    repeats = settings.get("repeats", False)
    if not isinstance(repeats, bool):
        raise UsageError(f"the setting repeats of {name} is {repeats!r}; write true or false")
    if "acquisition" in settings:
        _one_of("acquisition", settings["acquisition"], ACQUISITIONS)
    for setting, value in settings.items():
        is_good, words = _NUMBERS.get((name, setting), (None, ""))
        if is_good is not None and not is_good(value):
            raise UsageError(f"the setting {setting} of {name} is {value!r}; write {words}")


def _one_of(setting: str, word: object, known: tuple[str, ...]) -> object:
    if word not in known:
        raise UsageError(
            f"there is no {setting} {word!r}{hint(str(word), known)}; write {' or '.join(known)}"
        )
    return word
