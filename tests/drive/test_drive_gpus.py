"""GPU slots through the real command line, with an nvidia-smi that says there are two."""

from __future__ import annotations

import stat
from typing import Any

from drive_shop import Shop, until

from luthier.testing.faults import record as tell

LOSS = ("--metric", "loss", "--minimize")
TRAIN = ("--", "sh", "train.sh", ":x:")
GRID = ("grid", "--param", "x=1,2,3,4,5,6", *LOSS)
SMI = '#!/bin/sh\necho "0, GPU-aaa, 16384 MiB"\necho "1, GPU-bbb, 16384 MiB"\n'
GPU_TRIAL = """\
mkdir "$PROJECT/busy/$CUDA_VISIBLE_DEVICES-$$"
ls "$PROJECT/busy" | cut -d- -f1 | sort | uniq -c | awk '{print $2, $1}' | tr '\\n' ';' >> "$PROJECT/seen"
echo "$CUDA_VISIBLE_DEVICES" >> "$PROJECT/used"
sleep .05
rmdir "$PROJECT/busy/$CUDA_VISIBLE_DEVICES-$$"
echo "loss: $1"
"""


HOLD_SOME = 'case $1 in 5|6) while [ ! -e "$PROJECT/go$1" ]; do sleep .01; done ;; esac'


def with_gpus(shop: Shop) -> None:
    folder = shop.root / "bin"
    folder.mkdir()
    (shop.root / "busy").mkdir()
    program = folder / "nvidia-smi"
    program.write_text(SMI)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    shop.env["PATH"] = f"{folder}:{shop.env['PATH']}"


def most_on_one(shop: Shop) -> int:
    """The most trials that were seen on one device at a time."""
    seen = (shop.root / "seen").read_text().split(";")
    return max(int(text.split()[1]) for text in seen if text)


def test_two_gpus_run_two_trials_each_with_one_of_its_own(shop: Shop) -> None:
    with_gpus(shop)
    shop.program(GPU_TRIAL)
    said = shop.run("grid", "--param", "x=1:12:linear:int", "-r", "4", "--gpus-per-run", "1", *LOSS, *TRAIN)
    used = (shop.root / "used").read_text().split()
    assert "2 at a time" in said.stderr and len(used) == 12 and set(used) == {"0", "1"}
    assert most_on_one(shop) == 1
    tell("GPU slots", gpus=2, asked=4, trials=12, most_on_one_gpu=1)


def test_halves_of_a_gpu_are_shared_by_two_and_no_more(shop: Shop) -> None:
    with_gpus(shop)
    shop.program(GPU_TRIAL)
    said = shop.run("grid", "--param", "x=1:16:linear:int", "-r", "8", "--gpus-per-run", ".5", *LOSS, *TRAIN)
    assert "4 at a time" in said.stderr
    assert set((shop.root / "used").read_text().split()) == {"0", "1"} and most_on_one(shop) <= 2


def test_gpus_stay_with_their_trials_when_the_driver_is_killed(shop: Shop) -> None:
    """The adopted trials keep their GPUs to themselves until they are dead, whatever is started meanwhile."""
    with_gpus(shop)
    shop.program(GPU_TRIAL.replace("sleep .05", HOLD_SOME))
    words = ("grid", "--param", "x=1:12:linear:int", "-r", "2", "--gpus-per-run", "1", *LOSS, *TRAIN)
    driver = shop.start(*words)
    until(lambda: {5, 6} <= {n for n, _ in shop.runs()})
    shop.kill(driver)
    driver = shop.start(*words)
    until(lambda: adopted(shop) >= {5, 6})
    (shop.root / "go5").touch()
    until(lambda: 7 in {n for n, _ in shop.runs()})
    (shop.root / "go6").touch()
    shop.end(driver)
    assert shop.record().succeeded == 12 and len(shop.runs()) == 12 and most_on_one(shop) == 1


def adopted(shop: Shop) -> set[Any]:
    with shop.store() as store:
        return {event.trial for event in store.events(experiment=1) if event.kind == "adopted"}


def test_more_gpus_than_there_are_is_refused_in_a_sentence(shop: Shop) -> None:
    with_gpus(shop)
    shop.program('echo "loss: $1"')
    said = shop.run(*GRID, "--gpus-per-run", "3", *TRAIN, code=2)
    assert "asks for 3 GPUs" in said.stderr and not shop.runs()
