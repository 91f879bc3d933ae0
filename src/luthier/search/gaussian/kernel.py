"""Covariance functions of vectors that mix scales and codes, and what their gradients need.

    k(x, x') = s² g(r²) ∏_c exp(-h_c [x_c ≠ x'_c]),    r² = Σ_k (w_k(x_k) - w_k(x'_k))² / l_k²

with g the Matérn-5/2 or the squared exponential, one lengthscale l_k for each scale, one h_c for each code, and w_k the
identity or Kumaraswamy's warp 1 - (1 - x^a)^b. Both factors are positive definite, so their product is.

Where observations stand part of the way (`is_partway`), each has a shortfall t, 0 at the end, and what it had there is the
function and a discrepancy, alike to the function in shape and independent of it, that vanishes at the end:

    k((x, t), (x', t')) = k(x, x') (1 + T T'),    T = √e t^a

Points of which nothing else is said are at the end, where T is 0 and the kernel is the plain one.

Everything is computed from products of matrices: no array of n × n × d is ever made. With m = -2 dg/dr²,

    ∂k/∂log l_k = s² C m (z_k - z'_k)²        ∂k/∂x_k = -s² C m (z_k - z'_k) w_k'(x_k) / l_k

**Source** Rasmussen and Williams (2006), Gaussian processes for machine learning, 4.2 and 5.4; Snoek et al. (2014),
Input warping for Bayesian optimization of non-stationary functions; the discrepancy: Swersky et al. (2013), Multi-task
Bayesian optimization, and Klein et al. (2017), Fast Bayesian optimization on large datasets, in whose kernels it is a
factor too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Family", "Hyperparameters", "Kernel", "Points"]

Array = NDArray[np.float64]
Family = Literal["matern52", "squared exponential"]

ROOT5 = 5.0**0.5
EDGE = 1e-6  # the warp's slope is endless at 0 and 1: places are kept this far inside


class Hyperparameters(NamedTuple):
    """All logarithms: `lengths` (scales,), `differences` log h_c (codes,), `signal` log s², `noise` log of the noise's
    variance, `warps` (2, scales) log a and log b, or None where places are taken as they are, `partway` (3,) log e and
    log a of the discrepancy and log of the variance of the noise that comes with a shortfall of 1, or None."""

    lengths: Array
    differences: Array
    signal: float
    noise: float
    warps: Array | None = None
    partway: Array | None = None

    def to_vector(self) -> Array:
        """All of them in one row, in the order they are declared."""
        last = [part.ravel() for part in (self.warps, self.partway) if part is not None]
        return np.concatenate([self.lengths, self.differences, [self.signal, self.noise], *last])


class Points(NamedTuple):
    """Vectors made ready for a kernel: `Z` (n, scales) places divided by lengthscales, `slopes` dZ/dx, `O` (n, all
    levels) indicators of the codes times the roots of h, `T` (n, 1) of the discrepancy, (n, 0) where there is none."""

    Z: Array
    slopes: Array
    O: Array  # noqa: E741
    T: Array

    def __len__(self) -> int:
        return len(self.Z)


@dataclass(frozen=True)
class Kernel:
    """The family, and the shape of the vectors: `scales` numbers, then one code for each of `levels` (its count). With
    `is_partway` observations may stand part of the way."""

    scales: int
    levels: tuple[int, ...] = ()
    family: Family = "matern52"
    is_partway: bool = False

    def hyperparameters(self, vector: Array) -> Hyperparameters:
        """Undoes `Hyperparameters.to_vector`."""
        s, c = self.scales, len(self.levels)
        partway = vector[-3:] if self.is_partway else None
        vector = vector[:-3] if self.is_partway else vector
        warps = vector[s + c + 2 :].reshape(2, s) if len(vector) > s + c + 2 else None
        return Hyperparameters(
            vector[:s], vector[s : s + c], float(vector[s + c]), float(vector[s + c + 1]), warps, partway
        )

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Where each code's indicators begin. **Shapes** (codes,)."""
        return np.concatenate([[0], np.cumsum(self.levels)]).astype(np.int64)[:-1]

    def indicators(self, X: Array) -> Array:
        """The codes as ones and zeros. **Shapes** X (n, scales + codes) to (n, sum of levels)."""
        made = np.zeros((len(X), sum(self.levels)))
        if self.levels:
            places = X[:, self.scales :].astype(np.int64) + self.offsets
            made[np.arange(len(X))[:, None], places] = 1.0
        return made

    def points(self, X: Array, h: Hyperparameters, short: Array | None = None) -> Points:
        """Vectors under these hyperparameters. **Shapes** X (n, scales + codes); short (n,) the shortfalls, where not all
        are 0."""
        x = X[:, : self.scales]
        inverse = np.exp(-h.lengths)
        if h.warps is None:
            Z, slopes = x * inverse, np.broadcast_to(inverse, x.shape)
        else:
            w, dw, _, _ = warped(x, h.warps)
            Z, slopes = w * inverse, dw * inverse
        roots = np.repeat(np.exp(0.5 * h.differences), self.levels) if self.levels else np.empty(0)
        T = np.zeros((len(X), int(self.is_partway)))
        if short is not None and h.partway is not None:
            T[:, 0] = np.exp(0.5 * h.partway[0]) * short ** np.exp(h.partway[1])
        return Points(Z, slopes, self.indicators(X) * roots, T)

    def noise(self, h: Hyperparameters, short: Array | None = None) -> Array | float:
        """The variance of each observation's noise. **Shapes** short (n,) to (n,)."""
        plain = float(np.exp(h.noise))
        if short is None or h.partway is None:
            return plain
        return plain + float(np.exp(h.partway[2])) * short**2

    def matrices(self, a: Points, b: Points, h: Hyperparameters) -> tuple[Array, Array]:
        """k between all points of `a` and `b`, and s² C m, which its gradients are made of. **Shapes** both (n, m)."""
        squares = np.einsum("ik,ik->i", a.Z, a.Z)[:, None] + np.einsum("ik,ik->i", b.Z, b.Z)[None, :]
        squares -= 2.0 * (a.Z @ b.Z.T)
        np.maximum(squares, 0.0, out=squares)
        if a is b:
            np.fill_diagonal(squares, 0.0)
        scale: Array | float = float(np.exp(h.signal))
        if self.levels:
            scale = scale * np.exp(a.O @ b.O.T - float(np.exp(h.differences).sum()))
        if self.is_partway and a.T.any() and b.T.any():
            scale = scale * (1.0 + a.T @ b.T.T)
        if self.family == "squared exponential":
            k = scale * np.exp(-0.5 * squares)
            return k, k
        r = np.sqrt(squares, out=squares)
        r *= ROOT5
        decay = np.exp(-r)
        decay *= scale
        slope = (1.0 + r) * decay
        k = slope + (r * r) * (decay / 3.0)
        slope *= 5.0 / 3.0
        return k, slope

    def covariance(self, A: Array, B: Array, h: Hyperparameters) -> Array:
        """k between all rows of A and B. **Shapes** (n, p), (m, p) to (n, m)."""
        a = self.points(A, h)
        return self.matrices(a, a if B is A else self.points(B, h), h)[0]

    def gradient(self, X: Array, a: Points, K: Array, M: Array, W: Array, h: Hyperparameters) -> Array:
        """½ Σ_ij W_ij ∂K_ij/∂θ for every hyperparameter θ but the noise, whose place holds zero.

        **Shapes** X (n, p), K, M from `matrices`, W (n, n) symmetric; the result as `to_vector`.
        **Cost** one product of n × n by n × (scales + levels).
        """
        S = W * M
        totals = S.sum(axis=1)
        SZ = S @ a.Z
        lengths = np.einsum("ik,ik,i->k", a.Z, a.Z, totals) - np.einsum("ik,ik->k", a.Z, SZ)
        P = W * K
        whole = float(P.sum())
        parts: list[Array | Sequence[float]] = [lengths]
        if self.levels:
            plain = self.indicators(X)
            agreeing = np.add.reduceat(np.einsum("il,il->l", plain, P @ plain), self.offsets)
            parts.append(-0.5 * np.exp(h.differences) * (whole - agreeing))
        parts.append([0.5 * whole, 0.0])
        if h.warps is not None:
            _, _, by_a, by_b = warped(X[:, : self.scales], h.warps)
            for by in (by_a, by_b):
                dZ = by * np.exp(-h.lengths)
                parts.append(np.einsum("ik,ik->k", dZ, SZ) - np.einsum("ik,ik,i->k", a.Z, dZ, totals))
        if h.partway is not None:
            parts.append(_partway_gradient(a.T[:, 0], P, h.partway))
        return np.concatenate(parts)


