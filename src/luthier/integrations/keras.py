"""A callback for Keras 3, and for `tf.keras`: every metric of every epoch is reported, and poor trainings end early.

model.fit(X, y, validation_split=0.2, callbacks=[luthier.integrations.keras.Callback()])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.integrations._needed import needed
from luthier.integrations._reporting import report_numbers, should_stop

__all__ = ["Callback"]

keras = needed("keras", "Keras", "keras")


class Callback(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
    """Reports `loss`, `val_loss` and all other logs of an epoch, whose number from 0 is the step. Sets the model's
    `stop_training` when a stopping rule ends the trial."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Is called by Keras."""
        report_numbers(logs or {}, epoch)
        if should_stop():
            self.model.stop_training = True
