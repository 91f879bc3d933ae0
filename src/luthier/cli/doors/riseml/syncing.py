"""`Syncing project (1.3 MB, 7 files)...done`: a snapshot of the project, for the record; its trials run where it stands.

What `.gitignore`, `.luthierignore` and `.risemlignore` name is left out. A project that is large is not copied, and that
is said. The revision is that of git where nothing has changed since, else 40 digits of the snapshot's own digest.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from luthier.bundles import SMALL, Survey, snapshot
from luthier.bundles.survey import survey
from luthier.cli.output import many, size
from luthier.digest import sha256

__all__ = ["Synced", "sync"]

IGNORE = ".risemlignore"


class Synced(NamedTuple):
    """A project's line, its revision, the digest of its snapshot (None: it was not copied), and what is to be said."""

    line: str
    revision: str
    bundle: str | None
    notices: tuple[str, ...]


def sync(root: Path, folder: Path) -> Synced:
    """Keeps a project in the store's folder. **Raises** UsageError for what can't be read, StoreError."""
    found = survey(root, "code")
    _leave_out(found, root)
    amount = f"{size(found.size_bytes)}, {many(len(found.files), 'file')}"
    is_small = len(found.files) <= SMALL.files and found.size_bytes <= SMALL.size_bytes
    if found.files and is_small:
        bundle, _ = snapshot(root, "code", folder, found=found)
        digest: str | None = bundle.digest
        notices, ending = found.notices(), "done"
    else:
        digest, ending = None, "done"
        larger = f"more than {size(SMALL.size_bytes)} or {SMALL.files} files"
        notices = (f"the project is large ({larger}), so no copy is kept; name its data in {IGNORE}",)
        notices = notices if found.files else ()
    revision = _of_git(root) or (digest or _of_listing(found))[:40]
    return Synced(f"Syncing project ({amount})...{ending}", revision, digest, notices)


def _leave_out(found: Survey, root: Path) -> None:
    """Takes out of a survey what `.risemlignore` names, as gitignore(5) reads it."""
    try:
        lines = (root / IGNORE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(lines)
    found.files[:] = [file for file in found.files if not spec.match_file(file.path)]
    found.links[:] = [link for link in found.links if not spec.match_file(link.path)]
    found.size_bytes = sum(file.status.st_size for file in found.files)


def _of_git(root: Path) -> str | None:
    """The commit that the project is at, when nothing was changed since."""
    changed = _git(root, "status", "--porcelain", "--", ".", ":!.luthier")
    if changed is None or changed.strip():
        return None
    head = (_git(root, "rev-parse", "HEAD") or "").strip()
    return head if len(head) >= 40 else None


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _of_listing(found: Survey) -> str:
    lines = [f"{file.path} {file.status.st_size} {file.status.st_mtime_ns}" for file in found.files]
    return sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()
