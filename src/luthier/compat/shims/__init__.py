"""Other tools' own names, for programs that can't be changed: `hyperopt`, `gradient_sdk`, `riseml`, `spell`, and a command.

`luthier.compat` is what a program imports once its author has changed a line. Where nobody changes one (Gradient's door
runs a project's own `make run_hyperopt`), its processes are given an environment in which those names mean ours:

    packages/hyperopt, gradient_sdk, gradient_utils   in front of PYTHONPATH
    for_riseml/riseml, for_spell/spell                the same, each alone: for the trials of its door
    hyperopt-mongo-worker                             in front of PATH, written where it is asked for

Nothing of this is ever installed, so that a real hyperopt keeps its name everywhere else.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from luthier.view.whole import write_whole

__all__ = ["NO_WORKERS", "PACKAGES", "offered", "riseml_path", "spell_path"]

PACKAGES = Path(__file__).parent / "packages"
WORKER = "hyperopt-mongo-worker"
NO_WORKERS = "LUTHIER_NO_WORKERS_FILE"
"""Set by who starts workers beside fmin: a file that is there while none of them is left. Else fmin would evaluate a trial
because they take long to begin, and propose nothing to them meanwhile."""


def riseml_path() -> str:
    """What goes in front of PYTHONPATH for `import riseml` to mean ours, and nothing else to change."""
    return str(Path(__file__).parent / "for_riseml")


def spell_path() -> str:
    """What goes in front of PYTHONPATH for `import spell` to mean `luthier.compat.spell`, and nothing else to change."""
    return str(Path(__file__).parent / "for_spell")


def offered(folder: Path, environment: Mapping[str, str], python: str = sys.executable) -> dict[str, str]:
    """An environment in which the names of the other tools mean Luthier; the commands are written to `folder` and run by
    `python`.

    **Holds** may be repeated, also by several at once. The programs' Python needs Luthier: it is found where this one has
    it, when it is the same Python, else it says what to install.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = f'#!/bin/sh\nexec {shlex.quote(python)} -m luthier.compat.hyperopt.worker "$@"\n'
    write_whole(folder / WORKER, program.encode(), mode=0o755)
    first = {"PATH": str(folder.absolute()), "PYTHONPATH": str(PACKAGES)}
    made = dict(environment)
    for name, place in first.items():
        others = [one for one in made.get(name, "").split(os.pathsep) if one and one != place]
        made[name] = os.pathsep.join([place, *(others or _default(name))])
    return made


def _default(name: str) -> list[str]:
    """What an unset variable stands for: without this, setting it would take the system's commands away."""
    return os.defpath.strip(os.pathsep).split(os.pathsep) if name == "PATH" else []
