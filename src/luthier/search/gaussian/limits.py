"""The probability that a trial meets the constraints, learned from how far each trial was on either side of them.

Each constraint has a process of its own, fitted to the trials' excesses: by how much the constraint was passed, zero or
less where it is met. Excesses may differ by powers of ten, so their logarithm is taken on both sides of zero. The
constraints are met together with the product of their probabilities.

**Source** Gardner et al. (2014), Bayesian optimization with inequality constraints; the two-sided logarithm: Eriksson and
Poloczek (2021), Scalable constrained Bayesian optimization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from luthier.search.gaussian.acquisition import Chance
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.fit import fitted
from luthier.search.gaussian.kernel import Kernel
from luthier.search.gaussian.normal import log_ndtr_slope
from luthier.search.gaussian.outputs import cleaned
from luthier.search.gaussian.posterior import Posterior, condition
from luthier.search.gaussian.priors import prior_for

__all__ = ["Fit", "Limit", "Together", "limit_of"]

Array = NDArray[np.float64]
Fit = tuple[int, list[float]]

AGAIN = 1.04
SOFT = 1e-6
"""The variance added to the process's own, as a share of its signal."""


@dataclass(frozen=True, eq=False)
class Limit:
    """The probability that one constraint is met: that a process is below `border`."""

    posterior: Posterior
    border: float

    def log_probability(self, X: Array) -> Array:
        """**Shapes** (q, p) to (q,)."""
        mean, variance = self.posterior.predict(X)
        width = np.sqrt(variance + SOFT * self.posterior.signal)
        return np.asarray(log_ndtr((self.border - mean[:, 0]) / width))

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """The same and its gradient by the places on scales. **Shapes** (q,), (q, scales)."""
        mean, variance, dmean, dvariance = self.posterior.gradients(X)
        width = np.sqrt(variance + SOFT * self.posterior.signal)
        t = (self.border - mean[:, 0]) / width
        dt = -dmean[:, 0] / width[:, None] - (0.5 * t / width**2)[:, None] * dvariance
        return np.asarray(log_ndtr(t)), log_ndtr_slope(t)[:, None] * dt


@dataclass(frozen=True, eq=False)
class Together:
    """The probability that several things all happen, each on its own."""

    parts: tuple[Chance, ...]

    @classmethod
    def of(cls, parts: Sequence[Chance | None]) -> Chance | None:
        """None where there is nothing that could fail."""
        real = tuple(part for part in parts if part is not None)
        return real[0] if len(real) == 1 else cls(real) if real else None

    def log_probability(self, X: Array) -> Array:
        """**Shapes** (q, p) to (q,)."""
        return np.asarray(np.sum([part.log_probability(X) for part in self.parts], axis=0))

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """The same and its gradient by the places on scales. **Shapes** (q,), (q, scales)."""
        values, slopes = zip(*(part.gradient(X) for part in self.parts), strict=True)
        return np.sum(values, axis=0), np.sum(slopes, axis=0)


def limit_of(
    features: Features, rows: Array, excesses: Array, known: Fit | None
) -> tuple[Limit | None, Fit | None]:
    """What the excesses teach about one constraint, None where it was never passed; and the fit for the record, if one was
    made. **Shapes** rows (n, d), excesses (n,)."""
    if not (excesses > 0).any() and not np.isnan(excesses).any():
        return None, None
    finite = cleaned(excesses)
    size = np.abs(finite)
    logs = np.sign(finite) * np.log1p(size / (float(np.median(size)) or float(size.max()) or 1.0))
    middle, spread = float(logs.mean()), float(logs.std()) or 1.0
    y = (logs - middle) / spread
    kernel = Kernel(features.scales, features.levels)
    prior = prior_for(kernel)
    X = features.of(rows)
    is_known = known is not None and len(known[1]) == len(prior.centre)
    if known is not None and is_known and len(y) < AGAIN * known[0]:
        vector, made = np.array(known[1]), None
    else:
        start = np.array(known[1]) if known is not None and is_known else prior.centre
        vector = fitted(kernel, prior, X, y, [start])
        made = (len(y), vector.tolist())
    return Limit(condition(kernel, kernel.hyperparameters(vector), X, y), -middle / spread), made
