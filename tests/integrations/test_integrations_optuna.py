"""LuthierSampler in real studies of Optuna."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("default")


def bowl(trial: Any) -> float:
    x = trial.suggest_float("x", -5, 5)
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    n = trial.suggest_int("n", 1, 20)
    return float((x - 1) ** 2 + (math.log10(rate) + 2) ** 2 + (n - 7) ** 2 / 20)


def branches(trial: Any) -> float:
    kind = trial.suggest_categorical("kind", ["svm", "net", None])
    if kind == "svm":
        return float(2 + (math.log10(trial.suggest_float("C", 1e-3, 1e3, log=True)) - 1) ** 2)
    if kind == "net":
        layers = trial.suggest_int("layers", 1, 3)
        units = [trial.suggest_int(f"units{i}", 8, 256, log=True) for i in range(layers)]
        return float(sum((u / 64 - 1) ** 2 for u in units) + (layers - 2) ** 2)
    return 9.0


def study_of(
    optuna: Any, objective: Any, trials: int, seed: int = 0, algorithm: str = "auto", **options: Any
) -> Any:
    from luthier.integrations.optuna import LuthierSampler

    study = optuna.create_study(sampler=LuthierSampler(algorithm, seed=seed), **options)
    study.optimize(objective, n_trials=trials, catch=(ValueError,))
    return study


def test_it_finds_the_best_and_the_same_seed_finds_it_again(optuna: Any) -> None:
    # `auto` may take cheaper proposals on a busy machine, which are not the same.
    studies = [study_of(optuna, bowl, 30, seed, "bayesian") for seed in (0, 0, 1)]
    params = [[trial.params for trial in study.trials] for study in studies]
    assert params[0] == params[1] != params[2]
    assert all(study.best_value < 0.1 for study in studies)
    assert all(isinstance(p["n"], int) for p in params[0])
    assert params[0][0] == {"x": 0.0, "rate": pytest.approx(10**-2.5), "n": 11}  # the middle first
    upwards = study_of(optuna, lambda trial: -bowl(trial), 40, direction="maximize")
    assert upwards.best_value > -0.05


def test_it_is_better_than_optunas_own_at_40_trials(optuna: Any) -> None:
    ours = [study_of(optuna, bowl, 40, seed).best_value for seed in range(3)]
    theirs = []
    for seed in range(3):
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        study.optimize(bowl, n_trials=40)
        theirs.append(study.best_value)
    assert sum(ours) < sum(theirs)


def test_a_space_defined_by_run_is_found_with_its_conditions(optuna: Any) -> None:
    study = study_of(optuna, branches, 50)
    known = study.sampler._space_of(study)
    when = {p.name: [str(condition) for condition in p.when] for p in known.space.parameters}
    assert when["kind"] == [] and known.unmet == ()
    assert when["C"] == ["kind in c0"] and when["layers"] == ["kind in c1"]
    assert when["units1"] == ["layers >= 2"] and when["units2"] == ["layers >= 3"]
    assert study.best_params["kind"] == "net" and study.best_params["layers"] == 2
    assert study.best_value < 0.1
    late = [trial for trial in study.trials[30:] if trial.params["kind"] == "svm"]
    assert len(late) < 10  # it has learned which branch is worth its trials


def test_a_parameter_that_nothing_explains_is_sampled_by_itself(optuna: Any) -> None:
    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        if trial.number % 3 == 0:
            trial.suggest_float("sometimes", 0, 1)
        return float(x)

    study = study_of(optuna, objective, 15)
    assert set(study.sampler._space_of(study).distributions) == {"x"}
    drawn = [trial.params["sometimes"] for trial in study.trials if "sometimes" in trial.params]
    assert len(set(drawn)) == 5


def test_failed_and_pruned_trials_are_learned_from(optuna: Any) -> None:
    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        if x > 0.7:
            raise ValueError(x)
        trial.report(x, 0)
        if x > 0.4:
            raise optuna.TrialPruned
        return x

    study = study_of(optuna, objective, 25)
    states = [trial.state.name for trial in study.trials]
    assert study.best_value < 0.01 and {"COMPLETE", "PRUNED"} <= set(states)
    assert states[12:].count("FAIL") < 3


def test_workers_side_by_side_and_a_storage_that_is_read_again(optuna: Any, tmp_path: Path) -> None:
    from luthier.integrations.optuna import PROPOSED, LuthierSampler

    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(storage=storage, sampler=LuthierSampler(seed=0))
    study.optimize(bowl, n_trials=12, n_jobs=3)
    again = optuna.load_study(study_name=study.study_name, storage=storage, sampler=LuthierSampler(seed=0))
    again.optimize(bowl, n_trials=13)
    assert len(again.trials) == 25 and again.best_value < 1
    proposed = again.trials[-1].system_attrs[PROPOSED]
    assert proposed == again.trials[-1].params
    assert len({repr(trial.params) for trial in again.trials}) == 25


@pytest.mark.parametrize("enqueued", [4, 5])
def test_what_a_person_enqueued_is_not_proposed_before_it_runs(optuna: Any, enqueued: int) -> None:
    from luthier.integrations.optuna import LuthierSampler

    study = optuna.create_study(sampler=LuthierSampler(seed=0))
    shape = {"n": optuna.distributions.IntDistribution(1, 5)}
    for n in (1, 2, 3):
        study.add_trial(optuna.trial.create_trial(params={"n": n}, distributions=shape, value=1.0))
    trial = study.ask()
    study.enqueue_trial({"n": enqueued})
    assert trial.suggest_int("n", 1, 5) == 9 - enqueued
    assert study.ask().suggest_int("n", 1, 5) == enqueued


def test_a_proposal_is_written_before_another_is_made(optuna: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.integrations.optuna import PROPOSED, LuthierSampler

    study = optuna.create_study(sampler=LuthierSampler(seed=0))
    write, free = study._storage.set_trial_system_attr, []

    def written(number: int, name: str, value: Any) -> None:
        if name == PROPOSED:
            other = Thread(target=lambda: free.append(study.sampler._guard.acquire(blocking=False)))
            other.start()
            other.join()
        write(number, name, value)

    monkeypatch.setattr(study._storage, "set_trial_system_attr", written)
    study.optimize(bowl, n_trials=3)
    assert free == [False, False]


def test_enqueued_fixed_and_single_values_are_respected(optuna: Any) -> None:
    from luthier.integrations.optuna import LuthierSampler

    def objective(trial: Any) -> float:
        assert trial.suggest_float("one", 3, 3) == 3 and trial.suggest_categorical("only", ["a"]) == "a"
        stepped = trial.suggest_float("stepped", 0, 1, step=0.25)
        assert stepped in (0, 0.25, 0.5, 0.75, 1)
        return float(trial.suggest_float("x", 0, 1) + stepped)

    study = optuna.create_study(sampler=LuthierSampler(seed=0))
    study.enqueue_trial({"x": 0.125})
    study.optimize(objective, n_trials=15)
    assert study.trials[0].params["x"] == 0.125 and study.best_value < 0.2


def test_a_finite_space_does_not_end_the_study(optuna: Any) -> None:
    study = study_of(optuna, lambda trial: float(trial.suggest_int("n", 1, 4)), 9)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 9
    assert {trial.params["n"] for trial in study.trials[:5]} == {1, 2, 3, 4}


def test_several_objectives_are_searched_for_their_front(optuna: Any) -> None:
    def two(trial: Any) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x**2 + y, 1 - (x - 1) ** 2 - y  # the front is y = 0

    study = study_of(optuna, two, 30, directions=["minimize", "maximize"])
    front = study.best_trials
    assert len(front) > 8 and sum(trial.params["y"] < 0.05 for trial in front) >= len(front) - 2
    xs = sorted(trial.params["x"] for trial in front)
    assert xs[0] < 0.2 and xs[-1] > 0.8


def test_constraints_are_kept(optuna: Any) -> None:
    from luthier.integrations.optuna import LuthierSampler

    sampler = LuthierSampler(seed=0, constraints_func=lambda trial: (0.3 - trial.params["x"],))
    study = optuna.create_study(sampler=sampler)
    study.optimize(bowl_of_x, n_trials=25)
    late = [trial.params["x"] for trial in study.trials[12:]]
    assert sum(0.28 < x < 0.32 for x in late) >= 6  # at the edge, where the best of the allowed is
    assert 0.3 <= study.best_trial.params["x"] < 0.31


def bowl_of_x(trial: Any) -> float:
    return float(trial.suggest_float("x", 0, 1) ** 2)


def test_it_can_be_pickled(optuna: Any) -> None:
    study = study_of(optuna, bowl, 5)
    sampler = pickle.loads(pickle.dumps(study.sampler))
    optuna.create_study(sampler=sampler).optimize(bowl, n_trials=3)
