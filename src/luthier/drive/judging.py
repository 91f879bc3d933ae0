"""Turns how a program ended into how its trial ended. Pure but for the tail of an output it quotes.

The guardian knows exit codes and signals; what the trial was for is known here: an objective that was not reported
is a failure however well the program ended, exit code 75 asks for another attempt, and a lost machine gives one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from luthier import metrics
from luthier.description import Constraint, Description, Objective
from luthier.trial import Outcome, Result

__all__ = ["EX_TEMPFAIL", "judge", "wants_again", "with_aims"]

EX_TEMPFAIL = 75  # sysexits.h: try again later


def judge(
    description: Description, result: Result, summaries: Mapping[str, metrics.Summary], errors: str | None
) -> Result:
    """Returns the trial's result: the objective's value, and a reason a person can act on.

    A value that the result has already, for a function returned it, stays. `errors` is the file of the program's standard
    error, whose last line is quoted when it failed; None where the reason is whole.
    """
    value = result.value
    if value is None and description.objective:
        value = metrics.objective_value(description.objective, summaries)
        if value is not None:
            result = result._replace(value=value)
    if result.outcome is Outcome.FAILED and errors is not None:
        quoted = metrics.tail_of(errors, lines=1).strip()
        return result._replace(reason=f"{result.reason}: {quoted}") if quoted else result
    if result.outcome is Outcome.SUCCEEDED and description.objective and value is None:
        return _without(result, description.objective, summaries)
    return with_aims(description, result, summaries)


def with_aims(description: Description, result: Result, summaries: Mapping[str, metrics.Summary]) -> Result:
    """The result with the values of all objectives and the excess of every constraint, where there is more than one
    objective; a success without one of them is a failure."""
    found: list[float] = []
    aims: tuple[Objective | Constraint, ...] = (*description.also, *description.constraints)
    for aim in aims:
        value = metrics.objective_value(aim, summaries)
        if value is None and result.outcome is Outcome.SUCCEEDED:
            return _without(result, aim, summaries)
        if value is None:
            return result  # stopped before it was reported: what is known of it stays in its metrics
        found.append(value if isinstance(aim, Objective) else aim.excess(value))
    if not found or result.value is None:
        return result
    also = len(description.also)
    values = (result.value, *found[:also]) if also else None
    return result._replace(values=values, constraints=tuple(found[also:]))


def _without(result: Result, aim: Objective | Constraint, summaries: Mapping[str, metrics.Summary]) -> Result:
    why = metrics.missing_reason(aim, tuple(summaries))
    return result._replace(outcome=Outcome.FAILED, reason=f"it ended well, but {why}")


def wants_again(description: Description, result: Result, earlier: Sequence[Outcome]) -> tuple[bool, Result]:
    """Whether the trial goes back to the queue, and the result with the reason that says so.

    `earlier` is how the trial's earlier attempts ended. Attempts that were lost or interrupted use up no retry of a
    failure, and the other way round.
    """
    limits = description.limits
    lost = sum(outcome is Outcome.LOST for outcome in earlier)
    blamed = sum(outcome.blames_configuration for outcome in earlier)
    if result.outcome is Outcome.INTERRUPTED:
        return True, result
    if result.outcome is Outcome.LOST:
        if lost + 1 < limits.max_attempts:
            return True, result
        return False, result._replace(reason=f"{result.reason}; given up after {lost + 1} lost attempts")
    if result.outcome is Outcome.FAILED and result.exit_code == EX_TEMPFAIL:
        if blamed + 1 < limits.max_attempts:
            return True, result._replace(reason="it asked for another attempt (exit code 75)")
        return False, result._replace(
            reason=f"it asked for another attempt {blamed + 1} times (exit code 75)"
        )
    return result.outcome.blames_configuration and blamed < limits.retry_failed, result
