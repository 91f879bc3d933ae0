"""What proposals are made with here: versions and the machine. The same again make the same proposals, bit for bit."""

from __future__ import annotations

import platform
from functools import cache

from luthier.history import History
from luthier.trial import Proposal

__all__ = ["MADE_WITH", "first_proposal", "tools"]

MADE_WITH = "made_with"
"""The key of a proposal's note under which they stand, where they are not those of the first proposal it saw."""

_PACKAGES = ("luthier", "numpy", "scipy")


@cache
def tools() -> dict[str, str]:
    """The versions of what computes, and the name of the machine, whose kind of processor decides the last bit."""
    from importlib.metadata import PackageNotFoundError, version  # 10 ms, which a grid need not pay

    found = {"machine": platform.node()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def first_proposal(history: History) -> Proposal | None:
    """The first trial's proposal, a person's own left out; None where there is none yet."""
    return next((t.proposal for t in history.trials if t.proposal and t.proposal.ordinal is not None), None)
