"""What is told of attempts on Ray when they end and when Ray fails: ends as they travel, and Ray's errors in a few words."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from luthier.run import _layout
from luthier.run.ray_where import RayLost
from luthier.run.runner import Ended
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["first_sentence", "gone", "own_version", "plain", "unpacked", "write_outcome"]


def own_version() -> str:
    """The version of Luthier at this end."""
    return version("luthier")


def plain(event: Ended) -> tuple[Any, ...]:
    """The end of an attempt as it travels."""
    r = event.result
    measured = (r.value, r.exit_code, r.signal, r.seconds, r.peak_bytes, r.cpu_seconds)
    return (str(r.outcome), r.reason, *measured, event.began, event.ended)


def unpacked(id: AttemptId, folder: str, end: tuple[Any, ...], left: str) -> Ended:
    """The end of an attempt that has travelled; `left` says what could not come along."""
    outcome, reason, value, exit_code, number, seconds, peak, cpu, began, ended = end
    said = f"{reason}; {left}" if left else reason
    result = Result(Outcome(outcome), said, value, exit_code, number, seconds, peak, cpu)
    return Ended(id, result, folder, began, ended)


def write_outcome(event: Ended, pid: int) -> None:
    """Leaves the end in the folder, as the guardian does here, before its place forgets it."""
    r = event.result
    content: dict[str, Any] = {
        "outcome": str(r.outcome),
        "reason": r.reason,
        "exit_code": r.exit_code,
        "signal": r.signal,
    }
    content |= {"seconds": r.seconds, "cpu_seconds": r.cpu_seconds, "peak_bytes": r.peak_bytes}
    content |= {"began": event.began, "ended": event.ended, "pid": pid}
    path = Path(event.folder, _layout.OUTCOME)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content) + "\n", encoding="utf-8")
    new.replace(path)


def gone(address: str, error: BaseException | None) -> RayLost:
    """The error that says that Ray is out of reach."""
    why = f" ({first_sentence(str(error))})" if error is not None and str(error) else ""
    return RayLost(
        f"the Ray cluster at {address} can't be reached any more{why}; nothing that was recorded is lost. When it is back, "
        "type the same command again: trials that still run there are taken up, the others run again"
    )


def first_sentence(text: str) -> str:
    """The line of Ray's message that says what happened, without the advice after it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next(
        (line for line in lines if "because" in line or "node" in line.lower()),
        lines[0] if lines else "no reason given",
    )
    return told.split(" Worker exit type")[0].split(" Some common causes")[0].rstrip(". ")[:300]
