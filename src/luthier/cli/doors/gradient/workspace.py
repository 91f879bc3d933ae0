"""Fetches a workspace, the project that the commands run in: a folder, an archive or a git repository.

It is fetched once, when the experiment is created, and each task gets a copy of its own, as each had a machine of its own
there. Passwords are handed to git through its environment and written nowhere.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from luthier.errors import UsageError
from luthier.run.rooms import Room

__all__ = ["NONE", "Source", "copied", "fetch", "inside", "shown"]

NONE = "none"
SCHEMES = ("https", "http", "ssh", "git", "file")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
LEFT_OUT = (
    ".git",
    ".hg",
    ".svn",
    ".luthier",
    ".venv",
    "__pycache__",
    ".ipynb_checkpoints",
    "node_modules",
)
"""What no copy of a folder holds."""
REMOTE_HOME = "/paperspace"
"""Where Gradient put the workspace: working directories are written below it."""
ASKPASS = """#!/bin/sh
case "$1" in Username*) printf '%s\\n' "$LUTHIER_GIT_USER" ;; *) printf '%s\\n' "$LUTHIER_GIT_PASSWORD" ;; esac
"""


class Source(NamedTuple):
    """Where a workspace comes from, as the options say."""

    place: str = NONE
    ref: str | None = None
    user: str | None = None
    password: str | None = None
    ignored: tuple[str, ...] = ()


def shown(place: str) -> str:
    """A workspace as it may be shown and kept: without a user, a password and a query, which may be a token."""
    from luthier.drive.repository import without_credentials

    address = place.removeprefix("git+")
    return place.removesuffix(address) + without_credentials(address)


def fetch(source: Source, into: Path) -> str | None:
    """Lays the workspace out in `into`, a new folder; returns the commit where it comes from git.

    **Holds** after an error `into` is gone. **Raises** UsageError for what can't be fetched, saying why.
    """
    into.mkdir(mode=0o700, parents=True)
    try:
        return _fetch(source, into)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise


def _fetch(source: Source, into: Path) -> str | None:
    place = source.place
    if place == NONE:
        return None
    if place.startswith("git+") or (re.match("https?://", place) and place.endswith(".git")):
        return _clone(source, into)
    if "://" in place:
        raise UsageError(
            f"{shown(place)} can't be fetched; give a folder, an archive ({', '.join(ARCHIVES[:4])}) or "
            "git+https://…; what lies elsewhere, such as on S3, has to be downloaded first"
        )
    if source.ref is not None:
        raise UsageError(f"--workspaceRef names a commit of a git repository, and {place} is none")
    path = Path(place).expanduser()
    if path.is_dir():
        _copy(path, into, source.ignored)
    elif path.is_file():
        from luthier.cli.doors.gradient.archives import extract

        extract(path, into, _ignoring(source.ignored))
    else:
        raise UsageError(f"{place} is no folder, archive or git+https://… address")
    return None


# ---------------------------------------------------------------------- folders


def _copy(path: Path, into: Path, ignored: Sequence[str]) -> None:
    is_left_out, top = _ignoring(ignored), os.path.realpath(path)
    home = os.path.realpath(into)

    def left_out(folder: str, names: list[str]) -> list[str]:
        below = os.path.relpath(folder, top)
        return [
            name
            for name in names
            if is_left_out(os.path.normpath(os.path.join(below, name)))
            or home.startswith(os.path.realpath(os.path.join(folder, name)) + os.sep)
            or not _is_plain(os.path.join(folder, name))
        ]

    copied(Path(top), into, left_out)


def _is_plain(path: str) -> bool:
    """Whether it is a file, a folder or a link: sockets and the like can't be copied."""
    return os.path.islink(path) or os.path.isfile(path) or os.path.isdir(path)


def copied(path: Path, into: Path, left_out: Callable[[str, list[str]], list[str]] | None = None) -> None:
    """Copies a folder's content; links stay links. **Raises** UsageError where a file can't be read or written."""
    try:
        shutil.copytree(path, into, symlinks=True, ignore=left_out, dirs_exist_ok=True)
    except shutil.Error as error:
        source, _, why = error.args[0][0]
        raise UsageError(f"{source} could not be copied: {why}") from error
    except OSError as error:
        raise UsageError(f"{error.filename or path} could not be copied: {error.strerror}") from error


