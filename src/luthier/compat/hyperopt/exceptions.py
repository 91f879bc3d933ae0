"""hyperopt's exceptions, by the names its users catch, in Luthier's tree where one of ours fits."""

from __future__ import annotations

from typing import Any

from luthier.errors import LuthierError, SpaceError

__all__ = [
    "AllTrialsFailed",
    "BadSearchSpace",
    "DuplicateLabel",
    "InvalidAnnotatedParameter",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
    "NoValue",
]


class BadSearchSpace(SpaceError):
    """Says what in the description of the space can't be searched."""


class DuplicateLabel(BadSearchSpace):
    """Says which label two different hyperparameters share."""


class NoValue(BadSearchSpace):
    """Says that a hyperparameter was needed that has no value."""


class InvalidTrial(ValueError):
    """Says what a trial's document lacks; `obj` is what it is about."""

    def __init__(self, message: str, obj: object) -> None:
        super().__init__(f"{message} {obj}")
        self.obj = obj


class InvalidResultStatus(ValueError):
    """Says that the objective's `status` is none of `STATUS_STRINGS`; `result` is what it returned."""

    def __init__(self, result: Any, message: str = "") -> None:
        super().__init__(message or f"the status of {result!r} is unknown")
        self.result = result


class InvalidLoss(ValueError):
    """Says that the objective returned status ok and no number as `loss`; `result` is what it returned."""

    def __init__(self, result: Any, message: str = "") -> None:
        super().__init__(message or f"the loss of {result!r} is no number")
        self.result = result


class AllTrialsFailed(LuthierError):
    """Says that no trial has a loss, so that none is the best, and what the trials ended with."""

    exit_code = 1


class InvalidAnnotatedParameter(ValueError):
    """Says which argument of the objective is annotated with something else than a hyperparameter."""
