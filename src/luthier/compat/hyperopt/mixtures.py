"""Mixtures of normal and lognormal distributions, cut off at bounds and rounded if wanted: draws and log-densities.

hyperopt's TPE is made of these, and programs that build on it take them from there. Luthier's TPE has its own.

    draw      a component by its weight within the bounds, then the quantile of an even number within them
    rounded   a value stands for all that rounds to it: its density is the mass between x - q/2 and x + q/2

**Source** J. Bergstra et al. (2011), Algorithms for hyper-parameter optimization, section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr, ndtri

__all__ = ["GMM1", "LGMM1", "GMM1_lpdf", "LGMM1_lpdf", "adaptive_parzen_normal_orig"]

Array = NDArray[np.float64]

HALF_LOG_2PI = 0.9189385332046727
NARROWEST = 100.0
"""How many times narrower than the prior a kernel may be, where there are that many."""


def GMM1(  # noqa: N802  hyperopt's names, all of them
    weights: Any,
    mus: Any,
    sigmas: Any,
    low: Any = None,
    high: Any = None,
    q: Any = None,
    rng: Any = None,
    size: Any = (),
) -> Any:
    """Draws from a mixture of normals between `low` and `high`, as multiples of q if given."""
    return _rounded(_draws(weights, mus, sigmas, low, high, rng, size), q)


def LGMM1(  # noqa: N802
    weights: Any,
    mus: Any,
    sigmas: Any,
    low: Any = None,
    high: Any = None,
    q: Any = None,
    rng: Any = None,
    size: Any = (),
) -> Any:
    """Draws whose logarithm is from a mixture of normals; the bounds are logarithms as well."""
    return _rounded(np.exp(_draws(weights, mus, sigmas, low, high, rng, size)), q)


def GMM1_lpdf(  # noqa: N802
    samples: Any, weights: Any, mus: Any, sigmas: Any, low: Any = None, high: Any = None, q: Any = None
) -> Any:
    """The log-density of `GMM1` at samples of any shape; with q the log-probability."""
    x = np.asarray(samples, dtype=np.float64)
    if q is None:
        return _log_density(x, weights, mus, sigmas, low, high)
    return _log_mass(x - q / 2, x + q / 2, weights, mus, sigmas, low, high)


def LGMM1_lpdf(  # noqa: N802
    samples: Any, weights: Any, mus: Any, sigmas: Any, low: Any = None, high: Any = None, q: Any = None
) -> Any:
    """The log-density of `LGMM1` at samples of any shape; with q the log-probability."""
    x = np.asarray(samples, dtype=np.float64)
    with np.errstate(divide="ignore"):
        if q is None:
            return _log_density(np.log(x), weights, mus, sigmas, low, high) - np.log(x)
        below, above = np.log(np.maximum(x - q / 2, 0)), np.log(np.maximum(x + q / 2, 0))
    return _log_mass(below, above, weights, mus, sigmas, low, high)


def adaptive_parzen_normal_orig(mus: Any, prior_weight: float, prior_mu: float, prior_sigma: float) -> Any:
    """The prior and one kernel for each observation, as weights, means and deviations, the prior first.

    A kernel is as wide as the way to the farther of its two neighbours, within what the prior allows.
    """
    means = np.concatenate([[prior_mu], np.asarray(mus, dtype=np.float64)])
    order = np.argsort(means, kind="stable")
    ways = np.diff(means[order], prepend=means[order[0]], append=means[order[-1]])
    deviations = np.empty_like(means)
    deviations[order] = np.maximum(ways[:-1], ways[1:])
    least = prior_sigma / min(NARROWEST, 1.0 + len(means))
    deviations = np.clip(deviations, least, prior_sigma)
    deviations[0] = prior_sigma
    weights = np.ones_like(means)
    weights[0] = prior_weight
    return weights / weights.sum(), means, deviations


def _mass(z_low: Array, z_high: Array) -> Array:
    """The standard normal's probability between two numbers, exact in both tails."""
    is_upper = z_low > 0
    mass: Array = np.where(is_upper, ndtr(-z_low) - ndtr(-z_high), ndtr(z_high) - ndtr(z_low))
    return np.maximum(mass, 0.0)


def _within(weights: Any, mus: Any, sigmas: Any, low: Any, high: Any) -> tuple[Array, Array, Array, Array]:
    """Weights, means, deviations and the weight of each component between the bounds. **Shapes** (k,) each."""
    w, m, s = (np.asarray(each, dtype=np.float64) for each in (weights, mus, sigmas))
    z_low, z_high = ((-np.inf if low is None else low) - m) / s, ((np.inf if high is None else high) - m) / s
    return w, m, s, w * _mass(z_low, z_high)


def _draws(weights: Any, mus: Any, sigmas: Any, low: Any, high: Any, rng: Any, size: Any) -> Any:
    generator = np.random.default_rng(rng)
    _, m, s, inside = _within(weights, mus, sigmas, low, high)
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    chosen = generator.choice(len(m), size=shape, p=inside / inside.sum())
    m, s = m[chosen], s[chosen]
    first = np.zeros(shape) if low is None else ndtr((low - m) / s)
    last = np.ones(shape) if high is None else ndtr((high - m) / s)
    draws = m + s * ndtri(first + (last - first) * generator.uniform(size=shape))
    return np.clip(draws, low, high) if low is not None or high is not None else draws


def _rounded(draws: Any, q: Any) -> Any:
    return draws if q is None else np.round(draws / q) * q


def _log_density(x: Array, weights: Any, mus: Any, sigmas: Any, low: Any, high: Any) -> Any:
    w, m, s, inside = _within(weights, mus, sigmas, low, high)
    z = (x[..., None] - m) / s
    return logsumexp(-0.5 * z * z - np.log(s) - HALF_LOG_2PI, b=w, axis=-1) - np.log(inside.sum())


def _log_mass(below: Array, above: Array, weights: Any, mus: Any, sigmas: Any, low: Any, high: Any) -> Any:
    w, m, s, inside = _within(weights, mus, sigmas, low, high)
    first = below if low is None else np.maximum(below, low)
    last = above if high is None else np.minimum(above, high)
    mass = (w * _mass((first[..., None] - m) / s, (np.maximum(first, last)[..., None] - m) / s)).sum(axis=-1)
    with np.errstate(divide="ignore"):
        return np.log(mass) - np.log(inside.sum())
