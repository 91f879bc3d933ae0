"""What a search is, as another tool's file or command line describes it: a tree of `luthier run`, and what does not map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Notes", "Search"]


@dataclass(frozen=True, slots=True)
class Search:
    """A search as the tree of a native file, and what is to be said of it."""

    of: str
    tree: dict[str, Any]
    said: tuple[str, ...] = ()


class Notes:
    """What has no place in a native file, gathered as it is met."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def left_out(self, what: str, why: str) -> None:
        """Notes that something is left out, and why."""
        self.said.append(f"left out: {what}: {why}")

    def changed(self, what: str, how: str) -> None:
        """Notes that something means a little else here."""
        self.said.append(f"note: {what}: {how}")
