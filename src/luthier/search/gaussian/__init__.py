"""Bayesian optimization with a Gaussian process, from kernel to proposal.

    features     rows of a space as vectors           outputs      losses a process can believe in
    kernel       how alike two vectors are            priors, fit  its hyperparameters
    posterior    what follows from observations       model        which transform and which fit to use
    acquisition  how promising a point is (normal: its numerics)
    ascent, maximize                                  the most promising point of a mixed space
    evidence     a history as arrays                  suggest      one suggestion; bayesian: the searcher
    several      one suggestion for several objectives, made of volume, what they gain, and limits, the constraints
    explain      belief and acquisition along each parameter

The model speaks in equations that can be checked; nothing here knows of stores, commands or time.
"""

from luthier.search.gaussian.bayesian import Bayesian
from luthier.search.gaussian.explain import Slice, believed_draws, slices
from luthier.search.gaussian.suggest import Taste

__all__ = ["Bayesian", "Slice", "Taste", "believed_draws", "slices"]
