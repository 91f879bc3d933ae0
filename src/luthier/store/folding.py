"""How one more point changes the summary of its metric. A rule every store shares."""

from __future__ import annotations

from math import isnan

from luthier.store.contract import SummaryRow
from luthier.trial import Point

__all__ = ["folded"]


def folded(row: SummaryRow | None, point: Point) -> SummaryRow:
    """A summary with one more value. NaN counts as reported, and nowhere else."""
    value, number = point.value, not isnan(point.value)
    if row is None:
        known = value if number else None
        return SummaryRow(
            point.metric, 1, value, point.step, known, known, value if number else 0.0, int(number)
        )
    newest = point.step >= row.last_step
    low, high = row.minimum, row.maximum
    if number:
        low = value if low is None else min(low, value)
        high = value if high is None else max(high, value)
    return SummaryRow(
        point.metric,
        row.points + 1,
        value if newest else row.last,
        point.step if newest else row.last_step,
        low,
        high,
        row.total + value if number else row.total,
        row.numbers + number,
    )
