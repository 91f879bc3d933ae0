"""The git repository that code is in, read from its files: commit, branch, remote, and git's own word on what has changed.

No address is given with what signs in there. Nothing here knows what is done with it: `provenance.py` keeps it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

__all__ = ["git_of", "without_credentials"]


def git_of(folder: str) -> dict[str, Any] | None:
    """The repository a folder is in: commit, branch, remote, and whether anything differs from the commit (None where
    git itself can't be asked). None where it is in none."""
    for place in (Path(folder), *Path(folder).parents):
        if (place / ".git").exists():
            break
    else:
        return None
    own = _git_folder(place)
    shared = own
    with suppress(OSError):
        shared = own / (own / "commondir").read_text(encoding="utf-8").strip()
    branch, commit = _head(own, shared)
    remote = _remote(shared)
    return {
        "root": str(place),
        "commit": commit,
        "branch": branch,
        "remote": remote,
        "dirty": _is_dirty(place),
    }


def _git_folder(place: Path) -> Path:
    """The folder behind `.git`, which is a file in worktrees and submodules."""
    path = place / ".git"
    with suppress(OSError, UnicodeDecodeError):
        text = path.read_text(encoding="utf-8")
        if text.startswith("gitdir:"):
            return place / text.removeprefix("gitdir:").strip()
    return path


def _head(own: Path, shared: Path) -> tuple[str | None, str | None]:
    """Branch and commit."""
    try:
        head = (own / "HEAD").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None, None
    if not head.startswith("ref:"):
        return None, head
    name = head.removeprefix("ref:").strip()
    for folder in (own, shared):
        with suppress(OSError):
            return name.removeprefix("refs/heads/"), (folder / name).read_text(encoding="utf-8").strip()
    with suppress(OSError, UnicodeDecodeError):
        for line in (shared / "packed-refs").read_text(encoding="utf-8").splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return name.removeprefix("refs/heads/"), commit
    return name.removeprefix("refs/heads/"), None


def _remote(shared: Path) -> str | None:
    """The address of `origin`, else of the first remote, without what signs in there."""
    found: dict[str, str] = {}
    section = ""
    try:
        lines = (shared / "config").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in map(str.strip, lines):
        if line.startswith("["):
            section = line
        elif section.startswith("[remote ") and line.partition("=")[0].strip() == "url":
            found.setdefault(section.partition('"')[2].rpartition('"')[0], line.partition("=")[2].strip())
    address = found.get("origin") or next(iter(found.values()), None)
    return without_credentials(address) if address else None


def without_credentials(address: str) -> str:
    """An address without user, password and query; `git@host:path` is left as it is, for there the user is no secret."""
    if "://" not in address:
        return address
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(an address that can't be read)"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _is_dirty(place: Path) -> bool | None:
    import subprocess

    words = ["git", "-C", str(place), "status", "--porcelain", "--untracked-files=normal"]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(done.stdout.strip()) if done.returncode == 0 else None
