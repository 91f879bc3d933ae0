"""What becomes of a write that comes twice, too late or too early: the rules every store shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.errors import ConflictError
from luthier.store.contract import Event
from luthier.trial import AttemptId, Result

__all__ = ["missing_points", "newest_request", "same_result"]


def same_result(a: Result, b: Result) -> bool:
    """Whether two results are one result sent twice. NaN equals NaN here; what was only measured is not compared, nor
    is the curve, which ends in the value."""
    same_value = a.value == b.value or (a.value != a.value and b.value != b.value)
    return (a.outcome, a.reason, a.exit_code) == (b.outcome, b.reason, b.exit_code) and same_value


def missing_points(id: AttemptId, accepted: int, first: int) -> ConflictError:
    """The refusal of points that leave a gap after those accepted."""
    return ConflictError(f"{id}: points {accepted} to {first - 1} are missing; this is a bug in Luthier")


def newest_request(requests: Sequence[Event], id: AttemptId) -> Mapping[str, Any] | None:
    """What was asked of an attempt last: who asks for the same again finds nothing to do."""
    return next(
        (e.detail for e in reversed(requests) if (e.trial, e.attempt) == (id.trial, id.attempt)), None
    )
