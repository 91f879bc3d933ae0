"""Functions that take microseconds are called by the stretch; nobody can tell but by the clock."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import luthier
from luthier.store import Store

SPACE = {"x": luthier.uniform(0, 1), "y": luthier.integers(0, 9)}


def run(function: Callable[..., Any], workers: int, trials: int = 3000) -> luthier.Experiment:
    return luthier.minimize(
        function, SPACE, trials, workers=workers, algorithm="random", seed=4, progress=False
    )


def stretches(experiment: luthier.Experiment) -> int:
    store: Store = experiment._store
    return sum(event.kind == "stretch ended" for event in store.events())


def facts(experiment: luthier.Experiment) -> list[tuple[Any, ...]]:
    return [(t.number, t.values, t.seed, t.value, t.outcome, t.reason, t.metrics) for t in experiment.trials]


def moody(x: float, y: int) -> Any:
    """Does what functions do."""
    if y == 0 and x < 0.1:
        raise ValueError("too small")
    if y == 1 and x < 0.1:
        luthier.report(step=0, loss=x + 1)
        luthier.report(step=1, loss=x)
        return None
    if y == 2 and x < 0.1:
        return {"loss": x, "size": y}
    if y == 3 and x < 0.1:
        raise luthier.Stop(x)
    if y == 4 and x < 0.1:
        return float("nan")
    if y == 5 and x < 0.1:
        return "nothing"
    return x + y


def test_a_sprint_gives_what_one_by_one_gives() -> None:
    fast, slow = run(moody, 2), run(moody, 0)
    assert stretches(fast) > 3 and not stretches(slow)
    assert repr(facts(fast)) == repr(facts(slow))
    assert repr(fast) == repr(slow)
    reported = next(t for t in fast.trials if t.values["y"] == 1 and t.values["x"] < 0.1)
    assert fast.curves("loss")[reported.number][1] == (1.0, reported.values["x"])


def test_the_best_is_found_without_looking_at_all() -> None:
    fast = run(lambda x, y: x + y, 2)
    rows: Any = fast._store
    made = rows._experiments[1].trials
    assert stretches(fast) and made._left > 1000
    best = fast.best
    assert made._left > 1000 and len(fast) == 3000
    assert best.value == min(t.value for t in fast.trials if t.value is not None)
    assert made._left == 0 and fast.trial(2000).number == 2000


def test_a_call_that_ends_its_worker_costs_one_trial() -> None:
    def deadly(x: float, y: int) -> float:
        if x > 0.9985:
            os._exit(1)
        return x

    done = run(deadly, 2)
    dead = [t for t in done.trials if t.outcome == "failed"]
    assert stretches(done) and len(done) == 3000
    assert dead and all(t.values["x"] > 0.9985 and "exit code 1" in t.reason for t in dead)
    assert {t.outcome for t in done.trials if t.values["x"] <= 0.9985} == {"succeeded"}


def test_ctrl_c_ends_a_sprint_and_it_goes_on() -> None:
    driver = os.getpid()

    def pressed(x: float, y: int) -> float:
        if 0.5 < x < 0.5005:
            os.kill(driver, signal.SIGINT)
        return x

    done = run(pressed, 2, 20_000)
    assert done.ended == "interrupted" and 0 < len(done) < 20_000
    done.run(lambda x, y: x, workers=2, progress=False)
    assert done.ended == "met" and len(done) == 20_000
    assert [t.number for t in done.trials] == list(range(1, 20_001))


def test_a_function_that_slows_down_goes_back_to_the_loop() -> None:
    import time

    def slows(x: float, y: int) -> float:
        if x < 0.02:
            time.sleep(0.05)
        return x

    done = run(slows, 2, 1500)
    assert stretches(done) < 30, "the loop has done the rest"
    assert len(done) == 1500 and {t.outcome for t in done.trials} == {"succeeded"}


def test_folders_are_the_trials_own_in_a_sprint() -> None:
    def keeps(x: float, y: int) -> float:
        if x < 0.01:
            place = luthier.output_dir()
            assert place.parts[-4:] == ("1", luthier.trial_id().split(".")[1], "attempt-1", "outputs")  # type: ignore[union-attr]
            (place / "kept").write_text("x")
        return x

    done = run(keeps, 2)
    assert stretches(done) and {t.outcome for t in done.trials} == {"succeeded"}
