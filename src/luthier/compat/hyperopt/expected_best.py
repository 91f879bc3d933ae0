"""The true loss to expect of the trial that looks best, where losses are noisy."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["expected_true_loss"]

DRAWS = 1000
DEVIATIONS = 3


def expected_true_loss(rows: Sequence[tuple[float, float, float]]) -> float:
    """The mean true loss of (loss, variance, true loss) rows, each weighted by the probability that its loss is the
    smallest, were all measured again. Rows whose loss is far above the smallest are left out.

    **Raises** ValueError where there are no rows or a number is not finite.
    """
    import numpy as np

    table = np.array(sorted(rows), dtype=np.float64).reshape(-1, 3)
    if not len(table) or not np.isfinite(table).all():
        raise ValueError("Empty loss vector" if not len(table) else "a loss is not finite")
    loss, variance, true = table.T
    if not variance.any():
        return float(true[0])
    near = loss <= loss[0] + DEVIATIONS * np.sqrt(variance[0])
    generator = np.random.default_rng(0)
    again = loss[near] + np.sqrt(variance[near]) * generator.standard_normal((DRAWS, int(near.sum())))
    return float(true[near][again.argmin(axis=1)].mean())
