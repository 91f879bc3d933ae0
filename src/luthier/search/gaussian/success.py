"""The probability that a trial succeeds, learned from configurations that failed.

A process is fitted to +1 where trials succeeded and to -1 where their configuration made them fail. How sharp the border
is, and how much of it is mere chance, is chosen by the marginal likelihood among a few settings. Machines that vanished
and trials that were killed are not in the evidence: they teach nothing.

**Source** Rasmussen and Williams (2006), 6.5: least-squares classification; Gelbart et al. (2014), Bayesian optimization
with unknown constraints, for its place in the acquisition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from luthier.search.gaussian.evidence import Evidence
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.kernel import Kernel
from luthier.search.gaussian.normal import log_ndtr_slope
from luthier.search.gaussian.posterior import Posterior, condition
from luthier.search.gaussian.priors import prior_for

__all__ = ["Success", "success_of"]

Array = NDArray[np.float64]

SOFT = 0.1
"""The variance added to the process's own before Φ: how soft its boundary is where trials are dense."""

FEWER = 150
"""Successes, and failures, that are learned from: the newest."""
LENGTHS = (0.1, 0.3, 0.9)
NOISES = (0.02, 0.1, 0.5)
HOPE = 0.5
"""The least success a place is believed in where nothing was tried…"""
RARE = -0.5
"""…unless hardly anything succeeds."""
LEAST, MOST = 0.5, 0.99
"""The probability a proposal needs, while hardly any trial fails and while too many do."""
BEARABLE = 0.05
FORBIDDING = 1e6


@dataclass(frozen=True, eq=False)
class Success:
    """The probability that a point's trial succeeds: Φ of a process fitted to +1 where trials succeeded and -1 where
    their configuration made them fail. `bias` is the mean it returns to far from all trials.

    Below `least` a place is as good as forbidden: where a search has found the best the logarithm of what is left to gain
    falls without end, so no finite weight of the probability alone would keep it from the failures.

    **Source** Rasmussen and Williams (2006), 6.5: least-squares classification.
    """

    posterior: Posterior
    bias: float
    least: float = 0.0

    def _argument(self, mean: Array, variance: Array) -> tuple[Array, Array]:
        width = np.sqrt(SOFT + variance)
        return (mean + self.bias) / width, width

    def log_probability(self, X: Array) -> Array:
        """The log probability, far lower below `least`. **Shapes** (q, p) to (q,)."""
        mean, variance = self.posterior.predict(X)
        return self._barred(np.asarray(log_ndtr(self._argument(mean[:, 0], variance)[0])))[0]

    def _barred(self, logs: Array) -> tuple[Array, Array]:
        """Log probabilities with those below `least` far lower, and by how much steeper they fall there."""
        border = float(np.log(self.least)) if self.least > 0 else -np.inf
        below = logs < border
        return np.where(below, logs + FORBIDDING * (logs - border), logs), np.where(
            below, 1.0 + FORBIDDING, 1.0
        )

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """The same and its gradient by the places on scales. **Shapes** (q,), (q, scales)."""
        mean, variance, dmean, dvariance = self.posterior.gradients(X)
        t, width = self._argument(mean[:, 0], variance)
        dt = dmean[:, 0] / width[:, None] - (0.5 * t / width**2)[:, None] * dvariance
        logs, steep = self._barred(np.asarray(log_ndtr(t)))
        return logs, (steep * log_ndtr_slope(t))[:, None] * dt


def success_of(features: Features, evidence: Evidence) -> Success | None:
    """What the failures teach; None where there are none. The more of the last trials failed, the more certain
    success has to be."""
    if not len(evidence.failed):
        return None
    good, bad = evidence.rows[-FEWER:], evidence.failed[-FEWER:]
    X = features.of(np.vstack([good, bad]))
    labels = np.concatenate([np.ones(len(good)), -np.ones(len(bad))])
    mean = float(labels.mean())
    bias = max(mean, HOPE) if mean > RARE else mean
    kernel = Kernel(features.scales, features.levels)
    made = [
        condition(
            kernel,
            kernel.hyperparameters(prior_for(kernel, length=length).centre)._replace(
                signal=0.0, noise=float(np.log(noise))
            ),
            X,
            labels - bias,
        )
        for length in LENGTHS
        for noise in NOISES
    ]
    likely = max(made, key=lambda posterior: posterior.log_likelihood())
    return Success(likely, bias, LEAST + (MOST - LEAST) * min(1.0, evidence.trouble / BEARABLE))
