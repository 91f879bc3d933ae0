"""The trials that run now, as the live panel shows them: how long, the newest value of the objective, and its course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from luthier import metrics
from luthier.cli.output import duration, number, pairs, short
from luthier.view.sparkline import Bars, Growing, sparkline

if TYPE_CHECKING:
    from luthier.store import Claim
    from luthier.trial import Point

__all__ = ["RunningTrial"]

_NARROW, _WIDE = 8, 20
_LEAST = 60
"""In fewer columns there is no room for a curve."""


class RunningTrial:
    """One line of the panel. `since` is when it began, on the clock that `line` is told the time of."""

    def __init__(self, claim: Claim, since: float) -> None:
        self.claim = claim
        self._since = since
        self._last: Point | None = None
        self._course = Growing()

    def reported(self, points: Sequence[Point], objective: str | None) -> None:
        """Takes the points of what is watched for; of whatever there is, while that has not been reported."""
        name = metrics.matching_name(objective, {p.metric for p in points}) if objective else None
        watched = self._last.metric if self._last else next((p.metric for p in points), None)
        if name not in (None, watched):
            self._course = Growing()
        for point in points:
            if point.metric == (name or watched):
                self._course.add(point.value)
                self._last = point

    def cells(self, now: float, width: int, bars: Bars) -> tuple[str, ...]:
        """`  144.7`, `12s`, `loss 0.31 at 4`, `▇▅▃▂`, `rate=0.1`; the curve is empty where there is no room."""
        last, claim, curve = self._last, self.claim, ""
        reported = "nothing reported yet"
        if last is not None:
            reported = f"{last.metric} {number(last.value)} at {number(last.step)}"
            values = self._course.values()
            if width >= _LEAST and len(values) > 1:
                curve = sparkline(values, min(max(width // 6, _NARROW), _WIDE), bars)
        configuration = claim.configuration
        said = pairs(short(configuration.values(), configuration.texts()))
        name = f"  {claim.id.experiment}.{claim.id.trial}"
        return name, duration(now - self._since), reported, curve, said
