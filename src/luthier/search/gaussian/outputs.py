"""From losses as they come to numbers a Gaussian process can believe in, and back.

Losses diverge, are NaN, differ by powers of ten: any one of that ruins a standardised fit. Each transform is a
monotone map fitted to the losses at hand; less stays better. None is safe everywhere, so several are tried and the one
whose model predicts best what it has not seen is used (`model.py`).

    standard      as they are, far outliers pulled in
    half-rank     the worse half replaced by normal quantiles as wide as the better half
    power         Yeo and Johnson's power, after half-rank's taming of outliers

**Source** half-rank: Song et al. (2024), The Vizier Gaussian process bandit algorithm; power: Yeo and Johnson (2000),
A new family of power transformations; the guard on its use: Cowen-Rivers et al. (2022), HEBO.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["TRANSFORMS", "Outputs", "Transform", "cleaned"]

Array = NDArray[np.float64]
Transform = Literal["standard", "half-rank", "power"]
TRANSFORMS: tuple[Transform, ...] = ("standard", "half-rank", "power")

FAR = 3.0  # how many spreads above the median a loss is pulled in by "standard"
BEYOND = 2.0  # deviations that another loss may lie beyond the ends
POWERS = np.linspace(-2.0, 3.0, 26)


def cleaned(losses: Array) -> Array:
    """Losses with every NaN and infinity put a tenth of the range beyond the worst, or best, that is a number.

    **Shapes** (n,) to (n,). All are zero where none is a number. Huge values are halved before they are compared, so
    that nothing overflows.
    """
    finite = np.isfinite(losses)
    if not finite.any():
        return np.zeros_like(losses)
    low, high = float(losses[finite].min()), float(losses[finite].max())
    margin = 0.1 * (high / 2 - low / 2) * 2 if high / 2 - low / 2 < 8e307 else 0.0
    limits = np.finfo(float)
    bad = max(min(high + margin, float(limits.max)), float(limits.min))
    good = max(min(low - margin, float(limits.max)), float(limits.min))
    return np.where(finite, losses, np.where(losses == -np.inf, good, bad))


@dataclass(frozen=True, eq=False)
class Outputs:
    """Losses (n,) sorted, and what each became: a monotone map, by interpolation between them.

    `y` (n,) are the transformed losses in the order they were given.
    """

    y: Array
    knots: Array
    images: Array

    @classmethod
    def of(cls, losses: Array, transform: Transform) -> Outputs:
        """Fits a transform. **Shapes** losses (n,), finite."""
        scaled = _unit_range(losses)
        match transform:
            case "standard":
                made = _winsorised(scaled)
            case "half-rank":
                made = _half_ranked(scaled)
            case "power":
                made = _powered(_half_ranked(scaled))
        y = _standardised(made)
        order = np.argsort(losses, kind="stable")
        return cls(y, losses[order], np.maximum.accumulate(y[order]))

    def forward(self, losses: Array) -> Array:
        """What other losses become by the same map, straight lines beyond the ends. **Shapes** as given."""
        knots, first = np.unique(self.knots, return_index=True)
        images = self.images[first]
        if len(knots) < 2:
            return np.zeros_like(losses)
        inside = np.interp(losses, knots, images)
        low = images[0] + (losses - knots[0]) * _slope(knots[:3], images[:3])
        high = images[-1] + (losses - knots[-1]) * _slope(knots[-3:], images[-3:])
        made = np.where(losses < knots[0], low, np.where(losses > knots[-1], high, inside))
        return np.clip(made, images[0] - BEYOND, images[-1] + BEYOND)

    def back(self, y: Array) -> Array:
        """Losses for transformed values: the inverse, straight lines beyond the ends. **Shapes** as given."""
        images, first = np.unique(self.images, return_index=True)
        knots = self.knots[first]
        if len(images) < 2:
            return np.full_like(y, knots[0]) if len(knots) else y
        inside = np.interp(y, images, knots)
        with np.errstate(over="ignore", invalid="ignore"):
            low = knots[0] + (y - images[0]) * _slope(images[:3], knots[:3])
            high = knots[-1] + (y - images[-1]) * _slope(images[-3:], knots[-3:])
        limit = np.finfo(float).max
        return np.clip(np.where(y < images[0], low, np.where(y > images[-1], high, inside)), -limit, limit)


def _slope(x: Array, y: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        slope = float((y[-1] / 2 - y[0] / 2) / (x[-1] - x[0]) * 2)
    return slope if np.isfinite(slope) else 0.0


def _unit_range(losses: Array) -> Array:
    """Moved to [0, 1] without overflow."""
    low, high = float(losses.min()), float(losses.max())
    width = high / 2 - low / 2
    return (losses / 2 - low / 2) / width if width > 0 else np.zeros_like(losses)


def _winsorised(x: Array) -> Array:
    middle = float(np.median(x))
    better = x[x <= middle]
    quarter = float(np.percentile(x, 75)) - float(np.percentile(x, 25))
    spread = max(float(np.sqrt(np.mean((better - middle) ** 2))), quarter / 1.35)
    if spread <= 0:
        return x
    limit = middle + FAR * spread
    over = np.maximum(x - limit, 0.0)
    return np.minimum(x, limit) + spread * np.log1p(over / spread)  # strictly monotone: order is never lost


def _half_ranked(x: Array) -> Array:
    """**Source** Song et al. (2024), 4.1: y > median becomes median + s Φ⁻¹(rank), s the better half's spread."""
    n = len(x)
    middle = float(np.median(x))
    worse = x > middle
    better = x[~worse]
    spread = float(np.sqrt(np.mean((better - middle) ** 2)))
    if spread <= 0 or not worse.any():
        return x
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[inverse]  # ties share the middle of their ranks
    quantiles = np.maximum(ndtri((ranks - 0.5) / n), 0.0)
    return np.where(worse, middle + spread * quantiles, x)


def _powered(x: Array) -> Array:
    """The most likely Yeo-Johnson power of standardised values; the values themselves where it would flatten them."""
    z = _standardised(x)
    if not z.any():
        return z
    above = z >= 0
    up, down = np.log1p(np.where(above, z, 0.0)), np.log1p(np.where(above, 0.0, -z))
    jacobian = float(up.sum() - down.sum())
    best, highest = z, -np.inf
    for power in POWERS:
        made = _yeo_johnson(up, down, above, float(power))
        variance = float(made.var())
        if variance < 0.25:
            continue
        likelihood = -0.5 * len(z) * np.log(variance) + (power - 1.0) * jacobian
        if likelihood > highest:
            best, highest = made, likelihood
    return best


def _yeo_johnson(up: Array, down: Array, above: NDArray[np.bool_], power: float) -> Array:
    high = up if abs(power) < 1e-9 else np.expm1(power * up) / power
    other = 2.0 - power
    low = down if abs(other) < 1e-9 else np.expm1(other * down) / other
    return np.where(above, high, -low)


def _standardised(x: Array) -> Array:
    deviation = float(x.std())
    return (x - x.mean()) / deviation if deviation > 0 else np.zeros_like(x)
