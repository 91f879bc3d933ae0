"""Finds the hyperparameters: the most probable ones given the observations.

Minimises minus the log marginal likelihood minus the log prior, with the analytic gradient, by L-BFGS-B. With
W = α αᵀ - K⁻¹ the likelihood's gradient is ½ tr(W ∂K/∂θ), which `Kernel.gradient` gives for all θ at once.

**Source** Rasmussen and Williams (2006), equation 5.9.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from luthier.search.gaussian.kernel import Kernel
from luthier.search.gaussian.posterior import factor
from luthier.search.gaussian.priors import Prior

__all__ = ["fitted", "objective"]

Array = NDArray[np.float64]

STEPS = 40
FLAT = 1e-2  # the gradient's size at which the climb ends, for each observation's worth of evidence


def objective(
    kernel: Kernel, prior: Prior, X: Array, y: Array, vector: Array, short: Array | None = None
) -> tuple[float, Array]:
    """Minus the log posterior of the hyperparameters, up to a constant, and its gradient.

    **Shapes** X (n, p), y (n,), vector (θ,), short (n,) shortfalls. **Cost** O(n³), about three times a Cholesky factorisation.
    """
    h = kernel.hyperparameters(vector)
    n = len(X)
    a = kernel.points(X, h, short)
    K, M = kernel.matrices(a, a, h)
    noise = float(np.exp(h.noise))
    noisy = K.copy()
    noisy[np.diag_indices(n)] += kernel.noise(h, short)
    L = factor(noisy)
    alpha, _ = lapack.dpotrs(L, y, lower=1)
    inverse, _ = lapack.dpotri(L, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    W = np.outer(alpha, alpha) - inverse
    penalty, slope = prior.penalty(vector)
    gradient = kernel.gradient(X, a, K, M, W, h)
    gradient[kernel.scales + len(kernel.levels) + 1] = 0.5 * noise * float(np.trace(W))
    if short is not None and h.partway is not None:
        gradient[-1] = 0.5 * float(np.exp(h.partway[2])) * float(np.diag(W) @ short**2)
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(L)).sum()) + 0.5 * n * float(np.log(2 * np.pi))
    return value + penalty, slope - gradient


def fitted(
    kernel: Kernel,
    prior: Prior,
    X: Array,
    y: Array,
    starts: Sequence[Array],
    steps: int = STEPS,
    short: Array | None = None,
) -> Array:
    """The most probable hyperparameters reached from any of the starts, as a vector. **Shapes** starts (θ,) each.

    **Holds** the best point visited is returned, also where a climb ends early.
    """
    from scipy.optimize import minimize

    best, lowest = starts[0], np.inf

    def watched(vector: Array) -> tuple[float, Array]:
        nonlocal best, lowest
        try:
            value, gradient = objective(kernel, prior, X, y, vector, short)
        except np.linalg.LinAlgError:
            return 1e25, np.zeros_like(vector)
        if value < lowest:
            best, lowest = vector.copy(), value
        return value, gradient

    bounds = list(zip(prior.low, prior.high, strict=True))
    for start in starts:
        minimize(
            watched,
            np.clip(start, prior.low, prior.high),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": steps, "gtol": FLAT * max(1.0, len(X)) ** 0.5, "maxcor": 10},
        )
    return best
