"""A person's own conditions for ending a trial, such as `val_loss > 5:3`, which any metric may be named in.

`METRIC OP VALUE[:MIN_INDEX]`: values from the step MIN_INDEX on count, and the first that fulfils it ends the trial.
`&&` joins parts that must all hold for the newest values of their metrics; of several conditions any one is enough. The
words and the errors are those of Spell's `--stop-condition`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt

from luthier.errors import UsageError
from luthier.stopping.rule import Decision
from luthier.trial import Point

__all__ = ["MOST", "Condition", "Conditions", "Part"]

MOST = 5
_OPERATORS = {"<=": le, ">=": ge, "<": lt, ">": gt}
_PART = re.compile(r"\s*(?P<metric>[^<>=&]*[^<>=&\s])\s*(?P<operator><=|>=|<|>)(?![<>=])(?P<rest>.*)")
_HOW = "write METRIC OP VALUE[:MIN_INDEX] in quotes, such as 'val_loss > 5:3', with <, >, <= or >= as OP"


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison: a metric with a number, from a step on."""

    metric: str
    operator: str
    bound: float
    from_step: int = 0

    def holds(self, point: Point) -> bool:
        """Whether a point fulfils it; NaN never does."""
        return point.step >= self.from_step and bool(_OPERATORS[self.operator](point.value, self.bound))


@dataclass(frozen=True, slots=True)
class Condition:
    """Parts that must all hold at once. `text` is how it was written."""

    text: str
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, text: str) -> Condition:
        """Reads `val_loss > 5:3` and `loss > 5 && accuracy < .2`. **Raises** UsageError for anything else."""
        return cls(text.strip(), tuple(_part(text, each) for each in text.split("&&")))


def _part(whole: str, text: str) -> Part:
    found = _PART.fullmatch(text)
    if not found or not found["rest"].strip():
        raise UsageError(f"Condition {whole!r} formatted incorrectly; {_HOW}")
    bound, colon, least = (each.strip() for each in found["rest"].partition(":"))
    try:
        value = float(bound)
    except ValueError:
        value = float("nan")
    if value != value:
        raise UsageError(f"Condition must be an integer or float, not {bound!r} as in {whole!r}; {_HOW}")
    try:
        from_step = int(least) if colon else 0
    except ValueError:
        raise UsageError(f"Minimum steps must be integer, not {least!r} as in {whole!r}; {_HOW}") from None
    return Part(found["metric"], found["operator"], value, from_step)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Up to five conditions, any of which ends a trial. It looks at single points, not at curves."""

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> Conditions:
        """Reads all of them. **Raises** UsageError for one that can't be read, and for a sixth."""
        if len(texts) > MOST:
            raise UsageError(
                f"Maximum of {MOST} stop_condition arguments allowed, these are {len(texts)}; "
                "join with && what has to hold together"
            )
        return cls(tuple(map(Condition.of, texts)))

    def __bool__(self) -> bool:
        return bool(self.conditions)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are looked at, each once."""
        return tuple(dict.fromkeys(part.metric for each in self.conditions for part in each.parts))

    def decide(self, point: Point, newest: Mapping[str, Point]) -> Decision | None:
        """Whether a trial's newest point ends it. `newest` has the last point of each of the trial's metrics, this one
        among them or not. To be asked after every point, in their order, so that none is missed."""
        for condition in self.conditions:
            seen = [_newest(part.metric, point, newest) for part in condition.parts]
            if not any(each is point for each in seen):
                continue
            if all(each and part.holds(each) for part, each in zip(condition.parts, seen, strict=True)):
                found = {each.metric: each for each in seen if each}
                values = " and ".join(
                    f"{p.metric} is {p.value:.6g} at step {p.step:g}" for p in found.values()
                )
                reason = f"{values}: the stop condition '{condition.text}' holds"
                return Decision(True, reason, "condition", point.step)
        return None

    def explain(self) -> str:
        """What they will do, in one line."""
        if not self.conditions:
            return "no stop conditions"
        return "a trial is stopped as soon as " + ", or ".join(each.text for each in self.conditions)


def _newest(metric: str, point: Point, newest: Mapping[str, Point]) -> Point | None:
    """The last point of a metric, which may be spelled with `keras/` before it or without."""
    plain = metric.removeprefix("keras/")
    if point.metric == metric:
        return point
    if metric in newest:
        return newest[metric]
    if point.metric.removeprefix("keras/") == plain:
        return point
    return newest.get(plain) or newest.get(f"keras/{plain}")
