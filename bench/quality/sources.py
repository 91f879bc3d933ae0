"""Which modules of Luthier make proposals: read from their imports, so that no other change ends results that are kept.

Knows nothing of results; `results.py` makes a digest of what is found here.
"""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["proposing"]


def proposing(source: Path) -> list[Path]:
    """All modules of `search` and those of `space` that they load; a module beside them can change no proposal."""
    found: set[Path] = set()
    waiting = list((source / "search").rglob("*.py"))
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [each for each in imported(path, source) if each.is_relative_to(source / "space")]
    return sorted(found)


def imported(path: Path, source: Path) -> list[Path]:
    """The modules of ours that a module names in its imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
    places = [source.joinpath(*name.split(".")[1:]) for name in names if name.split(".")[0] == source.name]
    files = [each for place in places for each in (place.with_suffix(".py"), place / "__init__.py")]
    return [each for each in files if each.is_file()]
