"""A callback for XGBoost: every evaluation metric of every round is reported, and poor trainings end early.

xgboost.train(params, data, evals=[(held_out, "val")], callbacks=[luthier.integrations.xgboost.Callback()])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.integrations._needed import needed
from luthier.integrations._reporting import report_numbers, should_stop

__all__ = ["Callback"]

xgboost = needed("xgboost", "XGBoost", "xgboost")


class Callback(xgboost.callback.TrainingCallback):  # type: ignore[misc,name-defined]
    """Reports metrics under XGBoost's own names, `val-logloss`, with the round from 0 as the step.

    Of `xgboost.cv` the mean over the folds has the name, and its deviation the name with `-std`.
    """

    def after_iteration(
        self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[Any]]]
    ) -> bool:
        """Is called by XGBoost; True ends the training."""
        if xgboost.collective.get_rank() == 0:
            found: dict[str, Any] = {}
            for data, metrics in evals_log.items():
                for metric, history in metrics.items():
                    last = history[-1]
                    is_fold_mean = isinstance(last, tuple)
                    found[f"{data}-{metric}"] = last[0] if is_fold_mean else last
                    if is_fold_mean:
                        found[f"{data}-{metric}-std"] = last[1]
            report_numbers(found, epoch)
        stops = should_stop()
        if xgboost.collective.get_world_size() > 1:  # all workers stop after the same round
            stops = xgboost.collective.broadcast(stops, 0)
        if stops and hasattr(model, "cvfolds"):  # `xgboost.cv` asks for it to cut its table
            model.set_attr(best_iteration=str(epoch))
        return bool(stops)
