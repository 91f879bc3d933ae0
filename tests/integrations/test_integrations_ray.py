"""LuthierSearch as Ray Tune calls it; every night in a real run of Tune."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.errors import SpaceError, UsageError

pytestmark = pytest.mark.filterwarnings("default")


def searched(search: Any, trials: range, loss: Any) -> list[dict[str, Any]]:
    """Some trials as Tune runs them: suggested, reported, completed."""
    configs = []
    for number in trials:
        config = search.suggest(f"t{number}")
        value = loss(config)
        search.on_trial_result(f"t{number}", {"loss": value + 1, "training_iteration": 1})
        search.on_trial_complete(f"t{number}", {"loss": value, "time_total_s": 1000.0})
        configs.append(config)
    return configs


def bowl(config: dict[str, Any]) -> float:
    return float((math.log10(config["lr"]) + 2) ** 2 + (config["net"]["n"] - 3) ** 2)


def test_every_domain_of_tune_keeps_its_values(tune: Any) -> None:
    from luthier.integrations.ray import LuthierSearch

    space = {
        "lr": tune.loguniform(1e-5, 1),
        "q": tune.quniform(0, 1, 0.25),
        "n": tune.randint(1, 5),
        "m": tune.qrandint(8, 64, 8),
        "k": tune.lograndint(1, 1000),
        "g": tune.randn(0, 1),
        "opt": tune.choice([{"kind": "sgd", "momentum": tune.uniform(0, 1)}, {"kind": "adam"}]),
        "hidden": tune.choice([[64], [64, 64]]),
        "net": {"width": tune.choice([1, 2]), "fixed": [1, 2]},
        "epochs": 7,
    }
    search = LuthierSearch(space, metric="loss", mode="min", seed=0)
    configs = searched(search, range(25), lambda config: config["lr"])
    for config in configs:
        assert 1e-5 <= config["lr"] <= 1 and config["q"] in (0, 0.25, 0.5, 0.75, 1)
        assert config["n"] in (1, 2, 3, 4) and config["m"] in range(8, 65, 8) and 1 <= config["k"] < 1000
        assert (config["opt"]["kind"] == "sgd") == ("momentum" in config["opt"])
        assert config["hidden"] in ([64], [64, 64]) and config["net"]["fixed"] == [1, 2]
        assert config["epochs"] == 7 and isinstance(config["k"], int)
    assert len({config["opt"]["kind"] for config in configs}) == 2


def test_it_learns_and_goes_on_from_what_was_saved(tune: Any, tmp_path: Path) -> None:
    from luthier.integrations.ray import LuthierSearch

    space = {"lr": tune.loguniform(1e-5, 1), "net": {"n": tune.randint(1, 9)}}
    search = LuthierSearch(seed=0, points_to_evaluate=[{"lr": 0.5, "net": {"n": 1}}])
    assert search.set_search_properties("loss", "min", space)
    assert not search.set_search_properties("loss", "min", space)
    first = searched(search, range(10), bowl)
    assert first[0] == {"lr": 0.5, "net": {"n": 1}}
    search.save(str(tmp_path / "saved"))
    other = LuthierSearch()
    other.restore(str(tmp_path / "saved"))
    rest = searched(search, range(10, 30), bowl)
    assert searched(other, range(10, 30), bowl) == rest
    assert min(map(bowl, rest)) < 0.01
    up = LuthierSearch(space, "loss", "max", seed=0)
    assert max(-bowl(c) for c in searched(up, range(30), lambda config: -bowl(config))) > -0.01


def test_errors_and_trials_without_a_result_do_not_break_it(tune: Any) -> None:
    from luthier.integrations.ray import LuthierSearch
    from luthier.trial import Outcome

    search = LuthierSearch({"x": tune.uniform(0, 1)}, "loss", "min", seed=0)
    search.suggest("a")
    search.on_trial_complete("a", error=True)
    search.suggest("b")
    search.on_trial_complete("b", {"loss": math.nan})
    search.suggest("c")
    search.on_trial_result("c", {"loss": 0.5})
    search.on_trial_complete("c")
    search.suggest("d")
    search.on_trial_complete("d")
    search.add_evaluated_point({"x": 0.25}, 0.1)
    outcomes = [(told.outcome, told.value) for told in search._told.values()]
    assert outcomes == [
        (Outcome.FAILED, None),
        (Outcome.FAILED, None),
        (Outcome.SUCCEEDED, 0.5),
        (Outcome.KILLED, None),
        (Outcome.SUCCEEDED, 0.1),
    ]
    assert 0 <= search.suggest("e")["x"] <= 1


def test_a_finite_space_ends_the_search(tune: Any) -> None:
    from ray.tune.search import Searcher

    from luthier.integrations.ray import LuthierSearch

    search = LuthierSearch({"n": tune.randint(0, 3), "lr": luthier.choice([1])}, "loss", "min")
    assert {search.suggest(f"t{i}")["n"] for i in range(3)} == {0, 1, 2}
    assert search.suggest("t3") == Searcher.FINISHED


def test_what_can_not_be_searched_is_refused_by_name(tune: Any) -> None:
    from luthier.integrations.ray import LuthierSearch

    with pytest.raises(SpaceError, match="net/a.*grid_search"):
        LuthierSearch({"net": {"a": tune.grid_search([1, 2])}})
    with pytest.raises(SpaceError, match="b.*Function"):
        LuthierSearch({"b": tune.sample_from(lambda spec: 1)})
    with pytest.raises(UsageError, match="metric"):
        LuthierSearch({"x": tune.uniform(0, 1)}).suggest("a")


@pytest.fixture
def cluster(tune: Any, tmp_path: Path) -> Iterator[None]:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.nightly
@pytest.mark.usefixtures("cluster")
def test_a_run_of_tune_is_searched(tune: Any, tmp_path: Path) -> None:
    from luthier.integrations.ray import LuthierSearch

    def train(config: dict[str, Any]) -> None:
        tune.report({"loss": (config["x"] - 0.3) ** 2})

    tuner = tune.Tuner(
        train,
        param_space={"x": tune.uniform(0, 1), "note": "kept"},
        tune_config=tune.TuneConfig(
            search_alg=LuthierSearch(seed=0),
            metric="loss",
            mode="min",
            num_samples=15,
            max_concurrent_trials=2,
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    )
    results = tuner.fit()
    assert len(results) == 15 and results.get_best_result().metrics["loss"] < 0.001
    assert results.get_best_result().config["note"] == "kept"
