"""How much each parameter matters: the share of what the objective varies over the space that is lost without it.

A Gaussian process is fitted to the results and stands for the objective. Over places spread evenly through the space's
unit cube, the shares are Sobol indices of its mean: `alone` what one parameter explains by itself, `total` also what it
does together with others, so that totals may add to more than one. A parameter that does not exist somewhere changes
nothing there, and the axes of the cube are independent, so conditions need no rule of their own.

The shares are as good as the model. How far they may be off is measured twice, by fits that leave out a part of the
results each, and by draws of what the objective may be between them; where the fits can't predict the results they
have not seen, nothing is said at all. `docs/figures.md` has what was measured. Nothing here draws or prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.frame import Frame, frame_of
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.fit import fitted
from luthier.search.gaussian.kernel import Kernel
from luthier.search.gaussian.posterior import Posterior, condition, factor
from luthier.search.gaussian.priors import prior_for
from luthier.search.sobol import point
from luthier.search.threads import one_thread
from luthier.space import Space
from luthier.view.repeats import scores

__all__ = ["FEWEST", "Importance", "Share", "importance"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]

FEWEST = 12
"""With fewer different configurations nothing is said."""
EXPLAINED, PER_TRIAL = 0.1, 4.0
"""Nothing is said where less than EXPLAINED + PER_TRIAL / n of the variation of unseen results is predicted, for n
configurations: as much is reached by chance where there is nothing but noise."""
SEED = 20_261_121
FITTED = 256  # the hyperparameters are fitted to so many results at most
HELD = 1000  # and the mean is conditioned on so many
HELD_BY_PART = 400
PARTS = 8
POINTS = 24_000  # at which the mean is asked, for the shares
JOINT = 2_000  # at which the objective is drawn, for their errors
DRAWS = 48
CHUNK = 2_000
EVEN_AXES = 60
_REACH = 1.96


class Share(NamedTuple):
    """What one parameter explains: `alone`, and in `total` between `low` and `high` (95 %)."""

    parameter: str
    alone: float
    total: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether it can be told from nothing."""
        return self.low > 0.005


@dataclass(frozen=True, slots=True)
class Importance:
    """The shares, the largest total first; none where nothing can be said, and `why` is the reason as a sentence.

    `trials` were learned from, `left_out` are finished but have no value that can be set beside them; `explained` is the
    part of the variation that is predicted of results not seen, None where no model was made.
    """

    shares: tuple[Share, ...]
    trials: int
    left_out: int
    explained: float | None = None
    why: str = ""

    def __str__(self) -> str:
        """A line for each parameter, and how far they can be trusted."""
        width = max((len(share.parameter) for share in self.shares), default=0)
        lines = [
            f"{share.parameter:<{width}}  {100 * share.total:3.0f} % in all "
            f"({100 * share.low:.0f} % to {100 * share.high:.0f} %), {100 * share.alone:.0f} % alone"
            for share in self.shares
        ]
        return "\n".join([*lines, self.caption()])

    def caption(self) -> str:
        """How far all this can be trusted, in one sentence."""
        if self.why:
            return self.why
        left = f"; {self.left_out} without a comparable value left out" if self.left_out else ""
        return (
            f"from {self.trials} trials{left}; the model predicts {100 * (self.explained or 0):.0f} % of the "
            "variation of results it has not seen"
        )


def importance(space: Space, history: History) -> Importance:
    """How much each parameter that varies matters to the objective.

    The same history gives the same answer. **Cost** about a second for a hundred trials and three for ten thousand, of
    which a part is drawn. **Source** I. Sobol' (1993) for the shares; M. Jansen (1999) for the totals, and A. Saltelli et
    al. (2010), Variance based sensitivity analysis of model output, table 2, for the places. What is alone is Sobol's
    product with a control variate (a departure), which serves small shares and large ones alike.
    """
    kept = [(trial, value) for trial, value in scores(history.scored) if trial.configuration is not None]
    left_out = len(history.finished) - len(kept)
    frame = frame_of(space)
    if not frame.d:
        return Importance((), len(kept), left_out, why="no parameter varies, so none matters")
    rows = frame.encode([trial.configuration for trial, _ in kept if trial.configuration])
    losses = np.array([value for _, value in kept])
    same = _groups(rows)
    different = int(same.max(initial=-1)) + 1
    if different < FEWEST:
        said = f"{different} different configurations with a value are too few to tell; it takes {FEWEST}"
        return Importance((), len(kept), left_out, why=said)
    if losses.min() == losses.max():
        return Importance((), len(kept), left_out, why="all values are equal, so nothing matters to them")
    with one_thread():
        return _weighed(frame, rows, losses if not history.maximize else -losses, same, left_out)


