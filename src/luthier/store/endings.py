"""What an attempt's end and a person's cancel make of a trial: the rules every store shares."""

from __future__ import annotations

from luthier.trial import Outcome, Result, Step

__all__ = ["cancelled", "ending"]

_KINDS = {Step.FINISH: "finished", Step.RETURN: "returned", Step.PAUSE: "paused"}


def ending(again: bool, pause: bool) -> tuple[Step, str]:
    """The step of a trial whose attempt ends, and the kind of the event.

    **Raises** ValueError for both: what is to be tried again did not reach the end of its stage.
    """
    if again and pause:
        raise ValueError("an attempt is tried again or ends its stage, not both; this is a bug in Luthier")
    step = Step.RETURN if again else Step.PAUSE if pause else Step.FINISH
    return step, _KINDS[step]


def cancelled(before: Result | None, outcome: Outcome, reason: str) -> Result:
    """The result of a trial that is cancelled. One that was waiting for its next stage keeps what it had reached."""
    return Result(outcome, reason) if before is None else before._replace(outcome=outcome, reason=reason)
