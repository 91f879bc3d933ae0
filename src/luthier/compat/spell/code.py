"""The code of a search: this folder, a commit of its repository, or a repository elsewhere, and the snapshot kept of it.

Runs work where the user stands, as the page shows; with a commit or a repository they work in a checkout of it in the
store's folder, one for each commit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.compat.secrets import without_user
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.wanted import Wanted
from luthier.description import Description

__all__ = ["Code", "code_of"]

_GIT_SECONDS = 600.0
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class Code(NamedTuple):
    """An experiment that works on its code and names the snapshot of it; the line that says what was sent, None where it
    was known; notices."""

    description: Description
    line: str | None
    notices: tuple[str, ...] = ()


def code_of(wanted: Wanted, description: Description, folder: Path) -> Code:
    """Finds the code, and keeps it. **Raises** SpellError for a commit or a repository that can't be had."""
    here = Path.cwd()
    if wanted.github_url:
        source = _cloned(wanted.github_url, wanted.github_ref, folder)
        return _kept(_in_place(description, source), source, folder)
    if wanted.github_ref:
        raise SpellError("--github-ref names a commit of --github-url, which is missing")
    root = _repository(here)
    if wanted.commit_ref:
        if root is None:
            raise SpellError(f"--commit-ref {wanted.commit_ref}: {here} is in no git repository")
        source = _checked_out(root, wanted.commit_ref, folder)
        inside = source / here.relative_to(root)
        if not inside.is_dir():
            raise SpellError(
                f"--commit-ref {wanted.commit_ref}: that commit has no folder {here.relative_to(root)}"
            )
        return _kept(_in_place(description, inside), source, folder)
    return _kept(description, root or here, folder)


def _in_place(description: Description, directory: Path) -> Description:
    assert description.command is not None
    return description._replace(command=description.command._replace(directory=str(directory)))


def _repository(start: Path) -> Path | None:
    """The root of the git repository a folder is in."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return None


def _kept(description: Description, source: Path, folder: Path) -> Code:
    """Keeps a snapshot, where the folder is small enough to be kept without being asked for."""
    from luthier.bundles import SMALL, TooLarge, snapshot

    try:
        bundle, is_new = snapshot(source, "code", folder, most=SMALL)
    except TooLarge as error:
        return Code(description, None, (f"notice: no snapshot of the code is kept: {error}",))
    made = description._replace(bundles={**description.bundles, "code": bundle.digest})
    line = None
    if is_new:
        files = "1 file" if bundle.files == 1 else f"{bundle.files} files"
        line = f"Syncing code ({_size(bundle.size_bytes)}, {files})...done"
    return Code(made, line, tuple(f"notice: {each}" for each in bundle.notices if is_new))


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


# ---------------------------------------------------------------------- git


def _checked_out(root: Path, ref: str, folder: Path) -> Path:
    """A checkout of one commit, made once."""
    commit = _git(["-C", str(root), "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}"]).strip()
    place = folder / "spell" / "code" / commit
    if not place.is_dir():
        made = _making(place)
        index = {"GIT_INDEX_FILE": str(made.with_suffix(".index"))}
        _git(["-C", str(root), "read-tree", commit], index)
        _git(["-C", str(root), "checkout-index", "--all", f"--prefix={made}/"], index)
        os.unlink(index["GIT_INDEX_FILE"])
        _finish(made, place)
    return place


def _cloned(url: str, ref: str | None, folder: Path) -> Path:
    """A checkout of a repository elsewhere, made once for each commit."""
    if url.startswith("-"):
        raise SpellError(f"--github-url {url} is no address")
    made = _making(folder / "spell" / "code" / "clone")
    try:
        _git(["clone", "--quiet", "--no-checkout", "--", url, str(made)])
        wanted = f"{ref}^{{commit}}" if ref else "HEAD^{commit}"
        names = [wanted, f"origin/{wanted}"] if ref and not _COMMIT.fullmatch(ref) else [wanted]
        commit = _first(made, names, ref or "HEAD")
        _git(["-C", str(made), "checkout", "--quiet", "--detach", commit])
        place = folder / "spell" / "code" / commit
        shutil.rmtree(made / ".git")
        if not place.is_dir():
            _finish(made, place)
        return place
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _first(repository: Path, names: Sequence[str], ref: str) -> str:
    for name in names:
        try:
            return _git(
                ["-C", str(repository), "rev-parse", "--verify", "--quiet", "--end-of-options", name]
            ).strip()
        except SpellError:
            continue
    raise SpellError(f"--github-ref {ref} names no commit of that repository")


def _making(place: Path) -> Path:
    """A new folder beside `place`, where it is made."""
    made = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    return made


def _finish(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:  # somebody else was quicker
        shutil.rmtree(made, ignore_errors=True)


def _git(words: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
    """What git prints. It asks nobody for a password. **Raises** SpellError with git's own words."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **(variables or {})}
    try:
        done = subprocess.run(
            ["git", *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=_GIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise SpellError("git is not installed, and this needs it") from None
    except subprocess.TimeoutExpired:
        raise SpellError(f"git {words[0]} took longer than {_GIT_SECONDS:g} s") from None
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise SpellError(f"git: {without_user(why)}")
    return done.stdout
