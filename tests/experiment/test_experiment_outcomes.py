"""What a function can do to a trial, and that the search ends with the right number whatever it does."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.errors import TrialError

SPACE = {"x": luthier.integers(1, 12)}


def run(function: Callable[..., Any], **options: Any) -> luthier.Experiment:
    given = {"trials": 12, "workers": 2, "algorithm": "grid", "progress": False}
    return luthier.minimize(function, SPACE, **{**given, **options})


def outcomes(experiment: luthier.Experiment) -> Counter[str | None]:
    return Counter(trial.outcome for trial in experiment.trials)


@pytest.mark.parametrize(
    ("answer", "value"),
    [(3, 3.0), (2.5, 2.5), (True, 1.0), (np.float32(0.5), 0.5), (np.array([7.0]), 7.0), ({"loss": 4, "acc": 1}, 4.0)],
)  # fmt: skip
@pytest.mark.parametrize("workers", [0, 1])
def test_numbers_of_all_kinds_are_values(answer: Any, value: float, workers: int) -> None:
    done = run(lambda x: answer, trials=2, workers=workers)
    assert [trial.value for trial in done.trials] == [value, value]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "it returned None; return the loss, or report it: luthier.report(loss=…)"),
        ("low", "it returned 'low', which is not a number; return the loss as one, or a dict with 'loss'"),
        ({"acc": 1}, "the dict it returned has no number 'loss', only 'acc'"),
        (np.zeros(3), "it returned array([0., 0., 0.]), which is not a number"),
    ],
)
def test_what_is_no_number_fails_with_a_sentence(answer: Any, reason: str) -> None:
    def sometimes(x: int) -> Any:
        return answer if x % 2 == 0 else x

    for workers in (0, 2):
        done = run(sometimes, workers=workers)
        assert outcomes(done) == {"succeeded": 6, "failed": 6}
        assert all(reason in trial.reason for trial in done.trials if trial.outcome == "failed")


def test_nan_is_a_result_and_never_the_best() -> None:
    done = run(lambda x: float("nan") if x < 12 else 5.0)
    assert outcomes(done) == {"succeeded": 12}
    assert done.best.number == 12


def test_an_exception_is_told_with_its_line() -> None:
    def broken(x: int) -> float:
        if x == 3:
            raise ValueError("no convergence")
        return x

    done = run(broken)
    assert outcomes(done) == {"succeeded": 11, "failed": 1}
    failed = done.trial(3)
    assert failed.reason.startswith("ValueError: no convergence (test_experiment_outcomes.py:")
    assert failed.value is None


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda: os._exit(3), "the function ended its process with exit code 3"),
        (lambda: sys.exit("enough"), "it called sys.exit('enough')"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
        (os.abort, "SIGABRT"),
    ],
)
def test_a_function_that_ends_its_process_fails_one_trial(how: Callable[[], None], reason: str) -> None:
    def deadly(x: int) -> float:
        if x in (4, 9):
            how()
        return x

    done = run(deadly)
    assert outcomes(done) == {"succeeded": 10, "failed": 2}
    assert all(reason in done.trial(number).reason for number in (4, 9))
    assert done.best.value == 1


def test_a_function_that_hangs_is_timed_out() -> None:
    def hangs(x: int) -> float:
        while x == 2:
            time.sleep(1)
        return x

    done = run(hangs, timeout=1.0, trials=5)
    assert outcomes(done) == {"succeeded": 4, "timed out": 1}
    assert done.trial(2).reason == "it ran longer than its limit of 1 s"


def test_a_function_that_takes_too_much_memory_is_told_so() -> None:
    def eats(x: int) -> float:
        if x == 2:
            block = bytearray(1 << 30)
            block[:: 1 << 12] = b"x" * len(block[:: 1 << 12])
            time.sleep(30)
        return x

    done = run(eats, memory=400 << 20, trials=4)
    assert outcomes(done) == {"succeeded": 3, "out of memory": 1}


def test_a_function_that_leaks_goes_on_in_a_fresh_process() -> None:
    kept: list[bytearray] = []

    def leaks(x: int) -> float:
        kept.append(bytearray(b"x") * (300 << 20))
        time.sleep(0.3)
        return os.getpid()

    done = run(leaks, trials=8, workers=1)
    assert outcomes(done) == {"succeeded": 8}
    assert len({trial.value for trial in done.trials}) > 1


def test_a_hundred_megabytes_of_output_are_no_trouble(tmp_path: Path) -> None:
    def prints(x: int) -> float:
        for _ in range(100):
            sys.stdout.write("x" * (1 << 20))
        print(f"this was {x}", file=sys.stderr)
        return x

    done = run(prints, trials=2, store=tmp_path / "runs")
    assert outcomes(done) == {"succeeded": 2}
    folder = tmp_path / "runs/trials/1/2/attempt-1"
    assert (folder / "stdout.log").stat().st_size == 100 << 20
    assert (folder / "stderr.log").read_text() == "this was 2\n"


def test_reports_are_curves_and_can_be_the_objective() -> None:
    def trains(x: int) -> None:
        for step in range(3):
            luthier.report(step=step, loss=x / (step + 1))
            luthier.report(accuracy=step)

    for workers in (0, 2):
        done = run(trains, workers=workers)
        assert done.best.number == 1
        assert done.curves("loss")[6] == [(0.0, 6.0), (1.0, 3.0), (2.0, 2.0)]
        assert done.curves("accuracy")[6] == [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]
        assert done.trial(6).value == 2.0 and done.trial(6).metrics == {"loss": 2.0, "accuracy": 2.0}


def test_a_function_may_stop_itself() -> None:
    def stops(x: int) -> float:
        if x > 6:
            luthier.report(loss=100.0)
            raise luthier.Stop
        if x == 6:
            raise luthier.Stop(50)
        return x

    done = run(stops)
    assert outcomes(done) == {"succeeded": 5, "stopped": 7}
    assert (done.trial(6).value, done.trial(7).value) == (50.0, 100.0)


def test_when_the_first_all_fail_nothing_more_is_run() -> None:
    def never(x: int) -> float:
        raise RuntimeError("no data")

    with pytest.raises(TrialError, match=r"the first \d+ trials all failed.*RuntimeError: no data"):
        run(never)


def test_a_coroutine_is_awaited() -> None:
    async def later(x: int) -> float:
        return x

    assert run(later).best.value == 1

    async def notebook() -> list[float | None]:
        return [run(later, workers=workers, trials=3).best.value for workers in (0, 1)]

    assert asyncio.run(notebook()) == [1, 1]


def test_a_trial_gets_its_seed_and_the_same_numbers_every_time() -> None:
    import random

    def draws(x: int) -> float:
        assert luthier.in_trial() and luthier.trial_id() == f"1.{x}" and luthier.params() == {"x": x}
        return random.random() + np.random.rand() + luthier.seed() % 7

    first, again, here = (run(draws, seed=5, workers=workers) for workers in (2, 1, 0))
    values = [trial.value for trial in first.trials]
    assert values == [trial.value for trial in again.trials] == [trial.value for trial in here.trials]
    assert len(set(values)) == 12
    assert not luthier.in_trial()


def test_folders_are_the_trials_own(tmp_path: Path) -> None:
    def keeps(x: int) -> float:
        (luthier.output_dir() / "model").write_text(str(x))
        (luthier.checkpoint_dir() / "last").write_text(str(x))
        return x

    run(keeps, trials=2, store=tmp_path)
    assert (tmp_path / "trials/1/2/attempt-1/outputs/model").read_text() == "2"
    assert (tmp_path / "trials/1/2/checkpoint/last").read_text() == "2"
    run(keeps, trials=2)


def test_an_interrupted_search_goes_on(tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def interrupts(x: int) -> float:
        with calls.open("a") as file:
            file.write(f"{x}\n")
        if x == 3 and calls.read_text().split().count("3") == 1:
            os.kill(os.getppid() if os.getpid() != here else here, signal.SIGINT)
        return x

    here = os.getpid()
    first = run(interrupts, workers=0)
    assert first.ended == "interrupted" and len(first) == 2
    first.run(interrupts, workers=0, progress=False)
    assert first.ended == "met" and outcomes(first) == {"succeeded": 12}
    assert calls.read_text().split().count("3") == 2


def test_each_worker_sees_its_own_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf '0, GPU-a, 1000\\n1, GPU-b, 1000\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def sees(x: int) -> dict[str, float]:
        time.sleep(0.05)
        return {"loss": x, "device": int(os.environ["CUDA_VISIBLE_DEVICES"])}

    done = run(sees, gpus=1, workers=4)
    assert {trial.metrics["device"] for trial in done.trials} == {0.0, 1.0}


def test_a_worker_that_dies_while_it_loads_ends_the_search(tmp_path: Path) -> None:
    (tmp_path / "deadly_module.py").write_text(
        "import os, sys\nif 'tune' not in sys.argv[0]: os._exit(0)\ndef f(x): return x\n"
    )
    (tmp_path / "tune.py").write_text(
        "import luthier, os, sys\n"
        "real, os._exit = os._exit, lambda code: None\n"
        "import deadly_module\n"
        "os._exit = real\n"
        "sys.argv[0] = 'elsewhere'\n"
        "luthier.minimize(deadly_module.f, {'x': luthier.uniform(0, 1)}, 5, workers=1, progress=False)\n"
    )
    ran = subprocess.run(
        [sys.executable, "tune.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert "the worker process ended before it could call the function" in ran.stderr


def test_ctrl_c_twice_ends_a_call_whose_worker_is_still_loading(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text(
        "import sys, time\nfrom pathlib import Path\n"
        "if sys.argv[0] == 'elsewhere':\n    Path('loading').touch()\n    time.sleep(20)\n"
        "def f(x):\n    time.sleep(60)\n    return x\n"
    )
    (tmp_path / "tune.py").write_text(
        "import luthier, os, signal, sys, threading, time\nimport slow_module\nsys.argv[0] = 'elsewhere'\n"
        "def press():\n"
        "    while not os.path.exists('loading'): time.sleep(0.01)\n"
        "    for _ in range(2):\n        os.kill(os.getpid(), signal.SIGINT); time.sleep(0.5)\n"
        "threading.Thread(target=press, daemon=True).start()\n"
        "e = luthier.minimize(slow_module.f, {'x': luthier.uniform(0, 1)}, 5, workers=1, progress=False)\n"
        "print(e.ended, len(e))\n"
    )
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "tune.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "interrupted 0\n", ran.stderr
    assert time.monotonic() - began < 20, "it did not wait for the module"


def test_what_a_function_changes_of_its_process_ends_with_the_call(tmp_path: Path) -> None:
    def moves(x: int) -> float:
        here = os.getcwd()
        os.chdir("/")
        return {"loss": x, "at_root": here == "/"}  # type: ignore[return-value]

    assert {trial.metrics["at_root"] for trial in run(moves, workers=1).trials} == {0.0}


def test_a_function_that_raises_keyboard_interrupt_has_failed() -> None:
    def gives_up(x: int) -> float:
        if x == 5:
            raise KeyboardInterrupt
        return x

    for workers in (0, 1):
        done = run(gives_up, workers=workers)
        assert done.ended == "met" and done.trial(5).reason.startswith("KeyboardInterrupt")


def test_exceptions_without_words_are_told_too() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def mute(x: int) -> float:
        if x == 5:
            raise Mute
        return x

    for workers in (0, 1):
        assert run(mute, workers=workers).trial(5).reason.startswith("Mute (test_experiment")


def test_closures_may_hold_much() -> None:
    data = np.zeros(6_000_000)
    done = run(lambda x: x + data.sum() + len(data), trials=3, workers=2)
    assert done.best.value == 6_000_001


def test_two_searches_in_two_threads_hear_their_own_reports() -> None:
    import threading

    found: dict[int, luthier.Experiment] = {}

    def search(offset: int) -> None:
        def reports(x: int) -> None:
            luthier.report(loss=x + offset)
            barrier.wait(10)

        found[offset] = run(reports, workers=0)

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=search, args=(offset,)) for offset in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for offset, done in found.items():
        assert [trial.value for trial in done.trials] == [x + offset for x in range(1, 13)]
