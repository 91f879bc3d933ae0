"""A trust region: in many dimensions the search stays near the best configuration while that pays.

The box around the best result grows after successes in a row and shrinks after failures in a row; when it has become
tiny, the next one begins at full size elsewhere. Sides are in proportion to the lengthscales, with the same volume. It
is read from the results in the order of their trials, so there is no state to keep.

**Source** Eriksson et al. (2019), Scalable global optimization via local Bayesian optimization (TuRBO-1), with their
constants; one region, which begins only where the search of the whole box has come to a stop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier.search.gaussian.maximize import Region

__all__ = ["side", "trust_region"]

Array = NDArray[np.float64]

MANY = 15  # dimensions from which on it is used
WHOLE, LARGEST, SMALLEST = 0.8, 1.6, 0.5**7
SUCCESSES = 3
RISE = 1e-3  # of the spread of the losses: less is no success


def side(losses: Array, d: int, workers: int = 1) -> tuple[float | None, int]:
    """The side of the region after these losses, in the order they came, and the first loss that counts for its centre;
    None where the whole box is searched.

    There is none in fewer dimensions than MANY, or with fewer results than twice the dimensions. It begins after
    max(10, d) results without a success. Once it has vanished, only what the search of the whole box finds from then on
    decides where the next one stands.
    """
    if d < MANY or len(losses) < 2 * d:
        return None, 0
    patience = max(4, -(-d // workers))
    begin = max(10, d)
    length: float | None = None
    since = 0
    best, wins, losts = np.inf, 0, 0
    spread = float(np.std(losses))
    for place, loss in enumerate(losses.tolist()):
        if loss < best - RISE * spread:
            best, wins, losts = loss, wins + 1, 0
        else:
            best, wins, losts = min(best, loss), 0, losts + 1
        if length is None:
            if losts >= begin:
                length, losts = WHOLE, 0
        elif wins >= SUCCESSES:
            length, wins = min(2 * length, LARGEST), 0
        elif losts >= patience:
            length, losts = length / 2, 0
            if length < SMALLEST:
                length, since, best, losts = None, place + 1, np.inf, 0
    return (length, since) if since < len(losses) else (None, since)


def trust_region(centre: Array, lengths: Array, length: float) -> Region:
    """The box of this side around a row. **Shapes** centre (d,) with NaN where inactive, lengths (d,)."""
    weights = lengths / np.exp(np.log(lengths).mean())
    reach = np.clip(weights, 0.2, 5.0) * length / 2
    middle = np.where(np.isnan(centre), 0.5, centre)
    whole = np.isnan(centre)
    return Region(
        np.where(whole, 0.0, np.clip(middle - reach, 0.0, 1.0)),
        np.where(whole, 1.0, np.clip(middle + reach, 0.0, 1.0)),
    )
