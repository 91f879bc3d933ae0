"""The user's own regular expressions for metrics, as `--metric-pattern` takes them.

Three forms: groups called `name`, `value` and perhaps `step`; one named group for each metric; or
`NAME=REGEX` whose one group is the value. A pattern that could never find anything is refused here, before
any trial runs. `lines.py` applies patterns before its own rules; the command line knows nothing but the text.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from luthier.errors import UsageError

__all__ = ["MetricPattern", "number", "read_pattern"]

_SHORT = re.compile(r"([^\W\d][\w./@-]*)=(.+)", re.DOTALL)
_VALUE_FIRST = re.compile(r"\((?!\?)|\(\?P<value>")
_STEP_GROUPS = ("step", "epoch")
LINE_LENGTH = 8192
"""How much of a line a user's expression is shown: it may be one that takes quadratic time."""


class MetricPattern(NamedTuple):
    """One expression and what its groups mean.

    `metrics` are the names known beforehand; empty where the line itself names them. `short` is the name of
    the metric whose value is group 1.
    """

    text: str
    regex: re.Pattern[str]
    metrics: tuple[str, ...]
    short: str | None = None

    def find(self, line: str) -> Iterator[tuple[str, float, float | None]]:
        """Gives (metric, value, step) for every match in `line` whose value is a number."""
        for match in self.regex.finditer(line[:LINE_LENGTH]):
            groups = match.groupdict()
            step = next((s for g in _STEP_GROUPS if (s := number(groups.get(g))) is not None), None)
            if step is not None and step - step != 0:
                step = None
            for metric, text in self._texts(match, groups):
                value = number(text)
                if metric and value is not None:
                    yield metric, value, step

    def _texts(
        self, match: re.Match[str], groups: dict[str, str | None]
    ) -> list[tuple[str | None, str | None]]:
        if self.short is not None:
            return [(self.short, groups["value"] if "value" in groups else match[1])]
        if "value" in groups:
            return [(groups["name"], groups["value"])]
        return [(metric, groups[metric]) for metric in self.metrics]


def read_pattern(text: str) -> MetricPattern:
    """Reads a pattern as the user wrote it.

    `NAME=REGEX` is the short form. Where REGEX begins with its group, as in `loss=([0-9.]+)`, the text before
    it is what the line says too, so the whole is the expression: on its own the group would take any number.

    **Raises** UsageError for what is no regular expression, or has no group that names a metric.
    """
    short = _SHORT.fullmatch(text)
    name = short[1] if short else None
    expression = short[2] if short and not _VALUE_FIRST.match(short[2]) else text
    try:
        with warnings.catch_warnings():  # of what a later Python may read differently
            warnings.simplefilter("ignore")
            regex = re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"--metric-pattern {text!r} is not a regular expression: {error}; "
            r"an example that works: 'val_acc: (?P<val_acc>[0-9.]+)'"
        ) from None
    named = [group for group in regex.groupindex if group not in _STEP_GROUPS]
    if named == ["value"] or (not named and regex.groups - len(regex.groupindex) >= 1):
        if name is not None:
            return _short(text, name, regex)
    elif "value" in named and "name" in named:
        return MetricPattern(text, regex, ())
    elif named and "value" not in named and "name" not in named:
        return MetricPattern(text, regex, tuple(named))
    raise UsageError(
        f"--metric-pattern {text!r} has no group that says which metric it finds; name one, as in "
        "'val_acc: (?P<val_acc>[0-9.]+)', or write NAME=REGEX with one group, as in 'acc=top-1 is ([0-9.]+)'"
    )


def _short(text: str, name: str, regex: re.Pattern[str]) -> MetricPattern:
    unnamed = regex.groups - len(regex.groupindex)
    if "value" not in regex.groupindex and unnamed != 1:
        raise UsageError(
            f"--metric-pattern {text!r} has {unnamed} groups and one must be the value of {name}; "
            "write the others as (?:…)"
        )
    if "value" not in regex.groupindex and 1 in regex.groupindex.values():
        raise UsageError(f"--metric-pattern {text!r}: call the group of {name}'s value (?P<value>…)")
    return MetricPattern(text, regex, (name,), name)


def number(given: Any) -> float | None:
    """The number that `given` is or spells (`0.3`, ` 91.3% `, `nan`); None for all else."""
    if isinstance(given, str):
        given = given.strip().removesuffix("%").strip()
        if "_" in given:
            return None
    elif not isinstance(given, (int, float)):
        return None
    try:
        return float(given)
    except (ValueError, OverflowError):
        return None
