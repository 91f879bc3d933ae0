"""Which modules of Luthier make proposals: read from their imports, so that no other change ends results that are kept.

Knows nothing of results, and loads none of what the problems need.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

__all__ = ["code_digest", "proposing"]

SOURCE = Path(__file__).parents[2] / "src" / "luthier"


@cache
def code_digest() -> str:
    """Which Luthier proposes: a digest of the sources of its searchers and of what they know of spaces."""
    digest = hashlib.sha256()
    for path in proposing(SOURCE):
        digest.update(path.relative_to(SOURCE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


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
