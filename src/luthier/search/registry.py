"""Finds the searcher that a description names, and checks its settings.

Each algorithm stands in a module of its own, loaded when it is asked for.
"""

from __future__ import annotations

from typing import Any

from luthier.description import Algorithm
from luthier.errors import UsageError
from luthier.search.searcher import Searcher
from luthier.space import hint

__all__ = ["ALGORITHMS", "searcher"]

ALGORITHMS: dict[str, tuple[str, ...]] = {
    "grid": (),
    "random": ("repeats", "sequence"),
    "sobol": ("repeats",),
}
"""The names of all algorithms and of the settings each takes."""

SEQUENCES = ("random", "sobol")


def searcher(algorithm: Algorithm) -> Searcher:
    """The searcher of this name with these settings. `random` with the sequence `sobol` is `sobol`.

    **Raises** UsageError for a name or a setting that does not exist, with the nearest that does.
    """
    name, settings = algorithm.name, dict(algorithm.settings)
    if name not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise UsageError(f"there is no algorithm {name!r}{hint(name, ALGORITHMS)}; write one of {known}")
    for key in settings:
        if key not in ALGORITHMS[name]:
            known = ", ".join(ALGORITHMS[name]) or "no settings"
            raise UsageError(f"{name} has no setting {key!r}{hint(key, ALGORITHMS[name])}; it takes {known}")
    sequence = settings.pop("sequence", "random")
    if sequence not in SEQUENCES:
        known = " or ".join(SEQUENCES)
        raise UsageError(f"there is no sequence {sequence!r}{hint(str(sequence), SEQUENCES)}; write {known}")
    return _make("sobol" if name == "random" and sequence == "sobol" else name, settings)


def _make(name: str, settings: dict[str, Any]) -> Searcher:
    repeats = settings.get("repeats", False)
    if not isinstance(repeats, bool):
        raise UsageError(f"the setting repeats of {name} is {repeats!r}; write true or false")
    match name:
        case "grid":
            from luthier.search.grid import Grid

            return Grid()
        case "random":
            from luthier.search.random import Random

            return Random(repeats=repeats)
        case _:
            from luthier.search.sobol import Sobol

            return Sobol(repeats=repeats)
