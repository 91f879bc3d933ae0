"""How promising a point is, as a logarithm, with its gradient: expected improvement, or an upper confidence bound.

Running trials are imagined (`Posterior.imagined`): in each of W worlds they have ended with results drawn jointly from
what is believed, and

    log EI(x) = log 1/W Σ_w σ(x) h(u_w),    u_w = (f*_w - μ_w(x)) / σ(x)

so a point near a running one promises little, in whichever way that one ends. The variance is the same in all worlds.
A probability of success, learned from configurations that failed, multiplies the improvement (its logarithm is added).

**Source** Ament et al. (2023) for the logarithm; Snoek et al. (2012), Practical Bayesian optimization, for the worlds;
Srinivas et al. (2010) for the bound; Gelbart et al. (2014) for the probability of success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from luthier.search.gaussian.normal import log_h, log_h_slope
from luthier.search.gaussian.posterior import Posterior

__all__ = ["Acquisition", "Chance", "Rule"]

Array = NDArray[np.float64]
Rule = Literal["ei", "ucb"]


class Chance(Protocol):
    """The probability that a trial counts at all: that it succeeds, that it meets the constraints."""

    def log_probability(self, X: Array) -> Array:
        """**Shapes** (q, p) to (q,)."""

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """The same and its gradient by the places on scales. **Shapes** (q,), (q, scales)."""


@dataclass(frozen=True, eq=False)
class Acquisition:
    """What is to be made large. `best` (worlds,) is the loss to improve on in each world; `kappa` weighs the deviation in
    the bound. Losses: less is better."""

    posterior: Posterior
    best: Array
    rule: Rule = "ei"
    kappa: float = 2.0
    success: Chance | None = None

    @property
    def lengths(self) -> Array:
        """The lengthscales, as logarithms. **Shapes** (scales,)."""
        return self.posterior.h.lengths

    def values(self, X: Array) -> Array:
        """**Shapes** (q, p) to (q,). **Cost** O(q n²)."""
        mean, variance = self.posterior.predict(X)
        deviation = np.sqrt(variance)
        if self.rule == "ucb":
            value = self.kappa * deviation - mean.mean(axis=1)
        else:
            value = _mixed(log_h((self.best - mean) / deviation[:, None])) + np.log(deviation)
        return np.asarray(value if self.success is None else value + self.success.log_probability(X))

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """The values and their gradient by the places on scales. **Shapes** (q,), (q, scales)."""
        mean, variance, dmean, dvariance = self.posterior.gradients(X)
        deviation = np.sqrt(variance)
        ddeviation = dvariance / (2.0 * deviation[:, None])
        if self.rule == "ucb":
            value, slope = (
                self.kappa * deviation - mean.mean(axis=1),
                self.kappa * ddeviation - dmean.mean(axis=1),
            )
        else:
            u = (self.best - mean) / deviation[:, None]
            logs = log_h(u)
            value = _mixed(logs) + np.log(deviation)
            share = np.exp(logs - logs.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            weight = share * log_h_slope(u)
            # du = -(dμ + u dσ) / σ in every world
            slope = -np.einsum("qw,qwk->qk", weight, dmean) / deviation[:, None]
            slope += ((1.0 - np.einsum("qw,qw->q", weight, u)) / deviation)[:, None] * ddeviation
        if self.success is not None:
            log_p, dlog_p = self.success.gradient(X)
            value, slope = value + log_p, slope + dlog_p
        return value, slope


def _mixed(logs: Array) -> Array:
    """log of the mean over worlds. **Shapes** (q, worlds) to (q,)."""
    top = logs.max(axis=1)
    if logs.shape[1] == 1:
        return np.asarray(top)
    return np.asarray(top + np.log(np.exp(logs - top[:, None]).mean(axis=1)))
