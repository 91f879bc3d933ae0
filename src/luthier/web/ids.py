"""The only names that come from a client: the number of an experiment, and of a trial within it."""

from __future__ import annotations

import re

__all__ = ["experiment_id", "natural", "trial_id"]

_EXPERIMENT = re.compile(r"[1-9][0-9]{0,17}")
_TRIAL = re.compile(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,17})")


def experiment_id(text: str) -> int | None:
    """`144`; None for anything else."""
    return int(text) if _EXPERIMENT.fullmatch(text) else None


def trial_id(text: str) -> tuple[int, int] | None:
    """`144.7`; None for anything else."""
    found = _TRIAL.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def natural(text: str | None) -> int | None:
    """A number from 0 on that a client may ask with; None for anything else."""
    return int(text) if text is not None and re.fullmatch("[0-9]{1,18}", text) else None
