"""What Spell refuses: its own words, and its exit code."""

from __future__ import annotations

from luthier.errors import UsageError

__all__ = ["SpellError"]


class SpellError(UsageError):
    """Says what was asked wrongly, in Spell's words where it had any."""

    exit_code = 3
