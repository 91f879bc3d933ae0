"""Keeps what happened: JSON lines, one file a peer, one line a search. Nothing that is there is run again.

A line says the problem's digest and the peer's versions; a line whose problem has changed since counts as not there.
Results of Luthier also carry a digest of the searchers' sources, so that a change there ends ours and no one else's;
while tuning they go to an untracked folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.quality.problem import Problem
from bench.quality.problems import all_problems
from bench.quality.sources import code_digest

__all__ = ["SCRATCH", "TRACKED", "append", "code_digest", "key_of", "load", "wanted_key"]

HERE = Path(__file__).parent
TRACKED = HERE / "results"
SCRATCH = HERE / ".scratch"

Key = tuple[str, int, int]


def file_of(folder: Path, peer: str) -> Path:
    """Where the results of a peer are."""
    return folder / f"{peer.replace(':', '-')}.jsonl"


def append(record: dict[str, Any], folder: Path) -> None:
    """Adds one line. Writers may be many: a line is written by one call to an appending file."""
    folder.mkdir(parents=True, exist_ok=True)
    with file_of(folder, record["peer"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, separators=(",", ":")) + "\n")


def load(
    peer: str, folders: Iterable[Path] = (TRACKED, SCRATCH), code: str | None = None
) -> dict[Key, dict[str, Any]]:
    """The results of a peer that still count, by (problem, seed, budget); the last of several.

    `code` chooses among Luthier's own: that digest, `last` for the last one in the first folder that has any, or the
    present one.
    """
    kept = [[record for record in lines_of(file_of(folder, peer)) if counts(record)] for folder in folders]
    records = [record for each in kept for record in each]
    if peer.startswith("luthier:"):
        last = next((each[-1]["code"] for each in kept if each), None)
        wanted = (last if code == "last" else code) or code_digest()
        records = [record for record in records if record["code"] == wanted]
    return {key_of(record): record for record in records}


def lines_of(path: Path) -> list[dict[str, Any]]:
    """What a file holds, in order."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [record for record in map(_read, lines) if record]


def _read(line: str) -> dict[str, Any] | None:
    """A line that a killed writer cut short is no result."""
    try:
        record: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return record


def counts(record: dict[str, Any]) -> bool:
    """Whether the problem is still the one that was searched."""
    problem = all_problems().get(record["problem"])
    return problem is not None and problem.digest == record["digest"]


def key_of(record: dict[str, Any]) -> Key:
    """What a record is about."""
    return record["problem"], record["seed"], record["budget"]


def wanted_key(problem: Problem, seed: int, budget: int) -> Key:
    """The key of a search that is yet to be made."""
    return problem.name, seed, budget
