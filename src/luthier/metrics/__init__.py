"""What a trial reports: writing it down inside the trial, and reading it outside.

`report` is the half that runs inside a training script and loads the standard library only; that is why this
file imports nothing either and finds its names on first use. The other half reads: `lines` (one line of
output), `follow` (a growing file), `collect` (all of a trial's files), `aggregate` (points into one number),
`explain` (sentences about what is missing) and `tail`. Nobody here knows of stores, processes or loops:
`drive/` brings them together.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from luthier.metrics.aggregate import Summary, matching_name, objective_value, summarize
    from luthier.metrics.collect import Collector
    from luthier.metrics.explain import direction_hint, is_made_small, missing_reason
    from luthier.metrics.patterns import MetricPattern, read_pattern
    from luthier.metrics.tail import tail_of

__all__ = [
    "Collector",
    "MetricPattern",
    "Summary",
    "direction_hint",
    "is_made_small",
    "matching_name",
    "missing_reason",
    "objective_value",
    "read_pattern",
    "summarize",
    "tail_of",
]

_HOMES = {
    "Collector": "collect",
    "MetricPattern": "patterns",
    "Summary": "aggregate",
    "direction_hint": "explain",
    "is_made_small": "explain",
    "matching_name": "aggregate",
    "missing_reason": "explain",
    "objective_value": "aggregate",
    "read_pattern": "patterns",
    "summarize": "aggregate",
    "tail_of": "tail",
}


def __getattr__(name: str) -> object:
    """Finds a public name where it lives and keeps it here."""
    if name not in _HOMES:
        raise AttributeError(f"module 'luthier.metrics' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"luthier.metrics.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
