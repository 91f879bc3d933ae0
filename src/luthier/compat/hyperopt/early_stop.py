"""Reasons to end a search early, for `fmin(early_stop_fn=…)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from luthier.compat.hyperopt.documents import loss_of

__all__ = ["no_progress_loss"]


def no_progress_loss(iteration_stop_count: int = 20, percent_increase: float = 0.0) -> Callable[..., Any]:
    """Ends a search when its best loss has not improved for so many trials, by at least so many percent.

    Trials that failed, or whose loss is not a number, are trials without progress; the first loss there is, is progress.
    """

    def stop_fn(trials: Any, best_loss: float | None = None, iteration_no_progress: int = 0) -> Any:
        loss = loss_of(trials.trials[-1]) if trials.trials else None
        if best_loss is None and loss is not None:
            return False, [loss, 1]  # hyperopt counts that trial too, but ends nothing by it
        if best_loss is None:
            iteration_no_progress += 1
        elif loss is not None and loss < best_loss - abs(best_loss * percent_increase / 100.0):
            best_loss, iteration_no_progress = loss, 0
        else:
            iteration_no_progress += 1
        return iteration_no_progress >= iteration_stop_count, [best_loss, iteration_no_progress]

    stop_fn.__doc__ = f"no progress for {iteration_stop_count} trials"
    return stop_fn
