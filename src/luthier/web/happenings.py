"""An experiment's events as sentences, newest first, a page at a time."""

from __future__ import annotations

from typing import Any

from luthier.store import Event, Store

__all__ = ["events_before", "sentence"]

MOST = 500


def events_before(store: Store, experiment: int, before: int | None, limit: int) -> dict[str, Any]:
    """The events of an experiment before a revision, or the newest, the newest first.

    The record gives events from a revision on, so a window before is widened until enough are in it. **Cost** about twice what
    is shown, where an experiment was alone at work.
    """
    limit = min(max(limit, 1), MOST)
    newest = store.revision()
    end = newest + 1 if before is None else min(max(before, 1), newest + 1)
    width, found = 2 * limit, list[Event]()
    while end > 1:
        since = max(0, end - 1 - width)
        found = [event for event in store.events(since, experiment, width) if event.revision < end]
        if len(found) >= limit or since == 0:
            break
        width *= 8
    shown = found[-limit:][::-1]
    return {
        "events": [
            {"revision": e.revision, "at": e.time, "kind": e.kind, "trial": e.trial, "text": sentence(e)}
            for e in shown
        ],
        "more": len(found) > limit or bool(shown and shown[-1].revision > 1 and len(found) >= limit),
    }


def sentence(event: Event) -> str:
    """`trial 7 succeeded (attempt 2)`."""
    detail, trial = event.detail, f"trial {event.trial}"
    again = f" (attempt {event.attempt})" if event.attempt and event.attempt > 1 else ""
    match event.kind:
        case "created":
            return "the experiment began"
        case "amended":
            return f"its target is now {_target(detail.get('target'))}"
        case "wished":
            reason = detail.get("reason") or ""
            return str(reason or f"somebody asked it to {detail.get('wish', 'go on')}")
        case "proposed" | "enqueued":
            who = "proposed" if event.kind == "proposed" else "added by a person"
            count = int(detail.get("n", 1))
            return f"{count} trial{'s' * (count != 1)} {who}"
        case "claimed":
            return f"{trial} began at {detail.get('worker', 'a worker')}{again}"
        case "adopted":
            return f"{trial} goes on at {detail.get('worker', 'a worker')}{again}"
        case "finished" | "returned" | "paused":
            how = detail.get("outcome", "ended")
            after = {"returned": ", back to the queue", "paused": " its stage and waits"}.get(event.kind, "")
            return f"{trial} {how}{after}{again}"
        case "cancelled":
            return (
                f"{trial} {detail.get('outcome', 'was cancelled')}: {detail.get('reason', '')}".removesuffix(
                    ": "
                )
            )
        case "promoted":
            return f"{trial} goes on to stage {detail.get('stage')}"
        case "retried":
            return f"{trial} was queued for another attempt"
        case "decided":
            said = "is to stop" if detail.get("stops") else "goes on"
            return f"{trial} {said}: {detail.get('reason', '')} ({detail.get('rule', '')})"
        case "looked":
            return f"the test set was scored with {trial}"
        case "reused":
            return f"{trial} took the result of an identical one"
        case "stale":
            return f"{trial}: a late {detail.get('write', 'write')} of an earlier attempt was set aside"
        case other:
            return f"{trial}: {other}" if event.trial else other


def _target(target: object) -> str:
    return "open" if target is None else f"{target} trials"
