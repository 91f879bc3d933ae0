"""GPUs: found through a fake nvidia-smi, handed out whole and in parts, never more than there is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import UsageError
from luthier.run.gpus import Device, GpuSlots, discover

FOUR = "\n".join(f"{i}, GPU-{i}a2b, 24576 MiB" for i in range(4))


@pytest.fixture
def fake(tmp_path: Path) -> dict[str, str]:
    return smi(tmp_path, f"cat <<'END'\n{FOUR}\nEND")


def smi(folder: Path, script: str) -> dict[str, str]:
    program = folder / "nvidia-smi"
    asked = '[ "$*" = "--query-gpu=index,uuid,memory.total --format=csv,noheader" ] || exit 9'
    program.write_text(f"#!/bin/sh\n{asked}\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def names(environment: dict[str, str]) -> list[str]:
    return [device.name for device in discover(environment)]


def test_the_devices_of_the_machine(fake: dict[str, str]) -> None:
    assert discover(fake)[1] == Device("1", "GPU-1a2b", 24576)
    assert names(fake) == ["0", "1", "2", "3"]


def test_without_nvidia_smi_there_are_none(tmp_path: Path) -> None:
    assert discover({"PATH": str(tmp_path)}) == ()


@pytest.mark.parametrize(
    ("visible", "found"),
    [("2,0", ["2", "0"]), ("GPU-3", ["GPU-3"]), ("", []), ("-1", []), ("1,-1,2", ["1"])],
)
def test_what_the_user_made_visible_is_all_there_is(
    fake: dict[str, str], visible: str, found: list[str]
) -> None:
    assert names({**fake, "CUDA_VISIBLE_DEVICES": visible}) == found


@pytest.mark.parametrize("visible", ["4", "GPU-x", "GPU-"])
def test_a_name_that_is_no_gpu_is_an_error(fake: dict[str, str], visible: str) -> None:
    with pytest.raises(UsageError, match="CUDA_VISIBLE_DEVICES names the GPU"):
        discover({**fake, "CUDA_VISIBLE_DEVICES": visible})


def test_a_failing_or_babbling_nvidia_smi_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="driver is dead"):
        discover(smi(tmp_path, "echo driver is dead >&2; exit 1"))
    with pytest.raises(UsageError, match="which is not"):
        discover(smi(tmp_path, "echo hello"))
    assert discover(smi(tmp_path, "echo '0, GPU-0, [N/A]'")) == (Device("0", "GPU-0", 0),)


def slots(count: int) -> GpuSlots:
    return GpuSlots(tuple(Device(str(i), f"GPU-{i}", 1) for i in range(count)))


def test_whole_gpus_are_held_alone() -> None:
    gpus = slots(4)
    assert (gpus.allocate(2), gpus.allocate(2), gpus.allocate(2)) == (("0", "1"), ("2", "3"), None)
    gpus.release(("0", "1"), 2)
    assert gpus.allocate(2) == ("0", "1")


def test_fractions_share_one_and_leave_whole_ones_free() -> None:
    gpus = slots(2)
    third = 1 / 3
    assert [gpus.allocate(third) for _ in range(3)] == [("0",)] * 3
    assert gpus.allocate(1) == ("1",)
    assert gpus.allocate(0.1) is None
    gpus.release(("0",), third)
    assert gpus.allocate(0.3) == ("0",)


def test_no_gpu_needs_none() -> None:
    assert slots(0).allocate(0) == ()


def test_an_adopted_attempt_keeps_what_it_was_given() -> None:
    gpus = slots(2)
    gpus.take(("0", "gone"), 1)
    assert (gpus.allocate(1), gpus.allocate(1)) == (("1",), None)


@pytest.mark.parametrize("gpus", [3, 1.5, -1])
def test_what_can_never_be_met_is_an_error(gpus: float) -> None:
    with pytest.raises(UsageError):
        slots(2).allocate(gpus)
    with pytest.raises(UsageError, match="asks for 1 GPU and this machine has no GPUs"):
        slots(0).allocate(1)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 1, 2]), st.booleans()), max_size=40))
def test_no_device_is_ever_given_beyond_the_whole(steps: list[tuple[float, bool]]) -> None:
    gpus = slots(3)
    held: list[tuple[tuple[str, ...], float]] = []
    for size, give_back in steps:
        if give_back and held:
            gpus.release(*held.pop(0))
        elif (names := gpus.allocate(size)) is not None:
            held.append((names, size))
        for device in ("0", "1", "2"):
            assert sum(min(size, 1) for names, size in held if device in names) <= 1 + 1e-9
    for names, size in held:
        gpus.release(names, size)
    assert gpus.allocate(3) == ("0", "1", "2")
