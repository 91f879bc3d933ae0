"""Bundles as kaos names them: a folder becomes `/mnist:e23a2`, the name of its root folder and five digits of its content.

A bundle's root is its only folder, as in `model-train/mnist/`; a folder that has the files themselves bears its own name.
What a bundle keeps and leaves out is `luthier.bundles`' affair.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from luthier.cli.doors.kaos.words import CHECK, KaosError, notice, symbol
from luthier.cli.doors.kaos.workspaces import Input
from luthier.cli.output import can_print, emit, paint

if TYPE_CHECKING:
    from luthier.bundles import Bundle

__all__ = ["MODEL", "model_folder", "program_of", "set_bundle", "set_manifest"]

MODEL = "model"
PROGRAMS = ("train", "train.py", "train.sh")
_BAR = 27


def set_bundle(path: Path, kind: Literal["source", "data"], folder: Path, author: str) -> Input:
    """Keeps a folder as a bundle, with kaos's three lines about it.

    **Raises** KaosError for what kaos could not train with; UsageError for what can't be bundled.
    """
    root = _root_of(path, kind)
    if kind == "source":
        program_of(model_folder(path / root))
    emit(f"Submitting {kind} bundle: {path}")
    bundle = _kept(path, kind, folder)
    name = (root or path.resolve().name or "bundle").replace(":", "_")
    return _set(kind, Input(name, bundle.digest, author, root))


def set_manifest(path: Path, folder: Path, author: str) -> Input:
    """Brings the files together that a manifest names (lines of JSON with `url` and `path`) and keeps them as a bundle.

    **Raises** KaosError naming the line.
    """
    from hashlib import sha256

    from luthier.run.rooms import Room

    emit(f"Submitting data manifest bundle: {path}")
    content = path.read_bytes()
    with Room() as room:
        made = Path(room, "bundle")  # a file of the room's own lies beside it
        made.mkdir()
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip():
                _bring(f"{path}:{number}", line, path.parent, made)
        if not any(made.iterdir()):
            raise KaosError(f"The manifest file is invalid: {path} names no files")
        bundle = _kept(made, "data", folder)
    word = sha256(content).hexdigest()[:5]
    return _set("data manifest", Input("manifest", bundle.digest, author, "", word))


def model_folder(root: Path) -> Path:
    """Where the program is: the folder `model` where there is one."""
    return root / MODEL if (root / MODEL).is_dir() else root


def program_of(model: Path) -> str:
    """The name of the file that trains. **Raises** KaosError where there is none."""
    for name in PROGRAMS:
        if (model / name).is_file():
            return name
    raise KaosError(
        f"Missing file train in model directory of source-code bundle: {model} has none of {', '.join(PROGRAMS)}"
    )


def _root_of(path: Path, kind: str) -> str:
    """The name of the folder inside that the bundle is about; empty where that is the bundle itself."""
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    if not entries:
        raise KaosError(f"Bundle must be non-empty: {path}")
    folders = sorted(entry.name for entry in entries if entry.is_dir() and entry.name != "__pycache__")
    files = [entry for entry in entries if not entry.is_dir() and not entry.name.upper().startswith("README")]
    if kind == "data":
        return folders[0] if len(folders) == 1 and not files else ""
    if MODEL in folders or files:
        return ""
    if len(folders) > 1:
        raise KaosError(f"Too many directories in source-code bundle: {path} has {', '.join(folders)}")
    if not folders:
        raise KaosError(f"Missing root directory in source-code bundle: {path}")
    return folders[0]


def _kept(path: Path, kind: Literal["source", "data"], folder: Path) -> Bundle:
    from luthier.bundles import snapshot

    label = f"Compressing {kind} bundle: "
    bundle, _ = snapshot(path, "code" if kind == "source" else "data", folder, _bar(label))
    emit(label + _drawn(1.0))
    for line in bundle.notices:
        notice(line)
    return bundle


def _bar(label: str) -> Callable[[int, int], None] | None:
    """Draws how far it is, where somebody is watching."""
    if not sys.stderr.isatty():
        return None

    def draw(done: int, total: int) -> None:
        end = "\r" + " " * (len(label) + _BAR + 6) + "\r" if done >= total else ""
        sys.stderr.write(f"\r{label}{_drawn(done / max(total, 1))}{end}")
        sys.stderr.flush()

    return draw


def _drawn(share: float) -> str:
    block = "█" if can_print("█") else "#"
    full = int(share * _BAR)
    return f"{int(share * 100):3d}%|{block * full}{' ' * (_BAR - full)}|"


def _set(kind: str, made: Input) -> Input:
    emit(f" {paint(symbol(CHECK), 'bold', 'green')} Setting {kind} bundle: /{made.glob}\n")
    return made


def _bring(where: str, line: bytes, beside: Path, into: Path) -> None:
    """Puts one file of a manifest where it belongs."""
    try:
        entry = json.loads(line)
        url, place = entry["url"], entry["path"]
    except (ValueError, KeyError, TypeError):
        raise KaosError(f'The manifest file is invalid: {where} is no {{"url": …, "path": …}}') from None
    if not isinstance(url, str) or not isinstance(place, str) or not place:
        raise KaosError(f"The manifest file is invalid: {where}: url and path have to be texts")
    target = (into / place).resolve()
    if not target.is_relative_to(into.resolve()) or target == into.resolve():
        raise KaosError(f"The manifest file is invalid: {where}: the path {place!r} leads out of the data")
    target.parent.mkdir(parents=True, exist_ok=True)
    _fetch(where, url, beside, target)


def _fetch(where: str, url: str, beside: Path, target: Path) -> None:
    import shutil
    from urllib.request import url2pathname, urlopen

    parts = urlsplit(url)
    try:
        if parts.scheme in ("http", "https"):
            with urlopen(url, timeout=60) as answer, open(target, "wb") as file:
                shutil.copyfileobj(answer, file)
        elif parts.scheme in ("", "file"):
            shutil.copyfile(beside / url2pathname(parts.path), target)
        else:
            raise KaosError(
                f"{where}: {parts.scheme}:// can't be fetched; name files by http://, https://, file:// or a path"
            )
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise KaosError(f"{where}: {url} could not be fetched: {reason}") from None
