"""Whether a cluster still has a node for the trials that wait: looked up while one waits long, told once and not each time.

When the nodes that could run them are gone, Ray only waits for others, and so does the search, for a cluster may grow by
itself. But a person should know what it waits for. What a node gives and an attempt needs is `ray_where.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Room"]

PATIENCE_SECONDS = 5.0  # Ray makes a place in a second or three
LOOK_SECONDS = 5.0


class Room:
    """Looks whether there is room at all. `lack` says why there is none, and nothing where there is; `say` tells a person."""

    def __init__(self, lack: Callable[[], str], say: Callable[[str], None]) -> None:
        self._lack, self._say = lack, say
        self._looked = float("-inf")
        self._is_told = False

    def look(self, waits_since: float | None, now: float) -> None:
        """Tells what is missing or there again. Something has waited for its place since then, None where nothing does."""
        if waits_since is None:
            self._tell("")
        elif now - waits_since >= PATIENCE_SECONDS and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._tell(self._lack())

    def _tell(self, lack: str) -> None:
        if lack and not self._is_told:
            self._say(f"warning: nothing can start: {lack}; the search waits for that and goes on by itself")
        elif self._is_told and not lack:
            self._say("the Ray cluster has what each trial needs again; the search goes on")
        self._is_told = bool(lack)
