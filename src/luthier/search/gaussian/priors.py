"""What is believed about the hyperparameters before any result.

Every hyperparameter is a logarithm t with a normal prior, taken as a density over t itself. The lengthscales' centre
grows with the root of the dimension, so that the complexity of the functions believed in does not grow with it.

**Source** Hvarfner et al. (2024), Vanilla Bayesian optimization performs great in high dimensions. Their log-normal
density over l has its mode far below its median; here mode and median of t are one, and the centre was chosen by
`bench/quality`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.search.gaussian.kernel import Kernel

__all__ = ["Prior", "prior_for"]

Array = NDArray[np.float64]

LENGTH = 0.17  # of the centre of a lengthscale, times the root of the dimension
LENGTH_SPREAD = 1.0
DIFFERENCE = 1.0  # of the centre of h, the sum over all codes
DIFFERENCE_SPREAD = 1.0
SIGNAL_SPREAD = 0.7
NOISE = (-6.0, 3.0)
FLOOR = 1e-7
WARP_SPREAD = 0.5
DISCREPANCY, POWER, PARTWAY_NOISE = (-2.0, 1.5), (0.0, 0.5), (-5.0, 2.0)


@dataclass(frozen=True, eq=False)
class Prior:
    """Independent normals over a vector of hyperparameters, and the box they are kept in. **Shapes** each (θ,)."""

    centre: Array
    spread: Array
    low: Array
    high: Array

    def penalty(self, vector: Array) -> tuple[float, Array]:
        """Minus the log density, up to a constant, and its gradient."""
        z = (vector - self.centre) / self.spread
        return 0.5 * float(z @ z), z / self.spread


def prior_for(kernel: Kernel, *, warp: bool = False, length: float | None = None) -> Prior:
    """The prior of a kernel's hyperparameters for standardised observations."""
    scales, codes = kernel.scales, len(kernel.levels)
    d = max(1, scales + codes)
    blocks = [
        (scales, np.log((length or LENGTH) * d**0.5), LENGTH_SPREAD, np.log(0.02), np.log(1e3)),
        (codes, np.log(DIFFERENCE / max(codes, 1) ** 0.5), DIFFERENCE_SPREAD, np.log(1e-3), np.log(20.0)),
        (1, 0.0, SIGNAL_SPREAD, np.log(0.05), np.log(50.0)),
        (1, *NOISE, np.log(FLOOR), np.log(2.0)),
        (2 * scales if warp else 0, 0.0, WARP_SPREAD, -2.0, 2.0),
    ]
    if kernel.is_partway:
        blocks += [
            (1, *DISCREPANCY, np.log(1e-3), np.log(1e3)),
            (1, *POWER, np.log(0.2), np.log(4.0)),
            (1, *PARTWAY_NOISE, np.log(FLOOR), np.log(10.0)),
        ]
    columns = [np.concatenate([np.full(b[0], b[i]) for b in blocks]) for i in range(1, 5)]
    return Prior(*columns)
