"""The nearest valid word, for messages about a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["hint", "nearest"]


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word most like `word`, or None when none is like it."""
    import difflib

    found = difflib.get_close_matches(word, list(valid), n=1, cutoff=0.6)
    return found[0] if found else None


def hint(word: str, valid: Iterable[str]) -> str:
    """` (did you mean x?)`, or nothing."""
    found = nearest(word, valid)
    return f" (did you mean {found}?)" if found else ""
