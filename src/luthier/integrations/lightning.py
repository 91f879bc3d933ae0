"""A callback for PyTorch Lightning, as `lightning` or as `pytorch_lightning`: what a module logs is reported.

Trainer(callbacks=[luthier.integrations.lightning.Callback()])
"""

from __future__ import annotations

import sys
from typing import Any

from luthier.integrations._needed import needed
from luthier.integrations._reporting import report_numbers, should_stop

__all__ = ["Callback"]


def _pytorch() -> Any:
    """The package that the program uses: Lightning has two names, whose classes are not the same."""
    old_alone = "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules
    name = "pytorch_lightning" if old_alone else "lightning.pytorch"
    return needed(name, "PyTorch Lightning", "lightning")


class Callback(_pytorch().Callback):  # type: ignore[misc]
    """Reports the trainer's `callback_metrics` at the end of every epoch, whose number from 0 is the step. Sets the
    trainer's `should_stop` when a stopping rule ends the trial."""

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Is called by Lightning, after the validation that belongs to the epoch."""
        self._report(trainer)
        # All processes call this; they stop together or not at all.
        if trainer.strategy.reduce_boolean_decision(trainer.is_global_zero and should_stop(), all=False):
            trainer.should_stop = True

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Is called by Lightning; validation within `fit` is reported with its epoch."""
        if trainer.state.fn == "validate":
            self._report(trainer)

    def _report(self, trainer: Any) -> None:
        if trainer.is_global_zero and not trainer.sanity_checking:
            report_numbers(trainer.callback_metrics, trainer.current_epoch)
