"""The workspaces of a store and what is set in each: code, data, hyperparameters.

They belong to the endpoint, so that two people at one store see the same ones: `kaos/workspaces/NAME.json` in the store's
folder. Each change reads, changes and replaces the file under a lock, which the kernel drops however its holder ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from luthier.cli.doors.kaos.words import KaosError
from luthier.errors import UsageError
from luthier.view.whole import write_whole

__all__ = [
    "Hyper",
    "Input",
    "Inputs",
    "bundles_in_use",
    "changing",
    "check_name",
    "create",
    "exists",
    "kill",
    "names",
    "read",
    "similar",
]


@dataclass(frozen=True, slots=True)
class Input:
    """A bundle that is set: its label's name and hash, its whole digest, who set it. `root` is the folder inside the
    bundle whose name it bears; empty where that is the bundle itself."""

    name: str
    digest: str
    author: str
    root: str = ""
    word: str = ""

    @property
    def hash(self) -> str:
        """Five hex digits."""
        return self.word or self.digest[:5]

    @property
    def glob(self) -> str:
        """`mnist:e23a2`."""
        return f"{self.name}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Hyper:
    """Hyperparameters that are set: their hash, the file's text, who set them."""

    hash: str
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that is set in a workspace. `id` tells it from one of the same name that was killed."""

    name: str
    id: str
    owner: str = ""
    code: Input | None = None
    data: Input | None = None
    hyper: Hyper | None = None


def check_name(name: str | None) -> str:
    """A workspace's name as it is kept. **Raises** KaosError."""
    if not name:
        raise KaosError("Invalid workspace name!")
    if not re.fullmatch(r"[a-zA-Z0-9_]+", name):
        raise KaosError(f"Invalid Workspace name {name!r}; use letters, digits and _")
    return name.lower()


def names(folder: Path) -> list[str]:
    """All workspaces of a store, sorted."""
    return sorted(file.stem for file in (folder / "kaos" / "workspaces").glob("*.json"))


def exists(folder: Path, name: str) -> bool:
    """Whether there is one of this name."""
    return _file(folder, name).is_file()


def read(folder: Path, name: str) -> Inputs:
    """What is set in a workspace. **Raises** KaosError when its file can't be read."""
    path = _file(folder, name)
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        parts = {"code": Input, "data": Input, "hyper": Hyper}
        made = {key: kind(**data[key]) if data.get(key) else None for key, kind in parts.items()}
        return Inputs(data["name"], data["id"], data["owner"], **made)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KaosError(f"the workspace {name} can't be read: {path} ({error})") from None


def bundles_in_use(folder: Path) -> set[str]:
    """The digests of all that is set in a store's workspaces; no experiment needs to name them yet."""
    set_here = [
        part
        for name in names(folder)
        for inputs in [read(folder, name)]
        for part in (inputs.code, inputs.data)
    ]
    return {part.digest for part in set_here if part is not None}


@contextmanager
def changing(folder: Path, name: str) -> Iterator[list[Inputs]]:
    """Holds a workspace while it is changed: put what it is to become in the place of the list's one item."""
    with _locked(folder, name):
        box = [read(folder, name)]
        before = box[0]
        yield box
        if box[0] != before:
            _write(folder, box[0])


def create(folder: Path, name: str, owner: str) -> None:
    """Makes a new one. **Raises** KaosError when there is one."""
    with _locked(folder, name):
        if exists(folder, name):
            raise KaosError(f"Workspace {name} already exists. Please use kaos workspace set")
        _write(folder, Inputs(name, uuid4().hex, owner))


def kill(folder: Path, name: str) -> None:
    """Forgets a workspace and its inputs."""
    with _locked(folder, name):
        _file(folder, name).unlink(missing_ok=True)


def similar(name: str, known: list[str]) -> list[str]:
    """The names that one or two slips of the finger away are this one."""
    return [other for other in known if _distance(name, other) <= 2]


def _distance(a: str, b: str) -> int:
    """How many letters must be put in, left out, changed or swapped with a neighbour.

    **Source** Damerau (1964), Levenshtein (1966); no letter is moved twice.
    """
    rows = [list(range(len(b) + 1))]
    for i, left in enumerate(a, 1):
        row = [i]
        for j, right in enumerate(b, 1):
            best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                best = min(best, rows[i - 2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def _file(folder: Path, name: str) -> Path:
    return folder / "kaos" / "workspaces" / f"{name}.json"


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    path = _file(folder, name).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise KaosError(f"{path} can't be written: {error.strerror}") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _write(folder: Path, inputs: Inputs) -> None:
    content = json.dumps(asdict(inputs), indent=1).encode()
    try:
        write_whole(_file(folder, inputs.name), content, is_durable=True)
    except UsageError as error:
        raise KaosError(str(error)) from None
