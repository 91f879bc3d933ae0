"""When which attempt ran and where, for the page's timeline. What has ended is read once."""

from __future__ import annotations

from threading import Lock
from typing import Any

from luthier.store import Store
from luthier.trial import Attempt, TrialState
from luthier.view.figures.timeline import packed as lanes_of
from luthier.web.columns import Columns

__all__ = ["Attempts"]

MOST_TRIALS = 3000
"""Of more trials the newest are shown, and it is said."""


class Attempts:
    """The attempts of one experiment's newest trials. May be asked from several threads."""

    def __init__(self, store: Store, experiment: int) -> None:
        self._store = store
        self._experiment = experiment
        self._known: dict[int, tuple[tuple[object, ...], list[Attempt]]] = {}
        self._guard = Lock()

    def document(self, columns: Columns, now: float, since: int | None = None) -> dict[str, Any]:
        """All attempts as columns, or those of trials that changed since a revision; lanes go by all of them."""
        with self._guard:
            begun = columns.column("columns", "attempt")
            chosen = sorted(one for one, attempt in begun.items() if attempt)
            kept = chosen[-MOST_TRIALS:]
            states = columns.column("columns", "state")
            found = [
                attempt for one in kept for attempt in self._of(one, (begun[one], states[one]), states[one])
            ]
            for one in set(self._known) - set(kept):
                del self._known[one]
        lanes = _lanes(found, now)
        wanted = None if since is None else set(columns.touched_since(since))
        rows = [
            (
                a.id.trial,
                a.id.attempt,
                a.worker,
                lane,
                begin,
                a.ended,
                a.result.outcome.value if a.result else None,
            )
            for a, (lane, begin) in zip(found, lanes, strict=True)
            if wanted is None or a.id.trial in wanted
        ]
        names = ("trial", "attempt", "worker", "slot", "began", "ended", "outcome")
        columns_of = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
        return {
            "revision": columns.revision,
            "whole": since is None,
            "shown": len(kept),
            "trials": len(chosen),
            "attempts": dict(zip(names, columns_of, strict=True)),
        }

    def _of(self, number: int, state: tuple[object, ...], word: str) -> list[Attempt]:
        known = self._known.get(number)
        if known is None or known[0] != state or word == TrialState.RUNNING:
            known = (state, self._store.attempts(self._experiment, number))
            self._known[number] = known
        return known[1]


def _lanes(attempts: list[Attempt], now: float) -> list[tuple[int, float]]:
    """The place of each attempt among those of its worker, and when it really began: short ones are claimed ahead of time,
    so seconds are counted back from the end."""
    spans: list[tuple[float, float]] = []
    for attempt in attempts:
        end = attempt.ended if attempt.ended is not None else max(now, attempt.began)
        took = (
            attempt.result.seconds
            if attempt.result and attempt.result.seconds is not None
            else end - attempt.began
        )
        spans.append((min(max(attempt.began, end - took), end), end))
    lanes = [0] * len(attempts)
    by_worker: dict[str, list[int]] = {}
    for place in sorted(range(len(attempts)), key=lambda place: spans[place][0]):
        by_worker.setdefault(attempts[place].worker, []).append(place)
    for places in by_worker.values():
        for place, lane in zip(places, lanes_of([spans[one] for one in places]), strict=True):
            lanes[place] = lane
    return [(lane, span[0]) for lane, span in zip(lanes, spans, strict=True)]
