"""Reads metrics from a JSON object: a line of `$LUTHIER_METRICS`, a line of output, or the final `metrics.json`.

What is nested gets a path for a name; what spells no number is left out. It stands beside `lines.py`, whose expressions are
compiled only for programs that print.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from luthier.metrics.patterns import number

__all__ = ["STEP_NAMES", "Reading", "read_json", "readings_of"]

STEP_NAMES = ("global_step", "step", "iteration", "iter", "epoch", "round", "fold")
"""What a program calls its count, the finest first; the finest on a line is the step of its metrics."""


class Reading(NamedTuple):
    """One value found: `step` is None where nothing named it."""

    metric: str
    value: float
    step: float | None


def read_json(text: str) -> dict[str, Any] | None:
    """Returns the JSON object `text` is, flattened: `{"val": {"acc": 1}}` becomes `{"val/acc": 1}`.

    NaN and infinity are read as Python's json module writes them. None where it is no object.
    """
    try:
        found = json.loads(text)
        return _flat(found) if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return None


def readings_of(found: dict[str, Any]) -> list[Reading]:
    """Returns the numbers of a flat object, at the step it names; what spells no number is left out."""
    numbers = {name: value for name, said in found.items() if (value := number(said)) is not None}
    numbers.pop("", None)
    given = next((name for name in STEP_NAMES if name in numbers), None)
    step = None if given is None else numbers.pop(given)
    if step is not None and step - step != 0:
        step = None  # NaN or infinity count nothing
    return [Reading(metric, value, step) for metric, value in numbers.items()]


def _flat(found: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{before}{name}/"))
        else:
            flat[before + name] = value
    return flat
