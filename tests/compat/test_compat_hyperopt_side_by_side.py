"""`fmin(workers=N)`: the same trials, evaluated in processes of their own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from luthier.compat.hyperopt import STATUS_OK, Trials, anneal, fmin, hp, no_progress_loss, rand, tpe
from luthier.compat.hyperopt.documents import JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_NEW
from luthier.compat.hyperopt.mongoexp import MongoTrials
from luthier.errors import TrialError

X = hp.uniform("x", -5, 5)


def bowl(x: float) -> dict[str, Any]:
    return {"loss": (x - 3) ** 2, "status": STATUS_OK, "pid": os.getpid(), "attachments": {"at": x}}


def meet(folder: Path, others: int) -> Callable[[float], float]:
    """An objective that returns only when so many others have begun as well."""
    for n in range(others + 1):
        os.mkfifo(folder / str(n))

    def objective(x: int) -> float:
        places = [folder / str(n) for n in range(others + 1) if n != x]
        readers = [threading.Thread(target=place.read_text) for place in places]
        for reader in readers:
            reader.start()
        for _ in readers:
            with open(folder / str(x), "w") as file:
                file.write("here")
        for reader in readers:
            reader.join()
        return float(x)

    return objective


def test_two_run_at_the_same_time(tmp_path: Path) -> None:
    trials = Trials()
    best = fmin(
        meet(tmp_path, 1), hp.randint("x", 2), algo=rand.suggest, max_evals=2, trials=trials, workers=2
    )
    assert best == {"x": 0} and sorted(trials.losses()) == [0.0, 1.0]


@pytest.mark.parametrize("algo", [None, tpe.suggest, rand.suggest, anneal.suggest])
def test_the_trials_are_those_of_one_process(algo: Any) -> None:
    trials = Trials()
    best = fmin(bowl, X, algo=algo, max_evals=9, trials=trials, workers=2, rstate=0)
    assert len(trials) == 9 and trials.tids == list(range(9))
    assert {doc["state"] for doc in trials.trials} == {JOB_STATE_DONE}
    assert best.loss == min(trials.losses()) == (best["x"] - 3) ** 2 and best.params == {"x": best["x"]}
    assert 1 <= len({r["pid"] for r in trials.results} - {os.getpid()}) <= 2
    assert [trials.trial_attachments(doc)["at"] for doc in trials.trials] == trials.vals["x"]
    assert all(doc["book_time"] <= doc["refresh_time"] for doc in trials.trials)
    assert best.stop_reason == "as many trials were made as were asked for"
    fmin(bowl, X, algo=algo, max_evals=11, trials=trials, workers=2, rstate=0)
    assert len(trials) == 11
    fmin(bowl, X, algo=algo, max_evals=11, trials=trials, workers=2, rstate=0)
    assert len(trials) == 11


def test_random_search_draws_the_same_however_many_evaluate() -> None:
    alone, side_by_side = Trials(), Trials()
    fmin(bowl, X, algo=rand.suggest, max_evals=7, trials=alone, rstate=3)
    fmin(bowl, X, algo=rand.suggest, max_evals=7, trials=side_by_side, workers=3, rstate=3)
    assert alone.vals == side_by_side.vals and alone.losses() == side_by_side.losses()


def test_no_configuration_of_a_finite_space_is_tried_twice() -> None:
    trials = Trials()
    best = fmin(
        lambda c: c, hp.choice("c", [3, 1, 2]), algo=tpe.suggest, max_evals=20, trials=trials, workers=2
    )
    assert sorted(trials.losses()) == [1, 2, 3] and best == {"c": 1}
    assert best.stop_reason == "every configuration of the space was tried"


def test_points_come_first_and_an_early_end_waits_for_what_runs() -> None:
    trials = Trials()
    points = [{"x": 3.0}, {"x": 1.0}]
    best = fmin(
        bowl,
        X,
        algo=rand.suggest,
        max_evals=100_000,
        trials=trials,
        workers=2,
        points_to_evaluate=points,
        loss_threshold=0.0,
    )
    assert trials.vals["x"][:2] == [3.0, 1.0] and len(trials) < 100_000
    assert best == {"x": 3.0} and "reached the threshold" in best.stop_reason
    assert {doc["state"] for doc in trials.trials} == {JOB_STATE_DONE}


def test_early_stop_functions_see_what_ended_in_its_order() -> None:
    seen: list[tuple[int, float]] = []

    def stop(trials: Trials, *_: Any) -> tuple[bool, list[Any]]:
        seen.append((len(trials.trials), trials.trials[-1]["result"]["loss"]))
        return len(seen) == 5, []

    trials = Trials()
    fmin(bowl, X, algo=rand.suggest, max_evals=50, trials=trials, workers=2, early_stop_fn=stop, rstate=0)
    assert [count for count, _ in seen][:5] == [1, 2, 3, 4, 5]
    assert sorted(loss for _, loss in seen) == sorted(trials.losses()) and len(trials) <= 6
    best = fmin(
        lambda x: 1.0, X, max_evals=50, workers=2, early_stop_fn=no_progress_loss(4), algo=rand.suggest
    )
    assert "no progress for 4 trials" in best.stop_reason


class Broken(Exception):
    """Can be sent away and not be made again."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__("broken")


