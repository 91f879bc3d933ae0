"""Finds the stopping rule of a name, and checks its settings.

Each rule stands in a module of its own, loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from sys import float_info
from typing import Any

from luthier.errors import UsageError
from luthier.space import hint
from luthier.stopping.rule import StoppingRule

__all__ = ["RULES", "stopping_rule"]

RULES: dict[str, tuple[str, ...]] = {
    "auto": ("eta", "max_resource", "min_resource"),
    "asha": ("eta", "max_resource", "min_resource"),
    "hyperband": ("brackets", "eta", "max_resource", "min_resource"),
    "median": ("grace", "min_trials"),
    "curve": ("chance", "max_resource", "min_trials"),
    "patience": ("min_delta", "points"),
    "folds": ("chance", "folds"),
    "none": (),
}
"""The names of all rules and of the settings each takes."""


def _whole(least: int, most: float = inf) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _real(above: float, below: float = float_info.max) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, (int, float)) and not isinstance(value, bool) and above < value < below
    )


def _from_zero(value: object) -> bool:
    return (value == 0 and not isinstance(value, bool)) or _real(0)(value)


_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "brackets": (_whole(1, 10), "a whole number from 1 to 10, such as 3"),
    "chance": (_real(0, 0.5), "a number above 0 and below 0.5, such as 0.05"),
    "eta": (_real(1), "a number above 1, such as 4"),
    "folds": (_whole(2), "a whole number from 2, such as 5"),
    "grace": (_from_zero, "a number from 0, such as 1"),
    "max_resource": (_real(0), "a number above 0, such as 100"),
    "min_delta": (_from_zero, "a number from 0, such as 0.001"),
    "min_resource": (_real(0), "a number above 0, such as 1"),
    "min_trials": (_whole(1), "a whole number from 1, such as 5"),
    "points": (_whole(1), "a whole number from 1, such as 10"),
}
"""Which values of a setting are good, and what to write."""


def stopping_rule(name: str, settings: Mapping[str, Any] | None = None) -> StoppingRule:
    """The rule of this name with these settings.

    **Raises** UsageError for a name or a setting that does not exist, with the nearest that does, and for a value that a
    setting can't have, with one that it can.
    """
    settings = dict(settings or {})
    if name not in RULES:
        known = ", ".join(RULES)
        raise UsageError(f"there is no stopping rule {name!r}{hint(name, RULES)}; write one of {known}")
    for key, value in settings.items():
        if key not in RULES[name]:
            known = ", ".join(RULES[name]) or "no settings"
            raise UsageError(
                f"the stopping rule {name} has no setting {key!r}{hint(key, RULES[name])}; it takes {known}"
            )
        is_good, words = _CHECKS[key]
        if not is_good(value):
            raise UsageError(f"the setting {key} of the stopping rule {name} is {value!r}; write {words}")
    low = settings.get("min_resource", 1 if "min_resource" in RULES[name] else 0)
    high = settings.get("max_resource", inf)
    if not low < high:
        raise UsageError(
            f"the stopping rule {name} has a min_resource of {low:g} and a max_resource of {high:g}; "
            "the first has to be the smaller one"
        )
    return _make(name, settings)


def _make(name: str, settings: dict[str, Any]) -> StoppingRule:
    match name:
        case "asha":
            from luthier.stopping.asha import Asha

            return Asha(**settings)
        case "hyperband":
            from luthier.stopping.hyperband import Hyperband

            return Hyperband(**settings)
        case "median":
            from luthier.stopping.median import Median

            return Median(**settings)
        case "curve":
            from luthier.stopping.curve import CurveRule

            return CurveRule(**settings)
        case "patience":
            from luthier.stopping.patience import Patience

            return Patience(**settings)
        case "folds":
            from luthier.stopping.folds import Folds

            return Folds(**settings)
        case "none":
            from luthier.stopping.never import Never

            return Never()
        case _:
            from luthier.stopping.auto import Auto

            return Auto(**settings)
