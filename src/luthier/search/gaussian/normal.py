"""The logarithm of h(u) = φ(u) + u Φ(u), the normal's partial expectation, and its slope, for any u.

    u > -1            as it stands
    -1e5 < u ≤ -1     -u²/2 - log √2π + log1p(u √(π/2) erfcx(-u/√2)), which doesn't underflow
    below             -u²/2 - log √2π - 2 log|u|, plus its first corrections

The slope d log h/du is Φ(u)/h(u). As exp(log Φ - log h) it loses digits with u²; below -100 its asymptotic series
-u - 2/u + 10/u³ - … is used.

**Source** Ament et al. (2023), Unexpected improvements to expected improvement for Bayesian optimization. Where their
factor log1p(…) cancels, for u < -25, the series of Mills' ratio stands in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

__all__ = ["log_h", "log_h_slope", "log_ndtr_slope"]

Array = NDArray[np.float64]

HALF_LOG_2PI = 0.9189385332046727
ROOT_HALF_PI = 1.2533141373155003
ROOT_2 = 1.4142135623730951
ROOT_2PI = 2.5066282746310002
NEAR, FAR = -1.0, -25.0
# h(u) = φ(u)/u² (1 - 3/u² + 15/u⁴ - 105/u⁶ + …) and Φ(u) = φ(u)/|u| (1 - 1/u² + 3/u⁴ - …): double factorials.
H_SERIES = (1.0, -3.0, 15.0, -105.0, 945.0, -10395.0, 135135.0)
CDF_SERIES = (1.0, -1.0, 3.0, -15.0, 105.0, -945.0, 10395.0)


def _series(terms: tuple[float, ...], v: Array) -> Array:
    total = np.zeros_like(v)
    for term in reversed(terms):
        total = total * v + term
    return total


def log_h(u: Array) -> Array:
    """log(φ(u) + u Φ(u)). **Shapes** as given. Exact to 1e-10 of its value for u in [-1e6, 30]."""
    out = np.empty_like(u)
    near = u > NEAR
    far = u <= FAR
    middle = ~near & ~far
    x = u[near]
    out[near] = np.log(np.exp(-0.5 * x * x) / ROOT_2PI + x * ndtr(x))
    x = u[middle]
    out[middle] = -0.5 * x * x - HALF_LOG_2PI + np.log1p(x * ROOT_HALF_PI * erfcx(-x / ROOT_2))
    x = u[far]
    v = 1.0 / (x * x)
    out[far] = -0.5 * x * x - HALF_LOG_2PI + np.log(v) + np.log(_series(H_SERIES, v))
    return out


def log_h_slope(u: Array) -> Array:
    """d log h/du = Φ(u)/h(u). **Shapes** as given. Exact to 1e-8 of its value for u in [-1e6, 30]."""
    out = np.empty_like(u)
    near = u > NEAR
    far = u <= FAR
    middle = ~near & ~far
    x = u[near]
    cdf = ndtr(x)
    out[near] = cdf / (np.exp(-0.5 * x * x) / ROOT_2PI + x * cdf)
    x = u[middle]
    scaled = ROOT_HALF_PI * erfcx(-x / ROOT_2)  # Φ/φ
    out[middle] = scaled / (1.0 + x * scaled)
    x = u[far]
    v = 1.0 / (x * x)
    out[far] = -x * _series(CDF_SERIES, v) / _series(H_SERIES, v)
    return out


def log_ndtr_slope(u: Array) -> Array:
    """d log Φ/du = φ(u)/Φ(u). **Shapes** as given."""
    with np.errstate(under="ignore"):
        near = np.exp(-0.5 * u * u) / ROOT_2PI / np.maximum(ndtr(u), 1e-300)
        far = 1.0 / (ROOT_HALF_PI * erfcx(-np.minimum(u, 0.0) / ROOT_2))
    return np.asarray(np.where(u < -5.0, far, near))
