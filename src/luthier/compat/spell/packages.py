"""`--pip` and `--pip-req` without a container: the packages are installed beside the store, for these runs alone.

They go into a folder of their own, once for each list, that stands in front of PYTHONPATH: nothing the user has is changed,
and whatever else the program finds stays as it is. pip reads the user's own settings of where packages come from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from luthier.compat.secrets import without_user
from luthier.compat.spell.errors import SpellError
from luthier.description import Command

__all__ = ["installed"]

_PYTHON = re.compile(r"(.*/)?python[0-9.]*")


def installed(packages: Sequence[str], requirements: str | None, command: Command, folder: Path) -> Path:
    """The folder that has these packages. **Holds** it is whole, and made once; may be repeated after a kill.

    **Raises** SpellError with pip's own reason where it fails; its words are in `install.log`.
    """
    python = _python_of(command)
    listed = Path(requirements).read_text(encoding="utf-8") if requirements else ""
    what = "\0".join([*packages, "", listed, python, str(Path.cwd())])
    place = folder / "spell" / "packages" / hashlib.sha256(what.encode()).hexdigest()[:16]
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            made = place.with_suffix(".part")
            shutil.rmtree(made, ignore_errors=True)
            words = [*packages, *(["-r", requirements] if requirements else [])]
            _install(python, words, made, place.with_suffix(".log"))
            made.rename(place)
    return place


def _python_of(command: Command) -> str:
    """The Python that the command runs, where one can be seen in it; else this one."""
    for word in command.words[0].split() if command.shell else command.words[:1]:
        if _PYTHON.fullmatch(word) and (found := shutil.which(word)):
            return found
    return shutil.which("python") or sys.executable


def _install(python: str, packages: Sequence[str], target: Path, log: Path) -> None:
    words = ["install", "--disable-pip-version-check", "--no-input", "--target", str(target), *packages]
    with open(log, "w", encoding="utf-8") as file:
        for start in ([python, "-m", "pip"], [sys.executable, "-m", "pip", "--python", python]):
            if subprocess.run([*start, "--version"], capture_output=True, check=False).returncode:
                continue
            done = subprocess.run(
                [*start, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            if done.returncode:
                raise SpellError(
                    f"pip could not install {' '.join(packages)}: {without_user(_reason(log))}; {log} has all of it"
                )
            target.mkdir(exist_ok=True)  # a list of nothing
            return
    raise SpellError(
        f"{python} has no pip to install {' '.join(packages)} with; install pip, or the packages"
    )


def _reason(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.partition("ERROR:")[2].strip() for line in lines if "ERROR:" in line]
    return errors[-1] if errors else (lines or ["it said nothing"])[-1]
