"""Where a task runs: in its container, or on this machine with an environment of its own.

It runs in the image it names where a container engine works, the image can be had, and its Python can load Luthier, whose
`hyperopt` does MongoDB's part. Else it runs on this machine, which is said, unless that is an error. Whether an engine works
is known at once; what an image holds only when it is there, so that is found out before the tasks begin.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from luthier.cli.doors.gradient.record import SERVER, Room, Tuning
from luthier.cli.doors.gradient.surroundings import furnish, python_with_luthier, variables
from luthier.compat.shims import PACKAGES, WORKER
from luthier.description import Environment
from luthier.errors import UsageError
from luthier.run.folders import AttemptFolder
from luthier.run.runner import Order

__all__ = ["House", "image_of", "why_without"]

LUTHIER = Path(PACKAGES).parents[2]
"""The package, which containers see at the same path."""
NEEDED = "import sys; assert sys.version_info >= (3, 11); import cloudpickle, numpy, scipy, luthier"
NAMES = "container-names"
HERE = "the tasks run on this machine, each with a Python environment of its own"
PROGRAM = """#!/bin/sh
PYTHONPATH={packages}:{luthier}${{PYTHONPATH:+:$PYTHONPATH}}
export PYTHONPATH
exec python3 -m luthier.compat.hyperopt.worker "$@"
"""


def image_of(tuning: Tuning, task: str) -> str:
    """The image a task is to run in."""
    return tuning.server_container or tuning.worker_container if task == SERVER else tuning.worker_container


def why_without(image: str, *, strict: bool) -> str | None:
    """Why tasks run without this image, as far as that can be known without it; None where an engine works.

    **Raises** UsageError where they may not.
    """
    from luthier.run.containers_engine import find_engine

    found = find_engine()
    if found.engine is not None:
        return None
    why = f"no container engine works here ({found.why})"
    if strict:
        raise UsageError(f"the image {image} can't be used: {why}")
    return f"{why}; {HERE}, and not in {image}"


class House:
    """How the tasks of an experiment are housed. `why` says why one runs without its container."""

    def __init__(self, room: Room, tuning: Tuning, goes_on: Callable[[], bool]) -> None:
        self._room = room
        self._tuning = tuning
        self._goes_on = goes_on
        self.why: str | None = None

    def prepare(self, task: str) -> None:
        """Gets the image, or makes the environment. **Raises** LuthierError where neither can be."""
        if self._has_container(task):
            names = self._home(task) / NAMES
            names.mkdir(parents=True, exist_ok=True)
            text = PROGRAM.format(
                packages=shlex.quote(str(PACKAGES)), luthier=shlex.quote(str(LUTHIER.parent))
            )
            (names / WORKER).write_text(text)
            (names / WORKER).chmod(0o755)
        else:
            furnish(self._home(task) / "python", python_with_luthier())

    def order(self, task: str, order: Order, files: AttemptFolder, command: str) -> Order:
        """The order with the words and variables of where it runs."""
        secrets = {name: os.environ[name] for name in self._tuning.secret_names if name in os.environ}
        added = variables(self._room, self._tuning, task, secrets)
        if not self._has_container(task):
            # One stream, so that its log tells in which order things were said.
            return order._replace(argv=("/bin/sh", "-c", f"exec 2>&1\n{command}"), env={**added, **order.env})
        from luthier.run.containers import contained

        names = self._home(task) / NAMES
        for name in ("PATH", "VIRTUAL_ENV"):
            added.pop(name)
        path = f"PATH={shlex.quote(str(names))}:$PATH\nexport PATH\n"
        inside = contained(
            self._environment(image_of(self._tuning, task)),
            ("/bin/sh", "-c", f"exec 2>&1\n{path}{command}"),
            {**added, "PYTHONPATH": str(PACKAGES), **order.env},
            order.key,
            files,
            self._room.store,
            order.cwd,
            order.limits,
            None,
        )
        return order._replace(argv=inside.argv, env=inside.env, closing=inside.closing, limits=inside.limits)

    # ------------------------------------------------------------------ containers

    def _has_container(self, task: str) -> bool:
        why = self._why(image_of(self._tuning, task))
        self.why = why or self.why
        return why is None

    @lru_cache(maxsize=4)  # noqa: B019  as many as there are images; it lives as long as its process
    def _why(self, image: str) -> str | None:
        """Why this image is not used; None where it is."""
        from luthier.run.containers import ready

        strict = self._tuning.strict
        if (why := why_without(image, strict=strict)) is not None:
            return why
        try:
            why = ready(
                self._environment(image), str(self._room.path / "workspace"), self._room.store, self._goes_on
            )
            why = why or self._misses(image)
        except UsageError as error:
            why = str(error)
        if why is not None and strict:
            raise UsageError(f"the image {image} can't be used: {why}")
        return why and f"{why}; {HERE}, and not in {image}"

    def _misses(self, image: str) -> str | None:
        """What the image lacks: Luthier runs where its Python and three libraries are."""
        from luthier.run.containers_engine import find_engine

        engine = find_engine().engine
        assert engine is not None
        here = f"{LUTHIER}:{LUTHIER}:ro"
        test = f"PYTHONPATH={shlex.quote(str(LUTHIER.parent))} exec python3 -c {shlex.quote(NEEDED)}"
        words = engine.words("run", "--rm", "--pull", "never", *engine.options, "--volume", here)
        done = subprocess.run(
            [*words, "--entrypoint", "/bin/sh", image, "-c", test],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
        if done.returncode == 0:
            return None
        said = (done.stderr.strip().splitlines() or ["it could not be asked"])[-1]
        return f"the image has no Python 3.11 with NumPy, SciPy and cloudpickle, which are needed in MongoDB's place ({said})"

    def _environment(self, image: str) -> Environment:
        store = str(self._room.store)
        return Environment(image=image, mounts=(f"{store}:{store}",), strict=self._tuning.strict)

    def _home(self, task: str) -> Path:
        return Path(self._room.attempt(task, 1).trial)
