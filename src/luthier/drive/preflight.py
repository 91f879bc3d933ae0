"""What the first trials tell about a command, in sentences: is it wired, what will the whole search cost.

It only looks at attempts that ended; `luthier check` runs a few on purpose, a search looks at its own first ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite
from typing import NamedTuple

from luthier.description import Stages
from luthier.drive.listener import Ended
from luthier.trial import Outcome

__all__ = ["Bill", "bill", "reaching", "unwired"]


class Bill(NamedTuple):
    """What one trial took, and what the search will; of trials in stages what the first stage took, and what all first stages
    and the whole schedule will. **Units** seconds, bytes; None where it can't be known."""

    trial_seconds: float
    trial_cpu_seconds: float | None
    peak_bytes: int | None
    trials: int | None
    search_seconds: float | None
    first_seconds: float | None = None


def bill(ended: Ended, trials: int | None, slots: int, stages: Stages | None = None) -> Bill:
    """Extrapolates one trial, or its first stage, to `trials` of them on `slots` places."""
    seconds = ended.result.seconds or 0.0
    known = (seconds, ended.result.cpu_seconds, ended.result.peak_bytes, trials)
    if trials is None:
        return Bill(*known, None)
    all_once = seconds * -(-trials // slots)
    if stages is None:
        return Bill(*known, all_once)
    least = stages.levels[0] or 1.0
    whole = sum(
        seconds * (level / least if stages.kind == "rungs" else 1.0) * -(-count // slots)
        for level, count in zip(stages.levels, reaching(stages, trials), strict=True)
    )
    return Bill(*known, whole, all_once)


def reaching(stages: Stages, trials: int) -> list[int]:
    """How many trials come to each stage: of rungs the best 1 / eta go on, of folds all where none is stopped."""
    if stages.kind == "folds":
        return [trials for _ in stages.levels]
    return [max(1, floor(trials / stages.eta**place + 1e-9)) for place in range(len(stages.levels))]


def unwired(trials: Sequence[Ended]) -> list[str]:
    """Names the parameters that seem to change nothing: two trials that differ in them alone, and reported the same.

    Trials that reported nothing say nothing about wiring, nor do those that diverged (all of them report NaN), nor a metric
    that only repeats a parameter.
    """
    good = [t for t in trials if t.result.outcome is Outcome.SUCCEEDED and t.metrics and _is_finite(t)]
    found: list[str] = []
    for place, one in enumerate(good):
        for other in good[place + 1 :]:
            if _reported(one) != _reported(other):
                continue
            a, b = one.claim.configuration.texts(), other.claim.configuration.texts()
            differing = [name for name in {**a, **b} if a.get(name) != b.get(name)]
            if len(differing) == 1 and differing[0] not in found:
                found.append(differing[0])
    return found


def _reported(ended: Ended) -> list[tuple[str, str]]:
    """What it reported; programs that print their arguments report those too."""
    return sorted((k, repr(v)) for k, v in ended.metrics.items() if k not in ended.claim.configuration)


def _is_finite(ended: Ended) -> bool:
    return all(isfinite(value) for value in ended.metrics.values())
