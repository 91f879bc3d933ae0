"""A callback for Transformers: everything its `Trainer` logs is reported.

Trainer(model, arguments, callbacks=[luthier.integrations.transformers.Callback()], …)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.integrations._needed import needed
from luthier.integrations._reporting import report_numbers, should_stop

__all__ = ["Callback"]

transformers = needed("transformers", "Transformers", "transformers")

COUNTS = ("epoch", "total_flos")
"""What stands in a log besides the metrics."""


class Callback(transformers.TrainerCallback):  # type: ignore[misc,name-defined]
    """Reports `loss`, `learning_rate`, `eval_loss`, … with the optimizer's step as the step. Sets
    `should_training_stop` when a stopping rule ends the trial."""

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any
    ) -> None:
        """Is called by the trainer, for training and for evaluation."""
        if state.is_world_process_zero:
            found = {name: value for name, value in (logs or {}).items() if name not in COUNTS}
            report_numbers(found, state.global_step)
        if should_stop(together=True):  # the trainer logs in every process
            control.should_training_stop = True
