"""Which experiment a command goes on with, and other small rules about names that every store shares."""

from __future__ import annotations

from luthier.digest import sha256
from luthier.errors import UsageError

__all__ = ["chosen_seed", "named_conflict", "sheet_digest"]


def sheet_digest(text: str) -> str:
    """What names the text of a provenance."""
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def chosen_seed(given: int, last: int | None) -> int:
    """The seed of a new experiment when the user named none: one that no twin has used."""
    return given if last is None else max(given, last + 1)


def named_conflict(name: str, other: int) -> UsageError:
    """The refusal to go on with a named experiment that is another search."""
    return UsageError(
        f"the name {name!r} belongs to experiment {other}, which is another search (its command, space, algorithm or "
        f"objective differs); choose another --name, or add --new to start afresh under this one"
    )
