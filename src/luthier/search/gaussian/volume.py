"""How much hypervolume a point can be expected to win, as a logarithm, with its gradient: what is climbed on when there
are several losses.

The region that no result dominates is cut into boxes (`search/pareto.py`). A new row of losses y wins of box (l, u) the
part above y, so with independent beliefs about the losses, and h(t) = φ(t) + t Φ(t),

    E(x) = Σ_boxes Π_m σ_m [h((u_m - μ_m) / σ_m) - h((l_m - μ_m) / σ_m)]

exactly: nothing is sampled. Every factor is taken as a logarithm, so that E neither underflows nor cancels where there is
hardly anything left to win. Where trials are running there are several worlds, each with boxes of its own, and E is their mean.

**Source** Emmerich et al. (2011) and Yang et al. (2019), Efficient computation of expected hypervolume improvement; Ament
et al. (2023) for the logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.search.gaussian.acquisition import Chance
from luthier.search.gaussian.normal import log_h, log_h_slope
from luthier.search.gaussian.posterior import Posterior
from luthier.search.pareto import boxes

__all__ = ["Allowed", "VolumeGain"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

THIN = 1e-13
"""The least share of a box that its low side may leave, so that a logarithm stays finite."""


@dataclass(frozen=True, eq=False)
class Allowed:
    """What is to be made large while no result is allowed: the chance to be."""

    posteriors: tuple[Posterior, ...]
    chance: Chance

    @property
    def lengths(self) -> Array:
        """The shortest of the lengthscales, as logarithms. **Shapes** (scales,)."""
        return _shortest(self.posteriors)

    def values(self, X: Array) -> Array:
        """**Shapes** (q, p) to (q,)."""
        return self.chance.log_probability(X)

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """**Shapes** (q,), (q, scales)."""
        return self.chance.gradient(X)


def _shortest(posteriors: Sequence[Posterior]) -> Array:
    return np.asarray(np.min([posterior.h.lengths for posterior in posteriors], axis=0))


@dataclass(frozen=True, eq=False)
class Sides:
    """Where boxes begin and end in one column: the different `bounds` (v,), the last of which stands for no bound at
    all, the world of each, and which of them are the `low` and the `high` side of each box (b,)."""

    bounds: Array
    worlds: Places
    low: Places
    high: Places

    @classmethod
    def of(cls, low: Array, high: Array, world: Places) -> Sides:
        """**Shapes** all (b,)."""
        values = np.concatenate([low, high])
        worlds = np.concatenate([world, world])
        pairs, inverse = np.unique(np.column_stack([worlds, values]), axis=0, return_inverse=True)
        inverse = inverse.ravel()
        open_end = np.isneginf(pairs[:, 1])
        bounds = np.append(np.where(open_end, 0.0, pairs[:, 1]), 0.0)
        places = np.where(open_end, len(pairs), np.arange(len(pairs)))[inverse]
        return cls(bounds, np.append(pairs[:, 0], 0).astype(np.int64), places[: len(low)], places[len(low) :])


@dataclass(frozen=True, eq=False)
class VolumeGain:
    """What is to be made large. `posteriors` are one for each loss, `world` (b,) says which world a box is of, `sides`
    where the boxes lie in each column."""

    posteriors: tuple[Posterior, ...]
    sides: tuple[Sides, ...]
    world: Places
    worlds: int
    success: Chance | None = None

    @classmethod
    def of(
        cls,
        posteriors: Sequence[Posterior],
        fronts: Sequence[Array],
        reference: Array,
        success: Chance | None = None,
    ) -> VolumeGain:
        """`fronts` hold the losses that are to be improved on in each world. **Shapes** (n, m) each, (m,)."""
        return cls._made(posteriors, [boxes(front, reference) for front in fronts], success)

    @classmethod
    def aimed(
        cls, posteriors: Sequence[Posterior], aims: Sequence[Array], success: Chance | None = None
    ) -> VolumeGain:
        """All that is below an aim counts, in each world another one. **Shapes** (m,) each."""
        return cls._made(posteriors, [(np.full((1, len(aim)), -np.inf), aim[None]) for aim in aims], success)

    @classmethod
    def _made(
        cls, posteriors: Sequence[Posterior], cut: Sequence[tuple[Array, Array]], success: Chance | None
    ) -> VolumeGain:
        low, high = (np.concatenate([pair[side] for pair in cut]) for side in (0, 1))
        world = np.repeat(np.arange(len(cut)), [len(pair[0]) for pair in cut])
        sides = tuple(Sides.of(low[:, m], high[:, m], world) for m in range(len(posteriors)))
        return cls(tuple(posteriors), sides, world, len(cut), success)

    @property
    def lengths(self) -> Array:
        """The shortest of the lengthscales, as logarithms. **Shapes** (scales,)."""
        return _shortest(self.posteriors)

    def values(self, X: Array) -> Array:
        """**Shapes** (q, p) to (q,). **Cost** O(m q (n² + b))."""
        total = np.zeros((len(X), len(self.world)))
        for posterior, sides in zip(self.posteriors, self.sides, strict=True):
            mean, variance = posterior.predict(X)
            deviation = np.sqrt(variance)
            logs = log_h(_standard(sides, mean, deviation))
            logs[:, -1] = -np.inf
            total += _log_difference(logs[:, sides.high], logs[:, sides.low])[0] + np.log(deviation)[:, None]
        value = _log_sum(total)[0] - np.log(self.worlds)
        return np.asarray(value if self.success is None else value + self.success.log_probability(X))

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """The values and their gradient by the places on scales. **Shapes** (q,), (q, scales)."""
        total = np.zeros((len(X), len(self.world)))
        parts = []
        for posterior, sides in zip(self.posteriors, self.sides, strict=True):
            mean, variance, dmean, dvariance = posterior.gradients(X)
            deviation = np.sqrt(variance)
            gain, by_mean, by_deviation = _factor(sides, mean, deviation)
            total += gain
            parts.append((by_mean, by_deviation, dmean, dvariance / (2.0 * deviation[:, None])))
        value, share = _log_sum(total)
        slope = np.zeros_like(parts[0][3])
        for by_mean, by_deviation, dmean, ddeviation in parts:
            weight = share * by_mean
            if dmean.shape[1] == 1:
                slope += weight.sum(axis=1)[:, None] * dmean[:, 0]
            else:
                own = np.stack(
                    [weight[:, self.world == w].sum(axis=1) for w in range(dmean.shape[1])], axis=1
                )
                slope += np.einsum("qw,qwk->qk", own, dmean)
            slope += (share * by_deviation).sum(axis=1)[:, None] * ddeviation
        value = value - np.log(self.worlds)
        if self.success is not None:
            log_p, dlog_p = self.success.gradient(X)
            value, slope = value + log_p, slope + dlog_p
        return value, slope


def _standard(sides: Sides, mean: Array, deviation: Array) -> Array:
    """The bounds in deviations from the mean. **Shapes** (q, worlds or 1), (q,) to (q, v)."""
    means = mean[:, sides.worlds] if mean.shape[1] > 1 else mean
    return np.asarray((sides.bounds - means) / deviation[:, None])


def _factor(sides: Sides, mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
    """log σ [h(high) - h(low)] of each box, and its derivatives by the mean and by the deviation. **Shapes** (q, b).

    With E = σ [h(a) - h(b)]: ∂E/∂μ = -[Φ(a) - Φ(b)] and ∂E/∂σ = φ(a) - φ(b), where φ(a) = h(a) - a Φ(a).
    """
    u = _standard(sides, mean, deviation)
    logs, slopes = log_h(u), log_h_slope(u)
    logs[:, -1], slopes[:, -1] = -np.inf, 0.0
    density = 1.0 - u * slopes  # φ / h
    gain, ratio = _log_difference(logs[:, sides.high], logs[:, sides.low])
    left = (1.0 - ratio) * deviation[:, None]
    by_mean = -(slopes[:, sides.high] - ratio * slopes[:, sides.low]) / left
    by_deviation = (density[:, sides.high] - ratio * density[:, sides.low]) / left
    return gain + np.log(deviation)[:, None], by_mean, by_deviation


def _log_difference(high: Array, low: Array) -> tuple[Array, Array]:
    """log(exp high - exp low), and exp(low - high), which is kept below one."""
    ratio = np.minimum(np.exp(np.minimum(low - high, 0.0)), 1.0 - THIN)
    return high + np.log1p(-ratio), ratio


def _log_sum(logs: Array) -> tuple[Array, Array]:
    """log Σ exp over the boxes, and each box's share in it. **Shapes** (q, b) to (q,), (q, b)."""
    top = logs.max(axis=1)
    top = np.where(np.isfinite(top), top, 0.0)
    share = np.exp(logs - top[:, None])
    total = share.sum(axis=1)
    return top + np.log(total), share / total[:, None]
