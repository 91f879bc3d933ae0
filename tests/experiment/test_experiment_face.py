"""`minimize`, `maximize` and `Experiment` as programs use them."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.errors import ConflictError, NotFound, SpaceError, UsageError

QUIET: dict[str, Any] = {"progress": False}


def bowl(x: float, y: float) -> float:
    return (x - 0.3) ** 2 + (y - 0.7) ** 2


SQUARE = {"x": luthier.uniform(0, 1), "y": luthier.uniform(0, 1)}


def test_one_line_finds_the_least_and_the_most() -> None:
    least = luthier.minimize(bowl, SQUARE, trials=25, workers=0, seed=1, **QUIET)
    assert least.best.value is not None and least.best.value < 0.001
    assert abs(least.best.params["x"] - 0.3) < 0.05
    most = luthier.maximize(lambda p: -bowl(**p), SQUARE, trials=25, workers=0, seed=1, **QUIET)
    assert most.best.values == least.best.values


def test_the_same_seed_gives_the_same_trials() -> None:
    runs = [luthier.minimize(bowl, SQUARE, trials=12, workers=0, seed=3, **QUIET) for _ in range(2)]
    assert [t.values for t in runs[0].trials] == [t.values for t in runs[1].trials]
    assert len({repr(t.values) for t in runs[0].trials}) == 12


def test_objects_are_options_and_reach_the_function() -> None:
    class Adam:
        rate = 3

    class SGD:
        rate = 2

    space = {
        "optimizer": luthier.choice([SGD, Adam]),
        "momentum": luthier.uniform(0, 1, when={"optimizer": SGD}),
        "loss": luthier.choice({"squared": bowl, "none": None}),
        "layers": luthier.integers(1, 4),
    }

    def function(params: dict[str, Any]) -> float:
        assert params["optimizer"] in (Adam, SGD) and type(params["layers"]) is int
        assert ("momentum" in params) == (params["optimizer"] is SGD)
        return params["optimizer"].rate + params["layers"] + (params["loss"] is None)

    done = luthier.minimize(function, space, trials=30, workers=0, **QUIET)
    best = done.best
    assert best.params["optimizer"] is SGD and best.params["loss"] is bowl
    assert best.values["optimizer"] == "SGD" and best.values["loss"] == "squared"


def test_classes_of_the_program_itself_reach_the_workers() -> None:
    class Model:
        def __init__(self, size: int) -> None:
            self.size = size

        def loss(self) -> float:
            return self.size

    done = luthier.minimize(
        lambda kind, size: kind(size).loss(),
        {"kind": luthier.choice([Model]), "size": luthier.integers(1, 5)},
        workers=2, **QUIET,
    )  # fmt: skip
    assert len(done) == 5 and done.best.value == 1


def test_the_function_is_called_as_it_asks() -> None:
    def by_name(x: float, *, y: float) -> float:
        return x + y

    def rest(**params: float) -> float:
        return sum(params.values())

    def whole(config: dict[str, float], scale: float = 2.0) -> float:
        return sum(config.values()) * scale

    for function in (by_name, rest, whole, lambda p: p["x"]):
        assert len(luthier.minimize(function, SQUARE, trials=2, workers=0, **QUIET)) == 2
    with pytest.raises(UsageError, match="takes no argument 'y'; let it take one argument"):
        luthier.minimize(lambda x: x, SQUARE, workers=0, **QUIET)
    with pytest.raises(UsageError, match="asks for 'z', which is no parameter"):
        luthier.minimize(lambda x, z: x, SQUARE, workers=0, **QUIET)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"x": []}, r"space\['x'\]: the list of values is empty"),
        ({"a": {"b": luthier.choice([{"c": []}])}}, r"space\['a'\]\['b'\]\['c'\]: the list of values is empty"),
        ({"x": luthier.uniform(0, 1, when={"y": 1})}, "depends on 'y', which is no parameter"),
        ({1: luthier.uniform(0, 1)}, "has the key 1; the names of parameters are texts"),
        (3, "the space is 3; write a dict"),
    ],
)  # fmt: skip
def test_a_bad_space_is_refused_with_its_place(space: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        luthier.minimize(lambda p: 0, space, **QUIET)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials=0 is not a whole number from 1"),
        ({"workers": -1}, "workers=-1 is not a whole number from 0"),
        ({"algorithm": "tpx"}, "tpx"),
        ({"trails": 3}, "minimize has no option 'trails'"),
        ({"store": "mysql://x"}, "mysql"),
        ({"timeout": -1}, "timeout=-1 is not seconds above 0"),
        ({"timeout": "5"}, "timeout='5' is not seconds above 0"),
        ({"memory": 1.5}, "memory=1.5 is not a whole number of bytes"),
        ({"retries": -2}, "retries=-2 is not a whole number from 0"),
        ({"seed": "a"}, "seed='a' is not a whole number"),
        ({"metric": ""}, "metric='' is not a text"),
        ({"tries": {"x": 1}}, "configurations of your own are a list of dicts"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        luthier.minimize(bowl, SQUARE, **{**QUIET, **options})


def test_ask_and_tell() -> None:
    experiment = luthier.Experiment.create(SQUARE, trials=6, metric="error")
    while (asked := experiment.ask()) is not None:
        experiment.report(asked, 0, error=5)
        experiment.tell(asked, {"error": bowl(**asked.params), "size": 3})
    assert len(experiment) == 6 and experiment.best.metrics["size"] == 3
    with pytest.raises(ConflictError, match="no longer yours"):
        experiment.tell(luthier.Asked(6, {}, {}, 0, 1), 3)
    experiment.enqueue({"x": 0.3, "y": 0.7})
    own = experiment.ask()
    assert own is not None and own.params == {"x": 0.3, "y": 0.7}
    with pytest.raises(UsageError, match="'much' is no number; tell the error"):
        experiment.tell(own, "much")
    experiment.tell(own, failed="out of paint")
    assert experiment.trial(own.number).reason == "out of paint"


def test_nothing_found_is_said() -> None:
    experiment = luthier.Experiment.create(SQUARE)
    with pytest.raises(NotFound, match="has succeeded yet"):
        _ = experiment.best
    nothing = luthier.minimize(lambda x, y: float("nan"), SQUARE, **{**QUIET, "trials": 3})
    with pytest.raises(NotFound, match="no complete trial of experiment 1 reported loss as a number; see: "):
        _ = nothing.best
    assert str(nothing) == "experiment 1: 3 of 3 trials finished, 3 succeeded"
    assert len(nothing.run(lambda x, y: float("nan"), 4, workers=0, progress=False)) == 4
    with pytest.raises(NotFound, match="reported 'loss'; the metrics are none"):
        experiment.curves("loss")
    with pytest.raises(UsageError, match="this space has no end; say how many"):
        experiment.run(bowl)


def test_a_durable_search_goes_on_where_it_was(tmp_path: Path) -> None:
    space = {"x": luthier.integers(1, 40)}
    first = luthier.minimize(abs_x, space, 5, store=tmp_path, workers=1, seed=2, **QUIET)
    again = luthier.minimize(abs_x, space, 9, store=tmp_path, workers=0, seed=2, **QUIET)
    assert again.id == first.id and len(again) == 9
    assert [t.values for t in again.trials][:5] == [t.values for t in first.trials][:5]
    opened = luthier.Experiment.open(tmp_path)
    assert opened.best == again.best
    other = luthier.minimize(abs_x, space, 5, store=tmp_path, workers=0, seed=2, new=True, **QUIET)
    assert other.id != first.id
    with pytest.raises(NotFound, match="there is no store in"):
        luthier.Experiment.open(tmp_path / "elsewhere")


def abs_x(x: int) -> float:
    return abs(x - 17)


def test_it_works_from_another_thread() -> None:
    found: list[luthier.Experiment] = []
    thread = threading.Thread(
        target=lambda: found.append(luthier.minimize(bowl, SQUARE, 5, workers=1, seed=1, **QUIET))
    )
    thread.start()
    thread.join()
    assert len(found[0]) == 5


def test_what_cannot_be_sent_is_named() -> None:
    lock = threading.Lock()

    def locked(x: float, y: float) -> float:
        with lock:
            return x

    with pytest.raises(
        UsageError, match=r"locked can't be sent to worker processes, for its 'lock' can't: .*workers=0"
    ):
        luthier.minimize(locked, SQUARE, 3, workers=1, **QUIET)
    assert len(luthier.minimize(locked, SQUARE, 3, workers=0, **QUIET)) == 3


KILLED = """
import luthier, os, signal, sys, time
def f(x):
    open(sys.argv[1] + f"/ran-{x}", "a").write("x")
    if x == 4 and len(sys.argv) > 2:
        os.kill(os.getppid(), 0)
        os.kill(int(open(sys.argv[1] + "/pid").read()), signal.SIGKILL)
        time.sleep(60)
    return x
