"""Spell's `spell.client`: `from_environment()` gives a client whose `hyper` begins searches and whose `runs` begins runs.

Where Spell's token said whose account it was, here the store says which record it is: $LUTHIER_STORE, else the nearest
`.luthier/`, as on the command line.
"""

from __future__ import annotations

import os
from pathlib import Path

from luthier.compat.spell.client.hyper import HyperService
from luthier.compat.spell.client.runs import RunsService

__all__ = ["SpellClient", "from_environment"]


class SpellClient:
    """The services of one store. Opens nothing before one of them is asked."""

    def __init__(self, store: str | os.PathLike[str] | None = None) -> None:
        from luthier.store.location import store_folder

        text = os.environ.get("LUTHIER_STORE") if store is None else os.fspath(store)
        self.folder = store_folder(text, Path.cwd()).absolute()
        self.runs = RunsService(self.folder)
        self.hyper = HyperService(self.folder)

    def __repr__(self) -> str:
        return f"SpellClient({str(self.folder)!r})"


def from_environment(store: str | os.PathLike[str] | None = None) -> SpellClient:
    """A client of the store that the environment names; or of another, which is ours."""
    return SpellClient(store)