def _ignoring(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A function telling whether a relative path is left out: one of its parts, or the whole, meets a pattern."""
    wanted = [pattern.strip("/").removeprefix("./") for pattern in patterns]

    def is_left_out(path: str) -> bool:
        parts = path.split("/")
        return any(part in LEFT_OUT for part in parts) or any(
            fnmatch.fnmatchcase(text, pattern) for pattern in wanted for text in (path, *parts)
        )

    return is_left_out


def entered(source: Source, workspace: Path, directory: str | None) -> str | None:
    """The working directory as `inside` takes it: where everything of an archive lies below one folder, as code forges pack
    it, that folder or what is named below it. What is named as the archive has it stays."""
    tops = list(workspace.iterdir())
    is_packed = Path(source.place).expanduser().is_file() and len(tops) == 1
    if not is_packed or tops[0].is_symlink() or not tops[0].is_dir():
        return directory
    below = _below(directory or "")
    if not directory or not ((workspace / below).is_dir() or Path(below).is_absolute()):
        return os.path.normpath(f"{tops[0].name}/{below}")
    return directory


def _below(directory: str) -> str:
    return directory.removeprefix(REMOTE_HOME).lstrip("/") if directory.startswith(REMOTE_HOME) else directory


def inside(workspace: Path, directory: str | None) -> Path:
    """The working directory that an option names, in a workspace.

    **Raises** UsageError where there is none, or it leads out.
    """
    if directory is None:
        return workspace
    below = _below(directory)
    path = workspace / below
    home = os.path.realpath(workspace)
    if Path(below).is_absolute() or not f"{os.path.realpath(path)}/".startswith(f"{home}/"):
        raise UsageError(f"--workingDirectory {directory} is outside of the workspace; give a path inside it")
    if not path.is_dir():
        raise UsageError(f"--workingDirectory {directory}: the workspace has no such folder")
    return path


# ---------------------------------------------------------------------- git


def _clone(source: Source, into: Path) -> str:
    address = source.place.removeprefix("git+")
    scheme = urlsplit(address).scheme
    if scheme not in SCHEMES:
        raise UsageError(
            f"{shown(source.place)}: git+ goes with {', '.join(f'{one}://' for one in SCHEMES)}, not {scheme or 'a path'}"
        )
    if source.ref is not None and (source.ref.startswith("-") or not source.ref):
        raise UsageError(f"--workspaceRef {source.ref!r} is no commit, branch or tag")
    with Room() as folder:
        environment = _git_environment(source, Path(folder))
        depth = () if source.ref else ("--depth", "1")
        _git(["clone", "--quiet", *depth, "--", address, str(into)], environment, source)
    if source.ref:
        wanted = ["rev-parse", "--verify", "--quiet", "--end-of-options"]
        for name in (source.ref, f"origin/{source.ref}"):
            found = _run(["-C", str(into), *wanted, f"{name}^{{commit}}"], dict(os.environ))
            if found.returncode == 0:
                break
        else:
            raise UsageError(f"{shown(source.place)} has no commit, branch or tag {source.ref!r}")
        _git(
            ["-C", str(into), "checkout", "--quiet", "--detach", found.stdout.strip()],
            dict(os.environ),
            source,
        )
    # A password of the address would lie in the clone.
    _git(["-C", str(into), "remote", "set-url", "origin", shown(address)], dict(os.environ), source)
    return _git(["-C", str(into), "rev-parse", "HEAD"], dict(os.environ), source).strip()


def _git_environment(source: Source, folder: Path) -> dict[str, str]:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    if source.user is not None or source.password is not None:
        script = folder / "askpass"
        script.write_text(ASKPASS)
        script.chmod(0o700)
        environment |= {
            "GIT_ASKPASS": str(script),
            "LUTHIER_GIT_USER": source.user or "git",
            "LUTHIER_GIT_PASSWORD": source.password or "",
        }
    return environment


def _run(words: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in environment.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    try:
        return subprocess.run(
            ["git", *words],
            check=False,
            env=clean,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed, which a workspace of git+https://… needs") from None


def _git(words: Sequence[str], environment: dict[str, str], source: Source) -> str:
    done = _run(words, environment)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"git ended with code {done.returncode}"]
        text = next((line for line in said if line.startswith("fatal:")), said[-1])
        for secret in filter(None, (source.password, urlsplit(source.place).password)):
            text = text.replace(secret, "***")
        raise UsageError(f"{shown(source.place)} could not be cloned: {text}")
    return done.stdout
