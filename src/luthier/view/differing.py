"""What differs between two trials: parameters, code file by file, data, packages, git, machine, command, result."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from luthier.bundles import Entry, contents, tree_of
from luthier.errors import LuthierError
from luthier.view.provenance import Lineage, short_digest

__all__ = ["Difference", "FileDifference", "differences", "file_differences"]

_MOST_BYTES = 10**6
_MOST_LINES = 5000
_WHOLE_LINES = 100
"""Longer files are not shown whole where they were added or removed."""


class Difference(NamedTuple):
    """One thing that is not the same: of which `part`, its name there, and what it is in each; None where it is missing."""

    part: str
    name: str
    a: str | None
    b: str | None


class FileDifference(NamedTuple):
    """A file that is not the same: `added`, `removed` or `changed`, and the lines of a unified diff. `why` says why there
    are none."""

    path: str
    how: str
    lines: tuple[str, ...] = ()
    why: str = ""


def differences(a: Lineage, b: Lineage) -> list[Difference]:
    """What differs, part by part; of the code only its digest (`file_differences` has the files)."""
    parts: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [
        ("parameters", a.parameters, b.parameters),
        ("seed", {"seed": a.seed}, {"seed": b.seed}),
        (
            "command",
            {"command": a.command, "directory": a.directory},
            {"command": b.command, "directory": b.directory},
        ),
        ("code", _bundle(a.ran_with.code, a.ran_with.no_code), _bundle(b.ran_with.code, b.ran_with.no_code)),
        ("data", _bundle(a.ran_with.data), _bundle(b.ran_with.data)),
        ("git", a.ran_with.git or {}, b.ran_with.git or {}),
        ("python", _python(a), _python(b)),
        ("packages", *((_packages(a), _packages(b)) if _packages(a) and _packages(b) else ({}, {}))),
        ("environment", _flat(a.environment), _flat(b.environment)),
        ("variables", a.ran_with.variables, b.ran_with.variables),
        ("machine", a.ran_with.machine, b.ran_with.machine),
        ("result", _result(a), _result(b)),
        ("metrics", a.metrics, b.metrics),
    ]
    found = []
    for part, old, new in parts:
        for name in dict.fromkeys((*old, *new)):
            one, other = _text(old.get(name)), _text(new.get(name))
            if one != other:
                found.append(Difference(part, name, one, other))
    return found


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _bundle(bundle: Mapping[str, Any] | None, missing: str = "") -> dict[str, Any]:
    if bundle is None:
        return {"bundle": f"not kept: {missing}"} if missing else {}
    large = {f"{path} (not kept)": f"{size} bytes" for path, size, _ in bundle.get("large", ())}
    return {"bundle": short_digest(bundle["digest"]), **large}


def _python(lineage: Lineage) -> dict[str, Any]:
    python = lineage.ran_with.python or {}
    return {name: python.get(name) for name in ("version", "executable")}


def _packages(lineage: Lineage) -> Mapping[str, Any]:
    packages: Mapping[str, Any] = (lineage.ran_with.python or {}).get("packages", {})
    return packages


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of an environment under dotted names."""
    flat: dict[str, Any] = {}
    for name, value in environment.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat


def _result(lineage: Lineage) -> dict[str, Any]:
    return {"outcome": lineage.state, "value": lineage.value, "taken from": lineage.reused}


# ------------------------------------------------------------------ code


def file_differences(folder_a: Path, a: Lineage, folder_b: Path, b: Lineage) -> list[FileDifference] | None:
    """How the code differs, file by file; None where either is not kept, so that it can't be told."""
    if a.ran_with.code is None or b.ran_with.code is None:
        return None
    digests = a.ran_with.code["digest"], b.ran_with.code["digest"]
    if digests[0] == digests[1]:
        return []
    try:
        return list(_files(folder_a, digests[0], folder_b, digests[1]))
    except LuthierError:  # it was deleted
        return None


def _files(folder_a: Path, digest_a: str, folder_b: Path, digest_b: str) -> Iterator[FileDifference]:
    old = {entry.path: entry for entry in contents(folder_a, digest_a).entries}
    new = {entry.path: entry for entry in contents(folder_b, digest_b).entries}
    trees = tree_of(folder_a, digest_a), tree_of(folder_b, digest_b)
    for path in sorted({*old, *new}):
        one, other = old.get(path), new.get(path)
        if one == other:
            continue
        how = "added" if one is None else "removed" if other is None else "changed"
        yield _file(path, how, _lines(trees[0], one), _lines(trees[1], other), one, other)


def _file(
    path: str,
    how: str,
    before: list[str] | str,
    after: list[str] | str,
    one: Entry | None,
    other: Entry | None,
) -> FileDifference:
    if isinstance(before, str) or isinstance(after, str):
        return FileDifference(path, how, why=before if isinstance(before, str) else str(after))
    names = (f"a/{path}" if one else "/dev/null", f"b/{path}" if other else "/dev/null")
    if how != "changed" and (count := len(before) + len(after)) > _WHOLE_LINES:
        return FileDifference(path, how, why=f"{count} lines")
    lines = tuple(line.rstrip("\n") for line in difflib.unified_diff(before, after, *names))
    if not lines and one and other and one.what != other.what:
        return FileDifference(
            path, how, why="only whether it may be executed" if one.content == other.content else ""
        )
    return FileDifference(
        path, how, lines[:_MOST_LINES], "" if len(lines) <= _MOST_LINES else "the rest is left out"
    )


def _lines(tree: Path, entry: Entry | None) -> list[str] | str:
    """The lines of a file; why there are none to be compared."""
    if entry is None:
        return []
    if entry.is_link:
        return [f"-> {entry.content}\n"]
    if entry.size_bytes > _MOST_BYTES:
        return "large"
    content = (tree / entry.path).read_bytes()
    try:
        return "binary" if b"\0" in content else content.decode("utf-8").splitlines(keepends=True)
    except UnicodeDecodeError:
        return "binary"
