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
    detail = event.detail
    match event.kind:
        case "created":
            return "the experiment began"
        case "amended":
            target = detail.get("target")
            return f"its target is now {'open' if target is None else f'{target} trials'}"
        case "wished":
            return str(detail.get("reason") or f"somebody asked it to {detail.get('wish', 'go on')}")
        case "proposed" | "enqueued":
            who = "proposed" if event.kind == "proposed" else "added by a person"
            count = int(detail.get("n", 1))
            return f"{count} trial{'s' * (count != 1)} {who}"
        case _:
            again = f" (attempt {event.attempt})" if event.attempt and event.attempt > 1 else ""
            return f"trial {event.trial} {_of_trial(event)}{again}" if event.trial else event.kind


def _of_trial(event: Event) -> str:
    """What happened to a trial."""
    detail = event.detail
    match event.kind:
        case "claimed":
            return f"began at {detail.get('worker', 'a worker')}"
        case "adopted":
            return f"goes on at {detail.get('worker', 'a worker')}"
        case "finished" | "returned" | "paused":
            how = detail.get("outcome", "ended")
            after = {"returned": ", back to the queue", "paused": " its stage and waits"}.get(event.kind, "")
            return f"{how}{after}"
        case "cancelled":
            return f"{detail.get('outcome', 'was cancelled')}: {detail.get('reason', '')}".removesuffix(": ")
        case "promoted":
            return f"goes on to stage {detail.get('stage')}"
        case "retried":
            return "was queued for another attempt"
        case "decided":
            said = "is to stop" if detail.get("stops") else "goes on"
            return f"{said}: {detail.get('reason', '')} ({detail.get('rule', '')})"
        case "looked":
            return "scored the test set"
        case "reused":
            return "took the result of an identical one"
        case "stale":
            return f"was too late with a {detail.get('write', 'write')}, which was set aside"
        case other:
            return f"{other}"
