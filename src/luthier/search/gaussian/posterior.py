"""A Gaussian process after its observations: mean, variance, gradients, leave-one-out, and imagined results.

With K the covariance of the observations including noise, L its Cholesky factor and α = K⁻¹ y,

    mean(x) = k(x)ᵀ α        variance(x) = k(x, x) - |L⁻¹ k(x)|²

L⁻¹ is used rather than K⁻¹, whose product k K⁻¹ k cancels catastrophically when the noise is small.

**Source** Rasmussen and Williams (2006), algorithm 2.1 and equations 2.25, 2.26, 5.10 to 5.12.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from luthier.search.gaussian.kernel import Hyperparameters, Kernel, Points

__all__ = ["Posterior", "condition", "factor"]

Array = NDArray[np.float64]

JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
TINY = 1e-12
EXACT = 1e-5  # of the signal: how exactly a function is known in a world where it is


def factor(K: Array) -> Array:
    """The lower Cholesky factor of K, with as little added to the diagonal as makes it one.

    **Raises** numpy.linalg.LinAlgError where nothing does, as for a matrix that holds NaN.
    """
    mean = float(np.mean(np.diag(K)))
    for jitter in JITTERS:
        L, info = lapack.dpotrf(K + jitter * mean * np.eye(len(K)) if jitter else K, lower=1, clean=1)
        if info == 0:
            return np.asarray(L)
    raise np.linalg.LinAlgError("the covariance of the observations is not positive definite")


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is believed once (X, y) are known.

    `X` (n, p) vectors, `Y` (n, m) one column of observations for each imagined world (one where nothing is imagined),
    `A` = K⁻¹ Y, `L` (n, n). `points` are X under the hyperparameters.
    """

    kernel: Kernel
    h: Hyperparameters
    X: Array
    Y: Array
    points: Points
    L: Array
    A: Array

    @cached_property
    def inverse(self) -> Array:
        """L⁻¹. **Shapes** (n, n), lower triangular."""
        inverse, _ = lapack.dtrtri(self.L, lower=1)
        return np.asarray(inverse)

    @property
    def signal(self) -> float:
        """k(x, x), the same for every x at the end of the way."""
        return float(np.exp(self.h.signal))

    @property
    def noise(self) -> float:
        """The variance of the noise."""
        return float(np.exp(self.h.noise))

    def means(self, X: Array) -> Array:
        """The means alone. **Shapes** (q, p) to (q, m). **Cost** O(q n)."""
        k, _ = self.kernel.matrices(self.kernel.points(X, self.h), self.points, self.h)
        return k @ self.A

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Means and variances of the function, without noise. **Shapes** (q, p) to (q, m) and (q,)."""
        k, _ = self.kernel.matrices(self.kernel.points(X, self.h), self.points, self.h)
        v = k @ self.inverse.T
        return k @ self.A, np.maximum(self.signal - np.einsum("ij,ij->i", v, v), TINY * self.signal)

    def gradients(self, X: Array) -> tuple[Array, Array, Array, Array]:
        """Means, variances, and their gradients by the places on scales.

        **Shapes** (q, p) to (q, m), (q,), (q, m, scales), (q, scales). **Cost** O(q n²).
        """
        a = self.kernel.points(X, self.h)
        k, M = self.kernel.matrices(a, self.points, self.h)
        v = k @ self.inverse.T
        variance = np.maximum(self.signal - np.einsum("ij,ij->i", v, v), TINY * self.signal)
        dvariance = -2.0 * self._slope(a, M * (v @ self.inverse))
        dmeans = np.stack([self._slope(a, M * weights) for weights in self.A.T], axis=1)
        return k @ self.A, variance, dmeans, dvariance

    def _slope(self, a: Points, T: Array) -> Array:
        """Σ_j T_ij ∂r²-part of k_ij by x_i: -(Z_i Σ_j T_ij - T_i Z) slopes_i. **Shapes** T (q, n) to (q, scales)."""
        return np.asarray((T @ self.points.Z - a.Z * T.sum(axis=1)[:, None]) * a.slopes)

    def joint(self, X: Array) -> tuple[Array, Array]:
        """Means and the whole covariance of the function. **Shapes** (q, p) to (q, m) and (q, q)."""
        a = self.kernel.points(X, self.h)
        k, _ = self.kernel.matrices(a, self.points, self.h)
        v = k @ self.inverse.T
        return k @ self.A, self.kernel.matrices(a, a, self.h)[0] - v @ v.T

    def leave_one_out(self) -> tuple[Array, Array]:
        """For each observation, mean and variance (with noise) that the others predict. **Shapes** (n,), (n,).

        **Source** equation 5.12: mean_i = y_i - [K⁻¹ y]_i / [K⁻¹]_ii, variance_i = 1 / [K⁻¹]_ii.
        """
        precision = np.einsum("ki,ki->i", self.inverse, self.inverse)
        return self.Y[:, 0] - self.A[:, 0] / precision, 1.0 / precision

    def log_likelihood(self) -> float:
        """The log marginal likelihood of the observations (equation 2.30)."""
        n = len(self.L)
        fit = float(self.Y[:, 0] @ self.A[:, 0])
        return -0.5 * fit - float(np.log(np.diag(self.L)).sum()) - 0.5 * n * float(np.log(2 * np.pi))

    def imagined(self, X: Array, normals: Array) -> Posterior:
        """The posterior in each of many worlds in which the results at X are known too.

        World j's results are one joint draw of this posterior at X, made of the standard normal numbers of column j.
        All worlds share L, so the variance is the same in all. **Shapes** X (q, p), normals (q, worlds).
        **Cost** O(q n²), where refitting costs O(n³).
        """
        a = self.kernel.points(X, self.h)
        k, _ = self.kernel.matrices(a, self.points, self.h)
        B = k @ self.inverse.T
        C = self.kernel.matrices(a, a, self.h)[0] - B @ B.T
        C[np.diag_indices_from(C)] += self.noise
        corner = factor(C)
        drawn = (k @ self.A[:, :1]) + corner @ normals
        n, q = len(self.L), len(X)
        L = np.zeros((n + q, n + q))
        L[:n, :n], L[n:, :n], L[n:, n:] = self.L, B, corner
        Y = np.vstack([np.repeat(self.Y[:, :1], normals.shape[1], axis=1), drawn])
        return _solved(replace(self, X=np.vstack([self.X, X]), Y=Y, points=_joined(self.points, a), L=L))

    def realised(self, X: Array, normals: Array, ends: Array | None = None) -> Posterior:
        """The posterior in each of many worlds in which the function itself is known, without noise, at the
        observations and at X. Where observations stand part of the way, `ends` (n, p) are what is known in their place.

        Under noise nobody knows which result is the best; in a world it is known. World j's function is one joint draw,
        made of column j. **Shapes** X (q, p), normals (n + q, worlds). **Cost** O((n + q)³).

        **Source** Letham et al. (2019), Constrained Bayesian optimization with noisy experiments.
        """
        both = np.vstack([self.X if ends is None else ends, X])
        mean, covariance = self.joint(both)
        covariance[np.diag_indices_from(covariance)] += EXACT * self.signal
        drawn = mean[:, :1] + factor(covariance) @ normals
        points = self.kernel.points(both, self.h)
        K, _ = self.kernel.matrices(points, points, self.h)
        K[np.diag_indices_from(K)] += EXACT * self.signal
        return _solved(replace(self, X=both, Y=drawn, points=points, L=factor(K)))


def condition(
    kernel: Kernel, h: Hyperparameters, X: Array, y: Array, short: Array | None = None
) -> Posterior:
    """The posterior given noisy observations `y` (n,) at `X` (n, p), with the shortfalls `short` (n,). **Cost** O(n³).

    **Raises** numpy.linalg.LinAlgError where the covariance can't be factored.
    """
    points = kernel.points(X, h, short)
    K, _ = kernel.matrices(points, points, h)
    K[np.diag_indices_from(K)] += kernel.noise(h, short)
    return _solved(Posterior(kernel, h, X, y[:, None], points, factor(K), y[:, None]))


def _solved(posterior: Posterior) -> Posterior:
    A, _ = lapack.dpotrs(posterior.L, posterior.Y, lower=1)
    return replace(posterior, A=np.asarray(A))


def _joined(a: Points, b: Points) -> Points:
    return Points(*(np.vstack(pair) for pair in zip(a, b, strict=True)))