def test_an_exception_ends_the_search_as_it_would_here(tmp_path: Path) -> None:
    file = tmp_path / "trials"

    def objective(x: float) -> float:
        if x == 1.0:
            raise ZeroDivisionError("by nothing")
        if x == 2.0:
            raise Broken(1, 2)
        return x

    trials = Trials()
    options: dict[str, Any] = {"algo": rand.suggest, "trials": trials, "workers": 2, "rstate": 0}
    with pytest.raises(ZeroDivisionError, match="by nothing") as caught:
        fmin(objective, X, max_evals=5, points_to_evaluate=[{"x": 1.0}], trials_save_file=file, **options)
    assert "raised by trial 0 in a worker process" in caught.value.__notes__[0]
    states = [doc["state"] for doc in trials._dynamic_trials]
    assert states[0] == JOB_STATE_ERROR and set(states[1:]) <= {JOB_STATE_NEW, JOB_STATE_DONE}
    assert trials.failures == [(0, "ZeroDivisionError: by nothing")]
    fmin(objective, X, max_evals=5, **options)
    assert len(trials) == 5 and None not in trials.losses()
    with pytest.raises(TrialError, match=r"trial \d+ failed in its process: broken; mend"):
        fmin(objective, X, max_evals=9, algo=rand.suggest, workers=1, points_to_evaluate=[{"x": 2.0}])
    kept = Trials()
    points = [{"x": 1.0}, {"x": 2.0}]
    options["trials"] = kept
    fmin(objective, X, max_evals=4, points_to_evaluate=points, catch_eval_exceptions=True, **options)
    assert [said for _, said in kept.failures] == [
        "ZeroDivisionError: by nothing",
        f"{__name__}.Broken: broken",
    ]
    assert len(kept) == 4  # besides the two


@pytest.mark.fault
def test_an_objective_that_ends_its_process_fails_its_trial_only() -> None:
    def objective(x: float) -> float:
        if x == 1.0:
            os.kill(os.getpid(), signal.SIGKILL)
        if x == 2.0:
            os._exit(4)
        if x == 4.0:
            raise SystemExit(5)
        return x

    trials = Trials()
    points = [{"x": 1.0}, {"x": 2.0}, {"x": 4.0}]
    options: dict[str, Any] = {"algo": rand.suggest, "workers": 2, "rstate": 0, "points_to_evaluate": points}
    fmin(objective, X, max_evals=4, trials=trials, catch_eval_exceptions=True, **options)
    assert len(trials) == 4 and None not in trials.losses()
    said = dict(trials.failures)
    assert "exit code 4" in said[1] and said[2] == "SystemExit: 5" and "KILL" in said[0]
    with pytest.raises(TrialError, match="trial 0 failed in its process"):
        fmin(objective, X, max_evals=4, trials=Trials(), **{**options, "workers": 1})


def test_ctrl_c_ends_what_runs_and_its_trials_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    os.mkfifo(tmp_path / "never")

    def objective(x: float) -> float:
        if not (tmp_path / "mark").exists():
            with open(tmp_path / "begun", "w") as file:
                file.write("yes")
            (tmp_path / "never").read_text()
        return x

    def press() -> None:
        (tmp_path / "begun").read_text()
        os.kill(os.getpid(), signal.SIGINT)

    trials = Trials()
    options: dict[str, Any] = {"algo": rand.suggest, "trials": trials, "rstate": 0, "max_evals": 3}
    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        fmin(objective, X, workers=1, **options)
    thread.join()
    assert [doc["state"] for doc in trials.trials] == [JOB_STATE_NEW]
    (tmp_path / "mark").touch()
    fmin(objective, X, workers=2, **options)
    assert len(trials) == 3 and None not in trials.losses()


def test_what_it_prints_is_seen_here(capsys: pytest.CaptureFixture[str]) -> None:
    def objective(x: float) -> float:
        print(f"at {x:g}", flush=True)
        return x

    fmin(objective, X, algo=rand.suggest, max_evals=1, workers=1, points_to_evaluate=[{"x": 1.5}])
    assert "at 1.5\n" in capsys.readouterr().out


@pytest.mark.parametrize("workers", [-1, 1.5, True, "2"])
def test_workers_are_a_whole_number(workers: Any) -> None:
    with pytest.raises(ValueError, match="is not a whole number from 0"):
        fmin(bowl, X, max_evals=1, workers=workers)


def test_mongo_trials_have_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LUTHIER_STORE", str(tmp_path / "runs"))
    trials = MongoTrials("mongo://localhost/foo/jobs")
    with pytest.raises(ValueError, match="luthier hyperopt-worker; leave workers out"):
        fmin(bowl, X, max_evals=1, workers=2, trials=trials)
    trials.close()


def test_no_workers_are_this_process() -> None:
    trials = Trials()
    fmin(bowl, X, algo=rand.suggest, max_evals=1, trials=trials, workers=0)
    assert trials.results[0]["pid"] == os.getpid()


def test_trials_fmin_takes_workers_too() -> None:
    trials = Trials()
    trials.fmin(bowl, X, algo=rand.suggest, max_evals=2, workers=1)
    assert {r["pid"] for r in trials.results} and os.getpid() not in {r["pid"] for r in trials.results}
