"""What a training job may take, in kaos's words: `--cpu`, `--memory` with the suffixes of Kubernetes, `--gpu`."""

from __future__ import annotations

import os
import re

from luthier.cli.doors.kaos.words import KaosError
from luthier.description import Limits
from luthier.errors import UsageError
from luthier.run.platform import cores

__all__ = ["limits_of"]

_UNITS = {
    "": 1,
    "m": 1e-3,
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
}
_UNITS |= {f"{unit}i": 2 ** (10 * n) for n, unit in enumerate("KMGTPE", 1)}
_MEMORY = re.compile(r"([0-9]*\.?[0-9]+|[0-9]+\.)(?:([eE][+-]?[0-9]+)|([mkKMGTPE]|[KMGTPE]i))?")


def limits_of(parallelism: int | None, cpu: float | None, memory: str | None, gpu: int) -> Limits:
    """The limits of a job's trials. **Raises** KaosError for what this machine does not have."""
    if cpu is not None:
        here = cores()
        if not cpu > 0:
            raise KaosError(f"Incorrect cpu request {cpu:g}")
        if cpu > here:
            raise KaosError(f"CPU request {cpu:g} too high. Maximum allowed is {here}.")
    limits = Limits(parallel=parallelism or 1, cpus=cpu, memory_bytes=_bytes(memory), gpus=float(gpu))
    if gpu < 0:
        raise KaosError(f"Incorrect gpu request {gpu}")
    if gpu:
        from luthier.drive.session import parallel_slots

        try:
            parallel_slots(limits)
        except UsageError:
            raise KaosError(f"GPUs are not enabled: this machine has none, or fewer than {gpu}") from None
    return limits


def _bytes(memory: str | None) -> int | None:
    if memory is None:
        return None
    found = _MEMORY.fullmatch(memory.strip())
    if found is None or not (wanted := float(found[1] + (found[2] or "")) * _UNITS[found[3] or ""]):
        raise KaosError(
            f"Incorrect memory request {memory}; write bytes, or a number with k M G T P or Ki Mi Gi Ti Pi, such as 2Gi"
        )
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > most:
        raise KaosError(f"Memory request {memory} too high. Maximum allowed is {most / 2**30:.1f}Gi.")
    return int(wanted)
