"""What Spell's door remembers beside the record, in a small file of the store: which searches and runs are archived, and
the labels that were put on runs afterwards.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from luthier.compat.spell.errors import SpellError
from luthier.view.whole import write_whole

__all__ = ["Kept"]


class Kept:
    """The file `spell.json` of a store's folder. Each change is written whole, one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "spell.json"

    def archived(self, what: str) -> set[int]:
        """The archived `searches` or `runs`."""
        return set(self._read().get(f"archived {what}", []))

    def archive(self, what: str, number: int) -> None:
        """Hides one from the lists; may be repeated."""
        with self._changed() as content:
            name = f"archived {what}"
            content[name] = sorted({*content.get(name, []), number})

    def labels(self, run: int) -> list[str]:
        """The labels that were put on a run."""
        return list(self._read().get("labels", {}).get(str(run), []))

    def label(self, run: int, add: list[str], remove: list[str]) -> list[str]:
        """Puts labels on a run and takes others off, and returns those it has now."""
        with self._changed() as content:
            labels = content.setdefault("labels", {})
            kept = [one for one in labels.get(str(run), []) if one not in remove]
            labels[str(run)] = kept + [one for one in dict.fromkeys(add) if one not in kept]
            return list(labels[str(run)])

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SpellError(f"{self._path} could not be read: {error}; mend it or remove it") from None
        return content if isinstance(content, dict) else {}

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        """Reads, lets the body change what it read, and replaces the file with it."""
        with open(self._path.with_suffix(".lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            content = self._read()
            yield content
            write_whole(self._path, json.dumps(content, indent=1).encode())