def _groups(rows: Array) -> Places:
    """Which configuration each row is, from 0: repeats share one."""
    _, inverse = np.unique(np.nan_to_num(rows, nan=-1.0), axis=0, return_inverse=True)
    return np.asarray(inverse).ravel()


def _tamed(losses: Array) -> Array:
    """Standardised losses, with what lies far outside pulled in: the few that diverged would be all of the variation.

    **Source** J. Tukey's outer fences, three quartile ranges beyond the quartiles; where half of the values are equal,
    the range of the middle nine tenths takes their place.
    """
    losses = losses / np.abs(losses).max()
    for low, high in ((25, 75), (5, 95)):
        begin, end = np.percentile(losses, [low, high])
        if end > begin:
            losses = np.clip(losses, begin - 3 * (end - begin), end + 3 * (end - begin))
            break
    return np.asarray((losses - losses.mean()) / losses.std())


def _weighed(frame: Frame, rows: Array, losses: Array, same: Places, left_out: int) -> Importance:
    rng = np.random.Generator(np.random.PCG64(SEED))
    model = _Model(frame, rows, _tamed(losses))
    posterior, vector = model.fit(np.arange(len(rows)), HELD, rng)
    wide = _Design(frame, POINTS, rng)
    mean = _means(posterior, model.features.of(wide.rows))
    alone, total, variance = (share[..., 0] for share in wide.shares(mean[:, None]))
    if not float(variance) > 1e-12:
        return Importance((), len(rows), left_out, 0.0, _unexplained(0.0))
    few = _Design(frame, JOINT, rng)
    spread, explained = _spread(model, posterior, vector, few, same, rng)
    if explained < EXPLAINED + PER_TRIAL / (int(same.max()) + 1):
        return Importance((), len(rows), left_out, max(explained, 0.0), _unexplained(explained))
    reach = _REACH * np.sqrt(spread + wide.errors(mean))
    shares = [
        Share(name, max(a, 0.0), min(t, 1.0), max(t - r, 0.0), min(t + r, 1.0))
        for name, a, t, r in zip(
            frame.names, alone.tolist(), total.tolist(), np.nan_to_num(reach, nan=1.0).tolist(), strict=True
        )
    ]
    ranked = tuple(sorted(shares, key=lambda share: -share.total))
    return Importance(ranked, len(rows), left_out, explained)


def _unexplained(explained: float) -> str:
    return (
        f"the parameters predict {100 * max(explained, 0.0):.0f} % of the variation of results not seen, so nothing can "
        "be said of them: too few trials, or the values are mostly luck"
    )


class _Model:
    """The results, and Gaussian processes of parts of them. **Shapes** rows (n, d), y (n,) standardised."""

    def __init__(self, frame: Frame, rows: Array, y: Array) -> None:
        self.features = Features(frame)
        self.kernel = Kernel(self.features.scales, self.features.levels)
        self.prior = prior_for(self.kernel)
        self.X = self.features.of(rows)
        self.y = y

    def fit(
        self, places: Places, held: int, rng: np.random.Generator, start: Array | None = None
    ) -> tuple[Posterior, Array]:
        """The process given the results at some places, `held` of them at most, and its hyperparameters."""
        order = rng.permutation(places)
        few, many = order[:FITTED], order[:held]
        begin = self.prior.centre if start is None else start
        vector = fitted(self.kernel, self.prior, self.X[few], self.y[few], [begin])
        return condition(self.kernel, self.kernel.hyperparameters(vector), self.X[many], self.y[many]), vector


