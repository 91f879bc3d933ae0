"""How promising a normal prediction is, where more is better: expected improvement, its logarithm, and a bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.search.gaussian.normal import log_h

__all__ = ["UCB", "EI_empirical", "EI_gaussian", "EI_gaussian_empirical", "logEI_gaussian"]


def EI_empirical(samples: Any, thresh: float) -> Any:  # noqa: N802  hyperopt's names, all of them
    """The mean improvement of samples over a threshold."""
    return np.maximum(np.asarray(samples) - thresh, 0).mean()


def EI_gaussian_empirical(mean: float, var: float, thresh: float, rng: Any, N: int) -> Any:  # noqa: N802
    """Expected improvement over a threshold, by `N` draws."""
    return EI_empirical(mean + np.sqrt(var) * rng.standard_normal(N), thresh)


def EI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """Expected improvement over a threshold."""
    return np.exp(logEI_gaussian(mean, var, thresh))


def logEI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """The logarithm of the expected improvement; finite however far the threshold is."""
    deviation = np.sqrt(np.asarray(var, dtype=np.float64))
    score = (np.asarray(mean) - thresh) / deviation
    found = np.log(deviation) + log_h(np.atleast_1d(score)).reshape(score.shape)
    return found[()]


def UCB(mean: Any, var: Any, zscore: Any) -> Any:  # noqa: N802
    """So many deviations above the mean."""
    return mean + np.sqrt(var) * zscore
