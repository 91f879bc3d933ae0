"""hp's distributions as SciPy's users know them: `cdf`, `pdf`, `ppf`, `rvs`, and `pmf` for the stepped ones.

The stepped ones are rounded as hyperopt rounds them, beyond the bounds too; the searches stay inside (`dimensions.py`).
Without a `random_state` NumPy's global generator draws, as in SciPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import rv_continuous

__all__ = [
    "lognorm_gen",
    "loguniform_gen",
    "qlognormal_gen",
    "qloguniform_gen",
    "qnormal_gen",
    "quniform_gen",
]

HALF_LOG_2PI = 0.9189385332046727


class loguniform_gen(rv_continuous):  # type: ignore[misc]  # noqa: N801  hyperopt's names, all of them
    """exp of an even number from low to high."""

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__(a=np.exp(low), b=np.exp(high))
        self._low, self._width = low, high - low

    def _logpdf(self, x: Any) -> Any:
        return -np.log(x) - np.log(self._width)

    def _pdf(self, x: Any) -> Any:
        return 1.0 / (x * self._width)

    def _cdf(self, x: Any) -> Any:
        return (np.log(x) - self._low) / self._width

    def _ppf(self, q: Any) -> Any:
        return np.exp(self._low + q * self._width)


class lognorm_gen(rv_continuous):  # type: ignore[misc]  # noqa: N801
    """exp of a normal number."""

    def __init__(self, mu: float, sigma: float) -> None:
        super().__init__(a=0.0)
        self._mu, self._sigma = mu, sigma

    def _z(self, x: Any) -> Any:
        with np.errstate(divide="ignore"):
            return (np.log(x) - self._mu) / self._sigma

    def _logpdf(self, x: Any) -> Any:
        return -0.5 * self._z(x) ** 2 - HALF_LOG_2PI - np.log(self._sigma * x)

    def _pdf(self, x: Any) -> Any:
        return np.exp(self._logpdf(x))

    def _cdf(self, x: Any) -> Any:
        return ndtr(self._z(x))

    def _logcdf(self, x: Any) -> Any:
        return log_ndtr(self._z(x))

    def _ppf(self, q: Any) -> Any:
        return np.exp(self._mu + self._sigma * ndtri(q))


class _Stepped:
    """The multiples of q that the draws of a distribution round to."""

    q: Any

    def _between(self, below: Any, above: Any) -> Any:
        """The probability of a draw between two numbers."""
        raise NotImplementedError

    def _drawn(self, uniform: Any) -> Any:
        """The draw that stands at a number in (0, 1)."""
        raise NotImplementedError

    def pmf(self, x: Any) -> Any:
        """The probability of a value; 0 for what is no multiple of q."""
        given = np.atleast_1d(np.asarray(x, dtype=np.float64))
        nearest = np.round(given / self.q) * self.q
        mass = self._between(nearest - self.q / 2, nearest + self.q / 2)
        found = np.where(np.isclose(nearest, given), mass, 0.0)
        return found.reshape(x.shape) if isinstance(x, np.ndarray) else float(found[0])

    def logpmf(self, x: Any) -> Any:
        """The logarithm of the probability of a value."""
        with np.errstate(divide="ignore"):
            found = np.log(self.pmf(x))
        return found if isinstance(x, np.ndarray) else float(found)

    def rvs(self, size: Any = (), random_state: Any = None) -> Any:
        """Draws: of the kind that q is, whole numbers if it is one."""
        generator = np.random if random_state is None else np.random.default_rng(random_state)
        places = np.round(self._drawn(generator.uniform(size=size)) / self.q)
        return int(places) * self.q if np.ndim(places) == 0 else places.astype(int) * self.q


class quniform_gen(_Stepped):  # noqa: N801
    """An even number from low to high, rounded to a multiple of q."""

    def __init__(self, low: float, high: float, q: float) -> None:
        self.low, self.high, self.q = float(low), float(high), q

    def _between(self, below: Any, above: Any) -> Any:
        return np.maximum(self._share(above) - self._share(below), 0.0)

    def _share(self, x: Any) -> Any:
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)

    def _drawn(self, uniform: Any) -> Any:
        return self.low + (self.high - self.low) * uniform


class qloguniform_gen(quniform_gen):  # noqa: N801
    """exp of an even number from low to high, rounded to a multiple of q."""

    def _share(self, x: Any) -> Any:
        with np.errstate(divide="ignore"):
            return super()._share(np.log(np.maximum(x, 0.0)))

    def _drawn(self, uniform: Any) -> Any:
        return np.exp(super()._drawn(uniform))


class qnormal_gen(_Stepped):  # noqa: N801
    """A normal number, rounded to a multiple of q."""

    def __init__(self, mu: float, sigma: float, q: float) -> None:
        self.mu, self.sigma, self.q = float(mu), float(sigma), q

    def _between(self, below: Any, above: Any) -> Any:
        low, high = (below - self.mu) / self.sigma, (above - self.mu) / self.sigma
        return np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))  # exact in both tails

    def _drawn(self, uniform: Any) -> Any:
        return self.mu + self.sigma * ndtri(uniform)


class qlognormal_gen(qnormal_gen):  # noqa: N801
    """exp of a normal number, rounded to a multiple of q."""

    def _between(self, below: Any, above: Any) -> Any:
        with np.errstate(divide="ignore"):
            return super()._between(np.log(np.maximum(below, 0.0)), np.log(np.maximum(above, 0.0)))

    def _drawn(self, uniform: Any) -> Any:
        return np.exp(super()._drawn(uniform))
