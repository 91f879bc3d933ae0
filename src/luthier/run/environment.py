"""The variables a program finds in its environment.

It inherits the driver's environment (training needs it), without what an outer Luthier put there, plus the variables
of `attempt_environment`. Nothing of it is stored. What the base holds is encoded once for all attempts; each attempt
adds only its own. This module must not know how a program is started.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from luthier.run.folders import AttemptFolder
from luthier.run.platform import cores
from luthier.trial import AttemptId

__all__ = [
    "STAGE_VARIABLES",
    "THREAD_CAPS",
    "attempt_environment",
    "base_environment",
    "cpu_share",
    "parameter_variable",
]

THREAD_CAPS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""How many threads the common numerical libraries start, each for itself and each for all cores unless told."""

STAGE_VARIABLES = {"rungs": "LUTHIER_BUDGET", "folds": "LUTHIER_FOLD"}
"""How an attempt of a trial in stages finds which one it is, by their kind."""

OWN = re.compile(
    r"LUTHIER_(BUDGET|FOLD|PARAM_.*|PARAMS|PARAMS_FILE|EXPERIMENT|TRIAL|ATTEMPT|ATTEMPT_KEY|RUN_ID|RUN_DIR|OUTPUT_DIR|"
    r"CHECKPOINT_DIR|METRICS|SEED|OUTER_RANKS|READY_FD)"
)
LONGEST_PARAMS = 100_000
"""Characters. Linux refuses a variable of 128 KiB; longer parameters are in LUTHIER_PARAMS_FILE only."""


@lru_cache(maxsize=1024)
def parameter_variable(name: str) -> str:
    """`LUTHIER_PARAM_LEARNING_RATE` for `learning-rate`: upper case, all but ASCII letters and digits as `_`."""
    return "LUTHIER_PARAM_" + re.sub("[^A-Z0-9]", "_", name.upper())


def cpu_share(cpus: float | None, parallel: int) -> int:
    """How many threads an attempt may start: what was asked for, or an even share of this machine's cores."""
    if cpus is not None:
        return max(1, int(cpus))
    return max(1, cores() // max(1, parallel))


def base_environment(inherited: Mapping[str, str], threads: int | None = None) -> dict[str, str]:
    """What every attempt inherits: the given environment, thread caps and unbuffered output where the user has set
    neither. Variables of an outer Luthier's trial are left out, so that none is mistaken for this one's."""
    base = {name: value for name, value in inherited.items() if not OWN.fullmatch(name)}
    base.setdefault("PYTHONUNBUFFERED", "1")
    if threads is not None:
        for name in THREAD_CAPS:
            base.setdefault(name, str(threads))
    return base


def attempt_environment(
    id: AttemptId,
    key: str,
    run_id: int,
    seed: int,
    folder: AttemptFolder,
    *,
    texts: Mapping[str, str],
    values: Mapping[str, Any],
    devices: Sequence[str] | None = None,
) -> dict[str, str]:
    """What one attempt adds: who it is, where its files are, its parameters as text and as JSON.

    `devices` are the GPUs it holds; None leaves `CUDA_VISIBLE_DEVICES` as it was inherited.
    """
    added = {
        "LUTHIER_EXPERIMENT": str(id.experiment),
        "LUTHIER_TRIAL": f"{id.experiment}.{id.trial}",
        "LUTHIER_ATTEMPT": str(id.attempt),
        "LUTHIER_ATTEMPT_KEY": key,
        "LUTHIER_RUN_ID": str(run_id),
        "LUTHIER_RUN_DIR": str(folder.path),
        "LUTHIER_OUTPUT_DIR": str(folder.outputs),
        "LUTHIER_CHECKPOINT_DIR": str(folder.checkpoint),
        "LUTHIER_METRICS": str(folder.metric_lines),
        "LUTHIER_PARAMS_FILE": str(folder.configuration),
        "LUTHIER_SEED": str(seed),
    }
    for name, text in texts.items():
        added[parameter_variable(name)] = text
    everything = json.dumps(values, ensure_ascii=True)
    if len(everything) <= LONGEST_PARAMS:
        added["LUTHIER_PARAMS"] = everything
    if devices is not None:
        added["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
    return added
