"""Which of the trials that wait between two rungs goes on next, and which never will.

Asynchronous successive halving as it pauses: of n trials that finished a rung the best n / eta go on, as soon as they are
among them, the furthest first. While more may come to the rung the share is rounded down, so that nobody goes on who
would not have; once nobody can, it is rounded up, so that one trial at least reaches the end.

**Source** Li et al., "A system for massively parallel hyperparameter tuning" (2020), algorithm 2.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf

from luthier.description import Direction

__all__ = ["Promotion", "promotion"]


@dataclass(frozen=True, slots=True)
class Promotion:
    """`number` goes on next, None where nobody does yet, and `reason` is why. `out` has those that never will, and why of
    each."""

    number: int | None = None
    reason: str = ""
    out: Mapping[int, str] = field(default_factory=dict)


def promotion(
    finished: Mapping[int, Sequence[float]],
    waiting: Collection[int],
    *,
    levels: Sequence[float],
    eta: float,
    direction: Direction = "maximize",
    under_way: Mapping[int, int] | None = None,
    coming: int | None = None,
) -> Promotion:
    """What becomes of the `waiting` trials.

    `finished` has of each trial the objective at the end of every stage it finished, in the stages' order; `levels` are
    the stages' resources. `under_way` says which stage a queued or running trial is in, `coming` how many trials will
    still be proposed (None: no end is known). A trial waits for the stage after its last finished one.
    """
    sign = -1.0 if direction == "maximize" else 1.0
    running = under_way or {}
    out: dict[int, str] = {}
    chosen: tuple[int, str] | None = None
    for stage in range(len(levels) - 1):
        entries = _ranked(finished, stage, sign)
        below = sum(n not in out and len(finished.get(n, ())) <= stage for n in waiting)
        more = (inf if coming is None else coming) + below + sum(at <= stage for at in running.values())
        count = len(entries)
        now = floor(count / eta + 1e-9) if more else ceil(count / eta - 1e-9)
        ever = inf if more == inf else ceil((count + more) / eta - 1e-9)
        for rank, (loss, number) in enumerate(entries, 1):
            if number not in waiting or len(finished[number]) != stage + 1:
                continue
            value = sign * loss if loss != inf else finished[number][stage]
            words = f"{value:.6g} at {levels[stage]:g} is rank {rank} of {count}"
            if rank > ever:
                held = f"the best {ever:g} go on" if ever > 1 else "the best one goes on"
                out[number] = f"{words}; {held}"
            elif rank <= now and (chosen is None or len(finished[chosen[0]]) <= stage):
                chosen = number, f"{words}; it goes on to {levels[stage + 1]:g}"
    return Promotion(*chosen, out) if chosen else Promotion(out=out)


def _ranked(finished: Mapping[int, Sequence[float]], stage: int, sign: float) -> list[tuple[float, int]]:
    """The trials that finished a stage, the best first; NaN comes last."""
    return sorted(
        (inf if v[stage] != v[stage] else sign * v[stage], n) for n, v in finished.items() if len(v) > stage
    )