class _Design:
    """Places for shares: two samples of the cube, and the first with one axis after the other of the second.

    **Shapes** `rows` ((d + 2) m, d), moved to what can run.
    """

    def __init__(self, frame: Frame, most: int, rng: np.random.Generator) -> None:
        self.d = frame.d
        self.m = 1 << max(int(np.log2(most / (frame.d + 2))), 4)
        first, second = _even(2 * self.d, self.m, rng).reshape(self.m, 2, self.d).swapaxes(0, 1)
        mixed = np.repeat(first[None], self.d, axis=0)
        for j in range(self.d):
            mixed[j, :, j] = second[:, j]
        self.rows = frame.snap(np.vstack([first, second, mixed.reshape(-1, self.d)]))

    def errors(self, f: Array) -> Array:
        """The variances (d,) of the totals of one function because only so many places were looked at. Even places err by
        less than half of what independent ones would (measured), of which this is computed. **Shapes** f ((d + 2) m,)."""
        f = f.reshape(self.d + 2, self.m)
        f = f - f[:2].mean()
        squares = (f[:2] ** 2).mean(axis=0)
        moved = (f[0] - f[2:]) ** 2 / 2
        off = moved - (moved.mean(axis=1) / squares.mean())[:, None] * squares
        return np.asarray(0.25 * off.var(axis=1) / self.m / squares.mean() ** 2)

    def shares(self, f: Array) -> tuple[Array, Array, Array]:
        """Alone (d, k), total (d, k) and variance (k,), of k functions at `rows`. **Shapes** f ((d + 2) m, k)."""
        f = f.reshape(self.d + 2, self.m, -1)
        f = f - f[:2].mean(axis=(0, 1))
        variance = (f[:2] ** 2).mean(axis=(0, 1))
        total = ((f[0] - f[2:]) ** 2).mean(axis=1) / 2
        shared, chance = f[1] * f[2:], f[1] * f[0]  # the mean of the latter is 0, so it may be taken out
        off = chance - chance.mean(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            lean = np.nan_to_num((shared * off).mean(axis=1) / (off**2).mean(axis=0))
        alone = shared.mean(axis=1) - lean * chance.mean(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return alone / variance, total / variance, variance


def _even(axes: int, count: int, rng: np.random.Generator) -> Array:
    """Places spread evenly through a cube by a scrambled Sobol sequence; on axes that it does not reach, at random.

    **Shapes** (count, axes).
    """
    seed = int(rng.integers(2**31))
    reached = min(axes, EVEN_AXES)
    places = rng.random((count, axes))
    places[:, :reached] = [[point(seed, k, i) for k in range(reached)] for i in range(count)]
    return places


def _means(posterior: Posterior, X: Array) -> Array:
    """The means at many vectors, a part at a time. **Shapes** (q, p) to (q,)."""
    parts = np.array_split(X, max(1, -(-len(X) // CHUNK)))
    return np.concatenate([posterior.means(part)[:, 0] for part in parts])


def _spread(
    model: _Model,
    posterior: Posterior,
    vector: Array,
    design: _Design,
    same: Places,
    rng: np.random.Generator,
) -> tuple[Array, float]:
    """The variances (d,) of the totals, and the part of the variation of unseen results that is predicted.

    What another sample of trials would have told is the jackknife's, over parts of the configurations; what no trial has
    told is the posterior's. Both are added, which errs on the careful side.

    **Source** B. Efron and C. Stein (1981), The jackknife estimate of variance, with groups; for more than HELD_BY_PART
    results J. Shao and C. F. J. Wu (1989), A general theory for jackknife variance estimation, eq. 2.1.
    """
    X = model.features.of(design.rows)
    part = (rng.permutation(int(same.max()) + 1) % PARTS)[same]
    totals, errors = [], 0.0
    for i in range(PARTS):
        fit, _ = model.fit(np.flatnonzero(part != i), HELD_BY_PART, rng, vector)
        out = part == i
        errors += float(((model.y[out] - _means(fit, model.X[out])) ** 2).sum())
        totals.append(design.shares(_means(fit, X)[:, None])[1][:, 0])
    jackknifed = np.var(totals, axis=0) * max(_growth(len(part), FITTED), _growth(len(part), HELD_BY_PART))
    mean, covariance = posterior.joint(X)
    covariance[np.diag_indices_from(covariance)] += 1e-8 * posterior.signal
    drawn = mean[:, :1] + factor(covariance) @ rng.standard_normal((len(X), DRAWS))
    explained = 1.0 - errors / float(((model.y - model.y.mean()) ** 2).sum())
    return jackknifed + design.shares(drawn)[1].var(axis=1), explained


def _growth(n: int, most: int) -> float:
    """From the variance between fits that leave out a part of n results, and use `most` of the rest, to that of a fit to
    all: fits that share much differ little. It is PARTS - 1 where all of the rest is used."""
    used = min(most, n * (PARTS - 1) / PARTS)
    whole = min(n, HELD if most == HELD_BY_PART else most)
    return (used / whole) / (1 - used / n)
