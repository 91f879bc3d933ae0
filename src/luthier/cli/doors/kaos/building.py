"""Builds the image of a source bundle: what its program runs with.

Where a container engine works and has, or can fetch, what the Dockerfile begins from, it is the Dockerfile's. Elsewhere it
is a Python that has what `requirements.txt` asks for: the one Luthier runs in where that has it all already, else a virtual
environment, made once for each such list (for each bundle where the list names files of it). pip is asked in both cases, with the user's own settings. A build runs by itself
(`python -m luthier.cli.doors.kaos.building FOLDER`), in the background or before a job's first attempt; a lock lets one
build at a time, and one that was killed is begun again. Below the store's folder::

    kaos/builds/<code>/request.json   what is to be built
    kaos/builds/<code>/build.log      what pip said
    kaos/builds/<code>/image.json     what became of it; there once it has ended
    kaos/environments/<key>/          a virtual environment; `.whole` in it once it is
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from luthier.cli.output import date
from luthier.clock import SystemClock
from luthier.errors import UsageError
from luthier.run.rooms import Room

__all__ = ["build"]


def build(folder: Path) -> None:
    """Builds what `request.json` asks for, unless that was done. **Holds** may be repeated, also after a kill."""
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "image.json").exists():
            return
        request: dict[str, Any] = json.loads((folder / "request.json").read_text(encoding="utf-8"))
        began = _now()
        with open(folder / "build.log", "a", encoding="utf-8") as log:
            _say(log, f"Building {request['label']}")
            try:
                image = _image(request, log)
            except (OSError, _Failed) as error:
                image = {"state": "failed", "reason": str(error)}
            if request["dockerfile"]:
                from luthier.run.containers_engine import find_engine

                image["engine"] = find_engine().engine is not None
            is_built = image["state"] == "built"
            _say(log, f"Built: {image['runs']}" if is_built else f"Failed: {image['reason']}")
        image |= {"label": request["label"], "began": began, "ended": _now()}
        beside = folder / f"image.{os.getpid()}.part"
        beside.write_text(json.dumps(image), encoding="utf-8")
        beside.replace(folder / "image.json")


class _Failed(Exception):
    """Says why there is no image."""


def _image(request: dict[str, Any], log: TextIO) -> dict[str, Any]:
    if request["dockerfile"] and (image := _of_dockerfile(request, log)):
        return image
    wanted = request["requirements"]
    if wanted is None:
        _say(log, f"No requirements.txt: it runs with {sys.executable}")
        return _built("python", sys.executable)
    if _has_all(wanted, log):
        _say(log, f"{sys.executable} has all of requirements.txt: nothing to install")
        return _built("python", sys.executable)
    place = Path(request["environment"])
    with open(f"{place}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".whole").exists():
            shutil.rmtree(place, ignore_errors=True)
            _install(place, wanted, log)
            (place / ".whole").touch()
    return _built("environment", str(place / "bin" / "python"))


_QUIET = ("--disable-pip-version-check", "--no-input")


def _has_all(wanted: str, log: TextIO) -> bool:
    """Whether this Python has what is asked for. pip knows; it is told to look nowhere else."""
    words = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "install",
        *_QUIET,
        "--dry-run",
        "--no-index",
        "-r",
        wanted,
    ]
    code, lines = _run(words, log)
    return code == 0 and not any(line.startswith("Would install") for line in lines)


def _install(place: Path, wanted: str, log: TextIO) -> None:
    """Makes a virtual environment. Luthier's own pip fills it, for many systems come without what puts one in."""
    _say(log, f"A virtual environment in {place}")
    if _run([sys.executable, "-m", "venv", "--without-pip", str(place)], log)[0]:
        raise _Failed("the virtual environment could not be made")
    python = str(place / "bin" / "python")
    words = [sys.executable, "-m", "pip", "--python", python, "install", *_QUIET, "-r", wanted]
    if _run([sys.executable, "-m", "pip", "--version"], log)[0]:
        _run([python, "-m", "ensurepip"], log)
        words = [python, "-m", "pip", "install", *_QUIET, "-r", wanted]
    if _run(words, log)[0]:
        raise _Failed(_last_error(Path(log.name)))


def _last_error(log: Path) -> str:
    """The line by which pip says what went wrong."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if "ERROR:" in line or "No module named" in line]
    return errors[-1].partition("ERROR:")[2].strip() or errors[-1] if errors else "pip failed"


def _run(words: Sequence[str], log: TextIO) -> tuple[int, list[str]]:
    """Runs a step; its exit code, and the lines it printed, which are logged."""
    _say(log, "$ " + " ".join(words))
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    lines = done.stdout.decode(errors="replace").splitlines()
    for line in lines:
        _say(log, line)
    return done.returncode, lines


def _built(kind: str, python: str) -> dict[str, Any]:
    return {"state": "built", "kind": kind, "runs": python, "bin": os.path.dirname(python)}


# ---------------------------------------------------------------------- in a container


def _of_dockerfile(request: dict[str, Any], log: TextIO) -> dict[str, Any] | None:
    """Builds the Dockerfile with the folder of the program as its context; None where this machine can't.

    **Raises** _Failed where one of its own steps fails.
    """
    from luthier.run.containers_engine import find_engine
    from luthier.run.containers_images import Wanted, build, make

    store = Path(request["store"])
    dockerfile = Path(request["dockerfile"]).read_text(encoding="utf-8", errors="replace")
    found = find_engine()
    if found.engine is None:
        _say(log, f"The Dockerfile is not used, for no container engine works here: {found.why}")
        return None
    try:
        for base in _bases(dockerfile):
            make(found.engine, Wanted(base), store)
    except UsageError as error:
        _say(log, f"The Dockerfile is not used, for it can't be begun: {error}")
        return None
    with Room() as room:
        context = Path(room, "context")  # a file of the room's own lies beside it
        shutil.copytree(request["model"], context, symlinks=True)
        place = context / "Dockerfile"
        place.unlink(missing_ok=True)
        place.write_text(dockerfile, encoding="utf-8")
        try:
            name, told = build(found.engine, context, request["key"], store)
        except UsageError as error:
            raise _Failed(str(error)) from None
    _say(log, f"Built by {found.engine}; all it said is in {told.log}")
    found_dir = re.findall(r"(?im)^\s*WORKDIR\s+(\S+)", dockerfile)
    return {
        "state": "built",
        "kind": "container",
        "runs": name,
        "folder": found_dir[-1] if found_dir else "/",
    }


def _bases(dockerfile: str) -> list[str]:
    """The images a Dockerfile begins from; those of its own stages are none, nor what only an ARG tells."""
    found = re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", dockerfile)
    stages = {stage.lower() for _, stage in found if stage}
    return [base for base, _ in found if base.lower() not in stages and base != "scratch" and "$" not in base]


def _now() -> float:
    return SystemClock().now()


def _say(log: TextIO, line: str) -> None:
    log.write(f"[{date(_now())}] {line}\n")
    log.flush()


if __name__ == "__main__":
    build(Path(sys.argv[1]))
