"""The tree-structured Parzen estimator: Luthier's, with hyperopt's options.

What is not given is Luthier's own choice, which its benchmarks found better than hyperopt's: 7 trials to begin with, a
tenth of them good, 64 candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.compat.hyperopt import rand
from luthier.compat.hyperopt.documents import Document
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.suggesting import propose

__all__ = ["suggest"]

_default_gamma = 0.25
_default_prior_weight = 1.0
_default_n_EI_candidates = 24  # noqa: N816  hyperopt's name
_default_n_startup_jobs = 20

MIXTURES = ("GMM1", "LGMM1", "GMM1_lpdf", "LGMM1_lpdf", "adaptive_parzen_normal_orig")
"""What programs that build on hyperopt's TPE take from here; it stands in `mixtures.py` and loads NumPy."""

GAMMA_TO_SHARE = 0.4
"""hyperopt's gamma is a share of the square root of the trials, Luthier's one of the trials; so 0.25, the default of one,
becomes 0.1, that of the other, and twice as many stay twice as many."""
WEIGHTED_STARTUP = 7


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    prior_weight: float | None = None,
    n_startup_jobs: int | None = None,
    n_EI_candidates: int | None = None,
    gamma: float | None = None,
    verbose: bool = True,
    repeats: bool | None = None,
) -> list[Document]:
    """New trials where the good ones are dense. `n_startup_jobs` trials begin the search, `n_EI_candidates` are compared
    for each proposal, a greater `gamma` counts more trials as good. `prior_weight` is accepted and has no effect: our
    densities weigh the prior themselves. `repeats` allows a configuration of a finite space again."""
    settings: dict[str, Any] = {}
    if n_startup_jobs is not None:
        settings["startup"] = max(1, int(n_startup_jobs))
    if n_EI_candidates is not None:
        settings["candidates"] = max(1, int(n_EI_candidates))
    if gamma is not None:
        settings["share"] = min(0.5, max(1e-6, GAMMA_TO_SHARE * float(gamma)))
    begun = len(trials._dynamic_trials)
    if domain.search.is_weighted and begun < settings.get("startup", WEIGHTED_STARTUP):
        return rand.suggest(
            new_ids, domain, trials, seed, repeats
        )  # the beginning knows nothing but the user's probabilities
    return propose("tpe", settings, new_ids, domain, trials, seed, repeats)


def __getattr__(name: str) -> Any:
    """Finds the mixtures where they live."""
    if name in MIXTURES:
        from luthier.compat.hyperopt import mixtures

        return getattr(mixtures, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
