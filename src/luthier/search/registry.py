"""Finds the searcher that a description names, and checks its settings.

Each algorithm stands in a module of its own, loaded when it is asked for.
"""

from __future__ import annotations

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
    "tpe": ("warm_start",),
    "cmaes": (),
}
"""The names of all algorithms and of the settings each takes."""

LEARNING = ("auto", "bayesian", "tpe", "cmaes")
"""The algorithms that look back, and so need an objective."""

SEQUENCES = ("random", "sobol")
ACQUISITIONS = ("ucb", "ei")


def searcher(algorithm: Algorithm) -> Searcher:
    """The searcher of this name with these settings. `random` with the sequence `sobol` is `sobol`.

    `warm_start` only names the experiments that the history's `earlier` was taken from; no searcher is told.

    **Raises** UsageError for a name or a setting that does not exist, with the nearest that does.
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
    return None


def _make(name: str, settings: dict[str, Any]) -> Searcher:
    repeats = settings.setdefault("repeats", False)
    if not isinstance(repeats, bool):
        raise UsageError(f"the setting repeats of {name} is {repeats!r}; write true or false")
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

            return Bayesian(**_checked(settings))
        case "tpe":
            from luthier.search.tpe import Tpe

            return Tpe()
        case "cmaes":
            from luthier.search.cmaes import Cmaes

            return Cmaes()
        case _:
            from luthier.search.auto import Auto

            return Auto(repeats=repeats)


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of `bayesian`: which acquisition, and how far its confidence bound looks, in deviations."""
    if "acquisition" in settings:
        _one_of("acquisition", settings["acquisition"], ACQUISITIONS)
    kappa = settings.get("kappa", 1.0)
    is_number = isinstance(kappa, (int, float)) and not isinstance(kappa, bool)
    if not is_number or not 0 < kappa < float("inf"):
        raise UsageError(f"the setting kappa of bayesian is {kappa!r}; write a number above 0, such as 2")
    return settings


def _one_of(setting: str, word: object, known: tuple[str, ...]) -> object:
    if word not in known:
        raise UsageError(
            f"there is no {setting} {word!r}{hint(str(word), known)}; write {' or '.join(known)}"
        )
    return word
