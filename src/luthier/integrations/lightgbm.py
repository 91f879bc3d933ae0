"""A callback for LightGBM: every evaluation metric of every round is reported, and poor trainings end early.

lightgbm.train(params, data, valid_sets=[held_out], callbacks=[luthier.integrations.lightgbm.callback()])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from luthier.integrations._needed import needed
from luthier.integrations._reporting import report_numbers, should_stop

__all__ = ["callback"]

lightgbm = needed("lightgbm", "LightGBM", "lightgbm")

AFTER_RECORDING = 25
"""LightGBM calls its callbacks by their `order`: this one after those that record and before early stopping."""


def callback() -> Callable[[Any], None]:
    """A callback that reports metrics as `valid_0-l2`, with the round from 0 as the step. It ends the training as LightGBM's
    own early stopping does when a stopping rule ends the trial.

    Of `lightgbm.cv` the mean over the folds has the name, and its deviation the name with `-std`.
    """

    def report_round(env: Any) -> None:
        found: dict[str, Any] = {}
        for data, metric, value, _, *deviation in env.evaluation_result_list or ():
            found[f"{data}-{metric}"] = value
            if deviation:
                found[f"{data}-{metric}-std"] = deviation[0]
        report_numbers(found, env.iteration)
        if should_stop():
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    report_round.order = AFTER_RECORDING  # type: ignore[attr-defined]
    report_round.before_iteration = False  # type: ignore[attr-defined]
    return report_round
