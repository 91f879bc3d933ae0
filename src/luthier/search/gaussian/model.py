"""What a search believes about the objective: which transform of the losses, which hyperparameters, which posterior.

Several transforms of the losses are fitted now and then and compared by how well each, leaving one result out at a time,
puts that result in order among the others; this does not depend on the transform's own scale. In between, the
hyperparameters of earlier proposals are taken from the record (`Memory`), so nothing is kept but what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from luthier.history import History
from luthier.search.earlier import alike
from luthier.search.gaussian.evidence import Evidence
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.fit import fitted
from luthier.search.gaussian.kernel import Kernel
from luthier.search.gaussian.outputs import TRANSFORMS, Outputs, Transform, cleaned
from luthier.search.gaussian.posterior import Posterior, condition
from luthier.search.gaussian.priors import prior_for

__all__ = ["Belief", "Memory", "believe", "order_score", "subset"]

Array = NDArray[np.float64]

FITTED = 256
"""Hyperparameters are fitted to so many results at most."""
HELD = 450
"""The posterior is conditioned on so many results at most: beyond it a proposal would cost ever more."""
AGAIN = 1.04  # hyperparameters are fitted again when there are so many times the results
COMPARE = 1.25  # and the transforms compared
NOISY = 1e-3


@dataclass(frozen=True)
class Memory:
    """What earlier proposals noted: for each transform, to how many results its hyperparameters were fitted and what they
    are (`fits`), the `scores` of the transforms, and how many results there were when they were `compared`."""

    fits: dict[str, tuple[int, list[float]]]
    scores: dict[str, float]
    compared: int = 0

    @classmethod
    def of(cls, history: History) -> Memory:
        """Reads the notes of the newest proposals first, as far as anything is missing."""
        return cls.read(trial.proposal.note for trial in reversed(history.trials) if trial.proposal)

    @classmethod
    def read(cls, notes: Iterable[dict[str, Any]]) -> Memory:
        """Reads notes, the newest first, as far as anything is missing."""
        fits: dict[str, tuple[int, list[float]]] = {}
        scores: dict[str, float] = {}
        compared = 0
        for note in notes:
            for name, fit in note.get("fits", {}).items():
                fits.setdefault(name, fit)
            if not scores and "scores" in note:
                scores, compared = note["scores"], note["results"]
            if scores and len(fits) == len(TRANSFORMS):
                break
        return cls(fits, scores, compared)

    def is_due(self, results: int) -> bool:
        """Whether results have grown so much that the transforms are to be compared again."""
        return not self.scores or results >= COMPARE * self.compared


@dataclass(frozen=True, eq=False)
class Belief:
    """A posterior over transformed losses, and what it took to make: `note` goes into the record.

    Where results stand part of the way, `ends` are the vectors of all but the observations on the way, this experiment's
    first, and `is_complete` (own,) says which of its own are known at the end. Else all are.
    """

    posterior: Posterior
    outputs: Outputs
    transform: Transform
    note: dict[str, Any]
    places: NDArray[np.int64]
    ends: Array | None = None
    is_complete: NDArray[np.bool_] | None = None

    @property
    def is_noisy(self) -> bool:
        """Whether a lucky result may be worse than it looks."""
        return self.posterior.noise > NOISY * self.posterior.signal

    def incumbent(self) -> float:
        """The transformed loss to improve on: the best seen, or, under noise, the best the posterior believes in."""
        own = len(self.places)  # the rows after them are other experiments'
        known = self.is_complete
        if not self.is_noisy and (known is None or known.all()):
            return float(self.posterior.Y[:own, 0].min())
        believed = self.posterior.means(self.posterior.X[:own])[:, 0]
        if known is not None and not self.is_noisy:
            believed = np.where(known, self.posterior.Y[:own, 0], believed)
        return float(believed.min())

    def band(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        """The losses at the mean and at the ends of the 95 % band."""
        reach = 1.96 * np.sqrt(variance)
        return self.outputs.back(mean), self.outputs.back(mean - reach), self.outputs.back(mean + reach)

    def losses(self, mean: Array, variance: Array) -> tuple[Array, Array]:
        """Mean and deviation in the losses' own unit: the transform undone at the mean and one deviation around it."""
        deviation = np.sqrt(variance)
        low, high = self.outputs.back(mean - deviation), self.outputs.back(mean + deviation)
        return self.outputs.back(mean), np.maximum(high / 2 - low / 2, 0.0)


def believe(
    features: Features,
    evidence: Evidence,
    memory: Memory,
    turn: int,
    transforms: Sequence[Transform] = TRANSFORMS,
) -> Belief | None:
    """The belief for proposal number `turn`; None where nothing can be learned: fewer than two different results."""
    losses = cleaned(evidence.losses)
    if evidence.n < 2 or not losses.max() > losses.min():
        return None
    kernel = Kernel(features.scales, features.levels, is_partway=evidence.partway is not None)
    data = _Data(features, evidence, losses, kernel, memory)
    scores, note = memory.scores, dict[str, Any]()
    if memory.is_due(evidence.n):
        beliefs = {name: data.posterior(name) for name in transforms}
        scores = {name: order_score(p, data.own) for name, (p, _) in beliefs.items()}
        note = {"scores": scores, "results": evidence.n}
        transform = _pick(scores, turn, transforms)
        posterior, outputs = beliefs[transform]
    else:
        transform = _pick(scores, turn, transforms)
        posterior, outputs = data.posterior(transform)
    if data.fits:
        note["fits"] = data.fits
    belief = Belief(posterior, outputs, transform, note, data.held)
    if evidence.partway is None:
        return belief
    ends = posterior.X[: len(posterior.X) - len(data.extra)]
    return replace(belief, ends=ends, is_complete=evidence.partway.short[data.held] == 0.0)


