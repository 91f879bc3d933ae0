"""One generation of CMA-ES: a normal distribution over the unit cube, and how results move it.

The equations and constants are those of the tutorial, with its negative weights. Points that others proposed may be
among a generation; a far one is drawn in, so that it can't tear the distribution apart.

**Source** Hansen (2016), The CMA evolution strategy: a tutorial, arXiv 1604.00772, figure 6 and table 1; points of
others after Hansen (2011), Injecting external solutions into CMA-ES, arXiv 1110.4181.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from luthier.search.frame import Array

__all__ = ["Distribution", "Rates", "begin", "population_of", "rates", "update"]

CONDITION_AT_MOST = 1e14


@dataclass(frozen=True, eq=False)
class Distribution:
    """The state between two generations. **Shapes** mean, `path_sigma`, `path_c`, `lengths` (d,), C, `axes` (d, d).

    The columns of `axes` are the eigenvectors of C and `lengths` the roots of its eigenvalues. `population` results
    make a generation, `generation` counts those behind.
    """

    mean: Array
    sigma: float
    C: Array
    axes: Array
    lengths: Array
    path_sigma: Array
    path_c: Array
    population: int
    generation: int = 0

    @property
    def deviations(self) -> Array:
        """The standard deviation along each coordinate. **Shapes** (d,)"""
        deviations: Array = self.sigma * np.sqrt(np.diag(self.C))
        return deviations

    def whiten(self, Y: Array) -> Array:
        """C^(-1/2) applied to each row. **Shapes** (m, d) to (m, d)."""
        white: Array = (Y @ self.axes / self.lengths) @ self.axes.T
        return white


@dataclass(frozen=True, eq=False)
class Rates:
    """The constants of the tutorial's table 1, by its names; `weights` (population,) end in negative ones."""

    weights: Array
    mu: int
    mu_eff: float
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    chi: float


def population_of(d: int) -> int:
    """The number of results that make a generation. **Source** equation 48."""
    return 4 + int(3 * log(max(d, 1)))


@lru_cache(maxsize=64)
def rates(d: int, population: int) -> Rates:
    """The constants for `d` parameters. **Source** equations 49 to 58."""
    raw = log((population + 1) / 2) - np.log(np.arange(1, population + 1))
    mu = population // 2
    mu_eff = float(raw[:mu].sum() ** 2 / (raw[:mu] ** 2).sum())
    mu_eff_minus = float(raw[mu:].sum() ** 2 / (raw[mu:] ** 2).sum())
    c_1 = 2 / ((d + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((d + 2) ** 2 + mu_eff))
    least = min(1 + c_1 / c_mu, 1 + 2 * mu_eff_minus / (mu_eff + 2), (1 - c_1 - c_mu) / (d * c_mu))
    c_sigma = (mu_eff + 2) / (d + mu_eff + 5)
    return Rates(
        weights=np.where(raw >= 0, raw / raw[raw > 0].sum(), least * raw / -raw[raw < 0].sum()),
        mu=mu,
        mu_eff=mu_eff,
        c_sigma=c_sigma,
        d_sigma=1 + 2 * max(0.0, sqrt((mu_eff - 1) / (d + 1)) - 1) + c_sigma,
        c_c=(4 + mu_eff / d) / (d + 4 + 2 * mu_eff / d),
        c_1=c_1,
        c_mu=c_mu,
        chi=sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d)),
    )


def begin(mean: Array, sigma: float, population: int) -> Distribution:
    """The distribution before the first generation: round, about `mean`."""
    d = len(mean)
    eye, zeros = np.eye(d), np.zeros(d)
    return Distribution(mean, sigma, eye, eye, np.ones(d), zeros, zeros, population)


def update(
    state: Distribution, X: Array, order: NDArray[np.int64], foreign: NDArray[np.bool_], stretch: Array
) -> Distribution:
    """The distribution after a generation. **Shapes** X (population, d), order (population,) the rows from the best to
    the worst, foreign (population,), `stretch` (d,) by how much coordinates were drawn wider than C says.

    **Source** equations 38 to 47.
    """
    r, d = rates(len(state.mean), state.population), len(state.mean)
    Y = _drawn_in(state, (X - state.mean) / (state.sigma * stretch), foreign)[order]
    step = r.weights[: r.mu] @ Y[: r.mu]
    path_sigma = (1 - r.c_sigma) * state.path_sigma + sqrt(
        r.c_sigma * (2 - r.c_sigma) * r.mu_eff
    ) * state.whiten(step[None, :])[0]
    length = float(np.linalg.norm(path_sigma))
    settled = length / sqrt(1 - (1 - r.c_sigma) ** (2 * (state.generation + 1)))
    h = 1.0 if settled < (1.4 + 2 / (d + 1)) * r.chi else 0.0
    path_c = (1 - r.c_c) * state.path_c + h * sqrt(r.c_c * (2 - r.c_c) * r.mu_eff) * step
    squares = (state.whiten(Y) ** 2).sum(axis=1)
    weights = np.where(r.weights >= 0, r.weights, r.weights * d / np.maximum(squares, 1e-300))
    weights = np.where(squares > 0, weights, np.maximum(weights, 0.0))
    kept = 1 + r.c_1 * (1 - h) * r.c_c * (2 - r.c_c) - r.c_1 - r.c_mu * r.weights.sum()
    C = kept * state.C + r.c_1 * np.outer(path_c, path_c) + r.c_mu * (Y.T * weights) @ Y
    C, axes, lengths = _decomposed(C)
    return Distribution(
        mean=state.mean + state.sigma * stretch * step,
        sigma=state.sigma * exp(min(1.0, r.c_sigma / r.d_sigma * (length / r.chi - 1))),
        C=C,
        axes=axes,
        lengths=lengths,
        path_sigma=path_sigma,
        path_c=path_c,
        population=state.population,
        generation=state.generation + 1,
    )


def _drawn_in(state: Distribution, Y: Array, foreign: NDArray[np.bool_]) -> Array:
    """Steps in which those of others are at most as long as a long one of ours. **Source** Hansen (2011), equation 4."""
    if not foreign.any():
        return Y
    d = Y.shape[1]
    lengths = np.sqrt((state.whiten(Y) ** 2).sum(axis=1))
    share = np.minimum(1.0, (sqrt(d) + 2 * d / (d + 2)) / np.maximum(lengths, 1e-300))
    return np.where(foreign[:, None], Y * share[:, None], Y)


def _decomposed(C: Array) -> tuple[Array, Array, Array]:
    """C made symmetric and safely positive, its eigenvectors and the roots of its eigenvalues."""
    values, axes = np.linalg.eigh((C + C.T) / 2)
    values = np.maximum(values, max(float(values[-1]), 1e-300) / CONDITION_AT_MOST)
    return (axes * values) @ axes.T, axes, np.sqrt(values)