def _partway_gradient(T: Array, P: Array, partway: Array) -> Array:
    """`Kernel.gradient` by log e and log a, and a place for the noise's. With P = W K and Q = P / (1 + T Tᵀ),

        ½ Σ Q_ij T_i T_j        ½ Σ Q_ij T_i T_j (log T_i + log T_j - log e)

    since ∂T/∂log e = T / 2 and ∂T/∂log a = T a log t = T log(T / √e). **Shapes** T (n,), P (n, n) to (3,)."""
    QT = (P / (1.0 + np.outer(T, T))) @ T
    logs = np.where(T > 0, np.log(np.where(T > 0, T, 1.0)) - 0.5 * partway[0], 0.0)
    return np.array([0.5 * float(T @ QT), float((T * logs) @ QT), 0.0])


def warped(x: Array, warps: Array) -> tuple[Array, Array, Array, Array]:
    """w = 1 - (1 - x^a)^b with a, b = exp(warps), and its derivatives by x, log a and log b. **Shapes** each as x (n, k)."""
    a, b = np.exp(warps[0]), np.exp(warps[1])
    x = np.clip(x, EDGE, 1.0 - EDGE)
    log_x = np.log(x)
    power = np.exp(a * log_x)
    rest = np.maximum(-np.expm1(a * log_x), 1e-300)
    below = np.exp((b - 1.0) * np.log(rest))
    w = 1.0 - rest * below
    common = b * below * power
    return w, common * a / x, common * log_x * a, -rest * below * np.log(rest) * b
