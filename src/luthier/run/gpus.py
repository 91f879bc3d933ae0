"""Which GPUs there are, and who holds them.

Devices are found by asking `nvidia-smi`; a restriction the user has set with `CUDA_VISIBLE_DEVICES` is kept. A trial
that needs whole GPUs holds them alone; trials that need a fraction share one, up to the whole of it. A device is
given back when its trial's last process is dead, which the caller sees to.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from luthier.errors import UsageError

__all__ = ["Device", "GpuSlots", "discover"]

QUERY = ("--query-gpu=index,uuid,memory.total", "--format=csv,noheader")
PARTS = 1_000_000
"""A GPU is counted in millionths: ten tenths are exactly a whole."""


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU. `name` is how `CUDA_VISIBLE_DEVICES` calls it: its index, or what the user called it."""

    name: str
    uuid: str
    memory_mib: int


def discover(environment: Mapping[str, str], timeout_seconds: float = 20.0) -> tuple[Device, ...]:
    """The GPUs of this machine that the environment allows, in their order; empty where there are none.

    **Raises** UsageError when `nvidia-smi` is there but fails, or CUDA_VISIBLE_DEVICES names an unknown GPU.
    """
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if program is None:
        return ()
    try:
        done = subprocess.run(
            [program, *QUERY],
            capture_output=True,
            check=False,
            text=True,
            timeout=timeout_seconds,
            env=dict(environment),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            f"the GPUs can't be listed: {program} failed ({error}); mend the driver, or use none"
        ) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise UsageError(f"the GPUs can't be listed: {program} says: {said}")
    devices = tuple(_device(line) for line in done.stdout.splitlines() if line.strip())
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    return devices if visible is None else _allowed(devices, visible)


def _device(line: str) -> Device:
    fields = [field.strip() for field in line.split(",")]
    try:
        index, uuid, memory = fields
    except ValueError:
        raise UsageError(
            f"nvidia-smi answered {line!r}, which is not an index, a uuid and a memory size"
        ) from None
    digits = memory.split()[0] if memory else ""
    return Device(index, uuid, int(digits) if digits.isdigit() else 0)


def _allowed(devices: tuple[Device, ...], visible: str) -> tuple[Device, ...]:
    """The devices that CUDA_VISIBLE_DEVICES names, in its order and by its names.

    **Source** CUDA C++ Programming Guide, environment variables: a name is an index or the beginning of a uuid, and
    what follows an index of -1 is hidden.
    """
    chosen = []
    for name in (part.strip() for part in visible.split(",")):
        if name in ("", "-1", "NoDevFiles"):
            break
        found = [d for d in devices if d.name == name or (not name.isdigit() and d.uuid.startswith(name))]
        if len(found) != 1:
            have = ", ".join(d.name for d in devices) or "none"
            raise UsageError(
                f"CUDA_VISIBLE_DEVICES names the GPU {name!r}, and this machine has {have}; correct or unset it"
            )
        chosen.append(Device(name, found[0].uuid, found[0].memory_mib))
    return tuple(chosen)


class GpuSlots:
    """Hands out GPUs. A request is for all its life the same number of GPUs, whole or a fraction below one."""

    def __init__(self, devices: tuple[Device, ...]) -> None:
        self._free = {device.name: PARTS for device in devices}

    def require(self, gpus: float) -> None:
        """Makes sure that a request of this size can be met at all.

        **Raises** UsageError when it never can.
        """
        if gpus < 0 or (gpus > 1 and gpus != int(gpus)):
            raise UsageError(f"a trial can't have {gpus:g} GPUs: give a whole number, or a fraction below 1")
        have = len(self._free)
        if gpus > have or (gpus > 0 and not have):
            asked, there = ("GPU" if count == 1 else "GPUs" for count in (gpus, have))
            raise UsageError(
                f"a trial asks for {gpus:g} {asked} and this machine has {have or 'no'} {there}; "
                "lower --gpus-per-run or run where there are more"
            )

    def allocate(self, gpus: float) -> tuple[str, ...] | None:
        """Takes devices and returns their names; None when they are busy. Empty for a request of none.

        A fraction goes to the fullest device that has room, so that whole ones stay free.
        **Raises** UsageError when it can never be met.
        """
        self.require(gpus)
        if gpus == 0:
            return ()
        parts = _parts(gpus) if gpus < 1 else PARTS
        roomy = [name for name, free in self._free.items() if free >= parts]
        if gpus < 1:
            chosen = tuple(sorted(roomy, key=self._free.__getitem__)[:1])
        else:
            chosen = tuple(roomy[: int(gpus)])
        if len(chosen) < max(1, int(gpus)):
            return None
        for name in chosen:
            self._free[name] -= parts
        return chosen

    def release(self, names: tuple[str, ...], gpus: float) -> None:
        """Gives devices back that `allocate` returned for a request of this size."""
        parts = _parts(gpus) if gpus < 1 else PARTS
        for name in names:
            self._free[name] = min(PARTS, self._free[name] + parts)

    def take(self, names: tuple[str, ...], gpus: float) -> None:
        """Marks devices as held by an attempt that was adopted with them."""
        parts = _parts(gpus) if gpus < 1 else PARTS
        for name in names:
            if name in self._free:
                self._free[name] = max(0, self._free[name] - parts)


def _parts(gpus: float) -> int:
    """A fraction in millionths, rounded down so that three thirds fit."""
    return max(1, int(gpus * PARTS))