open(sys.argv[1] + "/pid", "w").write(str(os.getpid()))
e = luthier.minimize(f, {"x": luthier.integers(1, 10)}, algorithm="grid", workers=1, store=sys.argv[1])
print(len(e), e.best.value)
"""


def test_a_killed_program_goes_on_with_the_same_call(tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path)]
    killed = subprocess.run([*words, "die"], capture_output=True, text=True, timeout=120)
    assert killed.returncode == -9
    again = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert again.stdout == "10 1.0\n", again.stderr
    ran = {path.name: path.read_text() for path in tmp_path.glob("ran-*")}
    assert len(ran) == 10
    assert all(len(ran[f"ran-{x}"]) == 1 for x in range(5, 11)), "what was not begun runs once"


PROGRAM = """
import luthier
def f(x):
    return x {change}
e = luthier.minimize(f, {{"x": luthier.integers(1, 10)}}, {trials}, algorithm="grid", workers=0, store="runs")
print(e.id, len(e))
"""


def test_a_changed_function_goes_on_with_a_warning(tmp_path: Path) -> None:
    def run(change: str, trials: int) -> subprocess.CompletedProcess[str]:
        (tmp_path / "tune.py").write_text(PROGRAM.format(change=change, trials=trials))
        return subprocess.run(
            [sys.executable, "tune.py"], cwd=tmp_path, capture_output=True, text=True, check=True
        )

    assert run("", 3).stdout == "1 3\n"
    same, changed = run("", 5), run("+ 1", 7)
    assert (same.stdout, changed.stdout) == ("1 5\n", "1 7\n")
    assert "warning" not in same.stderr
    assert (
        "the function has changed since the 5 finished trials of experiment 1; it goes on with"
        in changed.stderr
    )
    nothing_left = run("+ 2", 7)
    assert nothing_left.stdout == "1 7\n"
    assert (
        "none is left to run, so the new one is not called and the best trial is the old"
        in nothing_left.stderr
    )
    assert "tune.py:f" in luthier_says(tmp_path, "list").stdout
    luthier_says(tmp_path, "retry", "1.2")
    resumed = luthier_says(tmp_path, "resume", "1")
    assert resumed.returncode == 2
    assert "tunes the Python function tune.py:f; run its program again, and it goes on" in resumed.stderr


def luthier_says(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "luthier", *words, "--store", "runs"]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True)


def test_tries_are_checked_first_and_never_lost(tmp_path: Path) -> None:
    space = {"x": luthier.uniform(0, 1)}
    options: dict[str, Any] = {"store": tmp_path, "workers": 0, "seed": 1, "algorithm": "random", **QUIET}
    with pytest.raises(SpaceError, match="7"):
        luthier.minimize(lambda x: x, space, 3, tries=[{"x": 7.0}], **options)
    first = luthier.minimize(lambda x: x, space, 3, tries=[{"x": 0.123}], **options)
    assert first.trials[0].values == {"x": 0.123} and len(first) == 3
    again = luthier.minimize(lambda x: x, space, 5, tries=[{"x": 0.123}, {"x": 0.5}], **options)
    assert again.id == first.id and len(again) == 5
    assert [t.values["x"] for t in again.trials].count(0.123) == 1
    assert 0.5 in [t.values["x"] for t in again.trials]


def test_many_threads_may_ask(tmp_path: Path) -> None:
    with luthier.Experiment.create(
        {"x": luthier.uniform(0, 1)}, trials=60, algorithm="random", store=tmp_path
    ) as experiment:

        def work() -> None:
            while (asked := experiment.ask()) is not None:
                experiment.tell(asked, asked.params["x"])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(experiment) == 60


def test_the_best_run_again_with_its_seed_gives_the_same() -> None:
    import random

    class Squared:
        def __call__(self, error: float) -> float:
            return error**2

    class Slow:
        pass

    class Fast:
        pass

    def train(optimizer: type, loss: Any, rate: float, momentum: float = 0.0) -> float:
        noise = random.gauss(0, 0.01)
        return float(loss(rate - 0.3)) + noise + (0.1 if optimizer is Slow else momentum / 10)

    space = {
        "optimizer": luthier.choice([Slow, Fast]),
        "momentum": luthier.choice([0, 0.5, 0.9], ordered=True, when={"optimizer": Fast}),
        "loss": luthier.choice([Squared()]),
        "rate": luthier.uniform(0, 1),
    }
    best = luthier.minimize(train, space, 12, workers=2, **QUIET).best
    random.seed(best.seed)
    assert train(**best.params) == best.value
    assert best.values["optimizer"] == "Fast" and best.params["optimizer"] is Fast
