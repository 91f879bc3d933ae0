"""What a task finds around it: the variables Gradient sets, the names of hyperopt and the SDK, and a Python of its own.

Each task had a container there, into which its commands may install what they like (the page's project begins with `pip
install -r requirements.txt`). Here it has a virtual environment on top of the Python that has Luthier, so that whatever it
installs stays in it. In front of what is installed stand Luthier's own `hyperopt`, `gradient_sdk` and `gradient_utils`:
by PYTHONPATH, and by a file of the environment where a Makefile sets PYTHONPATH anew.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from luthier.cli.doors.gradient.record import SERVER, Room, Tuning
from luthier.compat.shims import NO_WORKERS, PACKAGES, offered
from luthier.errors import LuthierError
from luthier.store.address import address_of

__all__ = ["Python", "furnish", "python_with_luthier", "variables"]

MONGO_PORT = "27017"
"""Any port would do: who connects finds the store by LUTHIER_STORE."""
WHERE = """\
import luthier, sys
print(luthier.__version__, sys._base_executable, "%d.%d" % sys.version_info[:2], sep="\\n")
print(*(place for place in sys.path if place.endswith("-packages")), sep="\\n")
"""
PIP = """#!/bin/sh
exec {python} -m pip --disable-pip-version-check "$@"
"""


class Python(NamedTuple):
    """A Python that has Luthier: its program, its version as `3.11`, and the folders of its packages."""

    program: str
    version: str
    packages: tuple[str, ...]


@lru_cache(maxsize=1)
def python_with_luthier() -> Python:
    """The `python` of the user's PATH where it has this Luthier, else the one that runs this.

    **Raises** LuthierError where none has.
    """
    from luthier import __version__

    for python in filter(None, (shutil.which("python"), shutil.which("python3"), sys.executable)):
        done = subprocess.run(
            [python, "-c", WHERE], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        said = done.stdout.splitlines()
        if done.returncode == 0 and len(said) > 3 and said[0] == __version__:
            return Python(said[1], said[2], tuple(said[3:]))
    raise LuthierError(
        f"{sys.executable} can't load Luthier by itself; install it there: pip install luthier"
    )


def furnish(folder: Path, python: Python) -> None:
    """Makes the virtual environment of a task in `folder`, unless it is there: as PEP 405 has them, a file that names the
    Python, a link to it and a folder for packages, which takes a millisecond where `python -m venv` takes a second."""
    commands, packages = folder / "bin", folder / "lib" / f"python{python.version}" / "site-packages"
    if (commands / "pip").exists():
        return
    for place in (commands, packages):
        place.mkdir(parents=True, exist_ok=True)
    home = os.path.dirname(python.program)
    (folder / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\n")
    for name in (f"python{python.version}", "python3", "python"):
        (commands / name).unlink(missing_ok=True)
        (commands / name).symlink_to(python.program)
    lines = [f"import site; site.addsitedir({place!r})" for place in python.packages]
    lines.append(f"import sys; sys.path.insert(0, {str(PACKAGES)!r})")
    (packages / "_luthier.pth").write_text("".join(f"{line}\n" for line in lines))
    for name in ("pip3", "pip"):
        (commands / name).write_text(PIP.format(python=shlex.quote(str(commands / "python"))))
        (commands / name).chmod(0o755)


def variables(room: Room, tuning: Tuning, task: str, secrets: dict[str, str]) -> dict[str, str]:
    """What is added to a task's environment, the user's own over what Gradient set."""
    storage = room.store / "gradient" / "storage"
    found = {
        "MONGO_DB_HOST": "localhost",
        "MONGO_DB_PORT": MONGO_PORT,
        "EXPERIMENT_NAME": tuning.id,
        # Where the store is on a server, the address with its password, which the folder does not have.
        "LUTHIER_STORE": address_of(room.store) or str(room.store),
        NO_WORKERS: str(room.no_workers),
        "PS_JOBSPACE": str(storage),
        "PS_MODEL_PATH": tuning.model_path or f"{storage}/models/",
        "TYPE": "ps" if task == SERVER else "worker",
        "INDEX": "0" if task == SERVER else str(int(task.rpartition("-")[2]) - 1),
        **_gpu(task),
        **tuning.env,
        **secrets,
    }
    home = room.path / "tasks" / task
    python = home / "python" / "bin"
    inherited = {**os.environ, **found}
    path = f"{python}{os.pathsep}{inherited.get('PATH', os.defpath)}"
    names = offered(home / "names", {**inherited, "PATH": path}, python=str(python / "python"))
    return {
        **found,
        "PATH": names["PATH"],
        "PYTHONPATH": names["PYTHONPATH"],
        "VIRTUAL_ENV": str(python.parent),
    }


@lru_cache(maxsize=1)
def _gpus() -> tuple[str, ...]:
    from luthier.errors import UsageError
    from luthier.run.gpus import discover

    try:
        return tuple(device.name for device in discover(os.environ))
    except UsageError:
        return ()  # their driver is broken: the program says so itself


def _gpu(task: str) -> dict[str, str]:
    """One GPU for each worker in turn, as each had a machine of its own; nothing where there are none."""
    if task == SERVER or not _gpus():
        return {}
    number = int(task.rpartition("-")[2]) - 1
    return {"CUDA_VISIBLE_DEVICES": _gpus()[number % len(_gpus())]}