def _pick(scores: dict[str, float], turn: int, transforms: Sequence[Transform]) -> Transform:
    """The transform that predicts best; every fourth time the next best, so that no choice feeds itself."""
    order = sorted(transforms, key=lambda name: -scores.get(name, -np.inf))
    return order[1] if turn % 4 == 3 and len(order) > 1 else order[0]


class _Data:
    """The results a belief is made from, and the fits made on the way (`fits`, for the record)."""

    def __init__(
        self, features: Features, evidence: Evidence, losses: Array, kernel: Kernel, memory: Memory
    ) -> None:
        self.features = features
        self.evidence = evidence
        self.kernel = kernel
        self.memory = memory
        self.fits: dict[str, tuple[int, list[float]]] = {}
        partway = evidence.partway
        self.held = subset(losses, HELD if partway is None else HELD * 2 // 3)
        self.X = features.of(evidence.rows[self.held])
        self.own = losses[self.held] if partway is None else cleaned(partway.estimates)[self.held]
        self.extra = np.empty(0, dtype=np.int64)
        if partway is not None:  # observations on the way, at most half as many as results
            known = np.flatnonzero(np.isin(partway.at, self.held))
            self.extra = known[subset(losses[partway.at[known]], len(self.held) // 2)]

    def posterior(self, transform: Transform) -> tuple[Posterior, Outputs]:
        X, y, outputs = self._joined(transform)
        partway, short = self.evidence.partway, None
        if partway is not None:
            X = np.vstack([X, self.features.of(self.evidence.rows[partway.at[self.extra]])])
            others = np.zeros(len(y) - len(self.held))
            short = np.concatenate([partway.short[self.held], others, partway.at_short[self.extra]])
            y = np.concatenate([y, outputs.forward(partway.at_estimates[self.extra])])
        vector = self._vector(transform, X, y, short)
        return condition(self.kernel, self.kernel.hyperparameters(vector), X, y, short), outputs

    def _joined(self, transform: Transform) -> tuple[Array, Array, Outputs]:
        """Own results, then those of earlier experiments: on one scale where they look like the same quantity, else each
        experiment on its own."""
        own = self.own
        sources = range(1, self.features.sources)
        shared: list[tuple[Array, Array]] = []
        apart: list[tuple[Array, Array]] = []
        for source in sources:
            mine = self.evidence.sources == source
            then = cleaned(self.evidence.earlier_losses[mine])
            kept = subset(then, HELD // (2 * len(sources)))
            part = (self.features.of(self.evidence.earlier[mine][kept], source), then[kept])
            (shared if alike(own, then) else apart).append(part)
        outputs = Outputs.of(np.concatenate([own, *(losses for _, losses in shared)]), transform)
        X = [self.X, *(rows for rows, _ in shared), *(rows for rows, _ in apart)]
        y = [outputs.y, *(Outputs.of(losses, transform).y for _, losses in apart)]
        return np.vstack(X), np.concatenate(y), outputs

    def _vector(self, transform: Transform, X: Array, y: Array, short: Array | None) -> Array:
        """Hyperparameters: those of the record while the results have hardly grown, else fitted, from where they were."""
        prior = prior_for(self.kernel)
        count, known = self.memory.fits.get(transform, (0, []))
        # Of another length they were noted when the search began from fewer earlier experiments.
        is_known = len(known) == len(prior.centre)
        if is_known and self.evidence.n < AGAIN * count:
            return np.array(known)
        starts = [np.array(known)] if is_known else [prior.centre]
        if is_known and self.memory.is_due(self.evidence.n):
            starts.append(prior.centre)
        few = subset(y, FITTED)
        vector = fitted(
            self.kernel, prior, X[few], y[few], starts, short=None if short is None else short[few]
        )
        self.fits[transform] = (self.evidence.n, vector.tolist())
        return vector


def subset(losses: Array, size: int) -> NDArray[np.int64]:
    """Places of at most `size` results: the best third, the newest third, and of the rest every so manyth. Ascending."""
    n = len(losses)
    if n <= size:
        return np.arange(n)
    taken = np.zeros(n, dtype=bool)
    taken[np.argsort(losses, kind="stable")[: size // 3]] = True
    taken[n - size // 3 :] = True
    rest = np.flatnonzero(~taken)
    missing = size - int(taken.sum())
    taken[rest[np.linspace(0, len(rest) - 1, missing).astype(np.int64)]] = True
    return np.flatnonzero(taken)


def order_score(posterior: Posterior, losses: Array) -> float:
    """How well results are put in order when each is left out: the mean log probability of the order of all pairs.

    Pairs weigh more the better the better of the two is. It is the same for every monotone transform of the losses, so
    models of different transforms can be compared. **Shapes** losses (n,), the first n observations of the posterior.
    """
    n = len(losses)
    mean, variance = posterior.leave_one_out()
    mean, variance = mean[:n], variance[:n]
    order = np.argsort(losses, kind="stable")
    mean, variance, sorted_losses = mean[order], variance[order], losses[order]
    i, j = np.triu_indices(n, 1)
    differ = sorted_losses[j] > sorted_losses[i]
    i, j = i[differ], j[differ]
    if not len(i):
        return 0.0
    logs = log_ndtr((mean[j] - mean[i]) / np.sqrt(variance[i] + variance[j]))
    weights = 1.0 / (1.0 + i)
    return float(np.maximum(logs, -20.0) @ weights / weights.sum())
