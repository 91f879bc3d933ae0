"""Whether the results themselves show noise, so that the best of them may be put down to luck.

A Gaussian process that meets a step, a wall or a kink calls what it can't follow noise, and then the best result
looks lucky where every run would give it again. Two things tell them apart. Noise is a share of the spread of the
results worth speaking of, and it is everywhere: the trials closest to one another differ by it too, and no less than
those a little farther apart. A step divides few of them, and a kink gives nearer neighbours nearer values.

Knows nothing of trials' numbers or repeats: `certainty.py` asks it before it passes over the best result. The numbers
were chosen on searches with and without noise: docs/decisions/0004-how-a-proposal-is-made.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.history import History
from luthier.space import Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luthier.search.gaussian.model import Belief

    Array = NDArray[np.float64]

__all__ = ["is_noise_shown"]

SHARE = 0.01
"""The variance of noise as a share of the function's: with so much of it the differences of neighbours alone decide."""
LEAST_SHARE = 0.003
"""With less noise than this the best result is off by too little to be passed over."""
CLOSEST = 20
"""So many pairs of trials, and so many neighbours of the best one, are looked at."""
ALIKE = 0.9
"""The correlation by the model from which two trials are neighbours."""
DIFFERENCE = 0.4
"""The median difference of neighbours, in deviations of the difference of two draws of the noise, whose own is 0.67."""
GROWTH = 0.4
"""The rank correlation of difference and distance up to which differences don't grow with the distance."""


def is_noise_shown(space: Space, history: History) -> bool:
    """Whether near neighbours among the results differ as noise would have them.

    False as well where nobody can know, with no near neighbours or no model. **Cost** O(n³) of the results.
    """
    import numpy as np

    from luthier.search.frame import frame_of
    from luthier.search.gaussian.evidence import evidence_of
    from luthier.search.gaussian.features import Features
    from luthier.search.gaussian.model import Memory, believe
    from luthier.search.threads import one_thread

    with one_thread():
        evidence = evidence_of(frame_of(space), history)
        belief = believe(Features(frame_of(space), evidence.experiments), evidence, Memory.of(history), 0)
        if belief is None:
            return False
        share = belief.posterior.noise / belief.posterior.signal
        if share < LEAST_SHARE:
            return False
        y, alike = _results(belief)
        best = int(np.argmin(y))
        if _difference(y, alike) < DIFFERENCE * np.sqrt(2 * belief.posterior.noise):
            return False
        return share >= SHARE or _growth(y, alike, best) < GROWTH


def _results(belief: Belief) -> tuple[Array, Array]:
    """This experiment's whole results as the model has them, and their correlations by the model."""
    import numpy as np

    posterior = belief.posterior
    whole = np.arange(len(belief.places))
    if belief.is_complete is not None:
        whole = whole[belief.is_complete]
    points = posterior.kernel.points(posterior.X[whole], posterior.h)
    k, _ = posterior.kernel.matrices(points, points, posterior.h)
    return posterior.Y[whole, 0], k / posterior.signal


def _difference(y: Array, alike: Array) -> float:
    """The median difference of the closest pairs; 0 where none is close."""
    import numpy as np

    i, j = np.triu_indices(len(y), 1)
    closest = np.argsort(-alike[i, j], kind="stable")[:CLOSEST]
    closest = closest[alike[i, j][closest] >= ALIKE]
    return float(np.median(np.abs(y[i] - y[j])[closest])) if len(closest) else 0.0


def _growth(y: Array, alike: Array, best: int) -> float:
    """The rank correlation of distance and difference among the best result and its neighbours."""
    import numpy as np

    near = np.argsort(-alike[best], kind="stable")[: CLOSEST + 1]
    i, j = np.triu_indices(len(near), 1)
    near_alike, near_y = alike[np.ix_(near, near)][i, j], y[near]
    distance, difference = (
        np.argsort(np.argsort(values, kind="stable"))
        for values in (-near_alike, np.abs(near_y[i] - near_y[j]))
    )
    return float(np.corrcoef(distance, difference)[0, 1]) if len(i) > 1 else 1.0
