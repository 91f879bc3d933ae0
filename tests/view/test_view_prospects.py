"""What more trials would bring: by hand where it can be, and simulated searches say whether the probabilities hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import cos, exp, inf, log10, nan, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import svm_search

from luthier.description import Algorithm, Constraint, Objective
from luthier.history import History
from luthier.search import searcher
from luthier.space import Configuration
from luthier.space.grammar import parse_params
from luthier.store.memory import MemoryStore
from luthier.testing.searcher import history_of
from luthier.trial import Outcome, Proposal, Result, Trial, TrialState
from luthier.view.prospects import Prospect, prospect, prospect_of


def history(values: Sequence[float | None], maximize: bool = False) -> History:
    """Trials that ended one after the other with these values; None for one that failed."""
    trials = history_of([Configuration({"x": k}) for k in range(len(values))]).trials
    ended = tuple(
        t._replace(result=Result(Outcome.FAILED if v is None else Outcome.SUCCEEDED, "", v))
        for t, v in zip(trials, values, strict=True)
    )
    return History(trials=ended, maximize=maximize)


def chance(factor: float, trials: int, ahead: int = 10) -> float:
    none = 1.0
    for k in range(1, ahead + 1):
        none *= 1 - factor / (trials + k)
    return 1 - none


FLAT = [1.0, 0.0, *[0.5] * 22]
"""24 trials, whose best is the second."""


def test_it_is_the_chance_of_a_record_learned_from_the_second_half() -> None:
    known = sum(1 / n for n in range(13, 25))
    found = prospect_of(history(FLAT), "auto")
    assert found is not None and found.trials == 10
    assert found.probability == pytest.approx(chance(1 / (1 + known), 24))
    late = prospect_of(history([*FLAT[:20], -1.0, -2.0, 0.5, 0.5]), "auto")
    assert late is not None and late.probability == pytest.approx(chance(3 / (1 + known), 24))
    assert late.probability > 2 * found.probability


def test_random_trials_make_records_as_chance_does() -> None:
    found = prospect_of(history([((n * 37) % 101) / 101 for n in range(100)]), "random")
    assert found is not None and found.probability == pytest.approx(10 / 110, abs=0.01)


def test_the_direction_does_not_matter_and_failures_are_no_records() -> None:
    values: list[float | None] = [0.9, 0.4, None, 0.5, nan, inf, *[0.45] * 14, None, 0.3, 0.6, 0.7]
    less = prospect_of(history(values), "tpe")
    more = prospect_of(history([v if v is None else -v for v in values], maximize=True), "tpe")
    assert less == more and less is not None
    assert less.by == pytest.approx(0.01 * (0.45 - 0.3))  # the median of the first ten that have a value


def test_the_last_digit_and_the_noise_are_no_improvement() -> None:
    polished = [*FLAT[:20], -1e-4, -2e-4, -3e-4, -4e-4]
    before, after = (prospect_of(history(values), "auto") for values in (FLAT, polished))
    assert before is not None and after is not None
    assert after.probability == before.probability and after.by == pytest.approx(0.01 * (0.5 + 4e-4))
    better = [*FLAT[:20], -0.1, -0.2, -0.3, -0.4]
    noisy, clean = (prospect_of(history(better), "auto", noise) for noise in (0.5, 0.0))
    assert noisy is not None and clean is not None
    assert noisy.by == 0.5 and noisy.probability < clean.probability


def test_nothing_is_said_of_few_trials_nor_where_nothing_is_left() -> None:
    assert prospect_of(history(FLAT[:19]), "auto") is None
    assert prospect_of(history([*FLAT[:9], *[None] * 15]), "auto") is None
    assert prospect_of(history(FLAT), "auto", ahead=0) is None


def test_the_words() -> None:
    assert str(Prospect(10, 0.00042, 0.081)) == (
        "another 10 trials would improve on it by more than 0.00042 with a probability of about 8 %"
    )
    assert str(Prospect(1, 0.0, 0.001)) == "another trial would improve on it with a probability of under 1 %"
    assert str(Prospect(3, 0.0, 0.999)).endswith("over 99 %")


def stored(tmp_path: Path, **changes: Any) -> Prospect | None:
    """Of an experiment in a store, whose trials are the space from its beginning."""
    store = MemoryStore()
    record, _ = store.open_experiment(
        svm_search.description(space=parse_params(["x=0:39:linear:int"]), trials=30)._replace(**changes)
    )
    reserved = store.reserve(record.id, 30, "w", "n")
    store.propose(
        record.id, "n", [(r.number, Proposal(Configuration({"x": r.number}), "auto")) for r in reserved]
    )
    for claim in store.claim(record.id, 30, "w", "c"):
        store.finish(claim.id, Result(Outcome.SUCCEEDED, "", claim.id.trial % 7 / 7))
    return prospect(store, store.experiment(record.id))


def test_of_an_experiment_where_it_is_known(tmp_path: Path) -> None:
    found = stored(tmp_path, algorithm=Algorithm("auto"))
    assert found is not None and found.trials == 10 and 0 < found.probability < 1
    small = stored(tmp_path, algorithm=Algorithm("auto"), space=parse_params(["x=0:33:linear:int"]))
    assert small is not None and small.trials == 4  # no more are left
    for changes in (
        {"algorithm": Algorithm("grid")},
        {"algorithm": Algorithm("auto"), "also": (Objective("cost"),)},
        {"algorithm": Algorithm("auto"), "constraints": (Constraint("cost", 1.0),)},
        {"algorithm": Algorithm("auto"), "objective": None},
        {"algorithm": Algorithm("auto"), "space": parse_params(["x=1:30:linear:int"])},
    ):
        assert stored(tmp_path, **changes) is None


# ---------------------------------------------------------------------- calibration


def branin(at: Mapping[str, Any]) -> float:
    x, y = at["x"], at["y"]
    return float(
        (y - 5.1 / (4 * pi**2) * x * x + 5 / pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10
    )


def ackley(at: Mapping[str, Any]) -> float:
    v = np.array(list(at.values()))
    return float(20 + exp(1) - 20 * exp(-0.2 * sqrt((v**2).mean())) - np.exp(np.cos(2 * pi * v).mean()))


def training(at: Mapping[str, Any]) -> float:
    loss = {"a": 0.0, "b": 0.15, "c": 0.4}[at["cell"]]
    return float(loss + (log10(at["rate"]) + 2.5) ** 2 / 6 + abs(at["layers"] - 17) / 40)


Case = tuple[list[str], Callable[[Mapping[str, Any]], float], float]
CASES: list[Case] = [
    (["x=-5:10", "y=0:15"], branin, 0.0),
    (["x=-5:10", "y=0:15"], branin, 1.0),
    ([f"x{i}=-3:5" for i in range(5)], ackley, 0.0),
    ([f"x{i}=-3:5" for i in range(5)], ackley, 0.2),
    (["cell=a,b,c", "rate=1e-6:1:log", "layers=1:60:linear:int"], training, 0.0),
    (["cell=a,b,c", "rate=1e-6:1:log", "layers=1:60:linear:int"], training, 0.03),
]
LONG, AHEAD = 80, 10


def searched(algorithm: str, case: Case, seed: int) -> list[float]:
    """The losses of a search, one after the other."""
    words, function, noise = case
    space, engine, chance = parse_params(words), searcher(Algorithm(algorithm)), np.random.default_rng(seed)
    trials: list[Trial] = []
    for n in range(1, LONG + 1):
        (made,) = engine.propose(space, History(n, tuple(trials), maximize=False, target=LONG), seed, [n])
        loss = function(made.configuration.values()) + noise * chance.normal()
        result = Result(
            Outcome.SUCCEEDED, "", loss, seconds=100.0
        )  # so that proposals cost nothing beside it
        state, place = TrialState.FINISHED, (made.configuration, 1, n)
        trials.append(Trial(1, n, n, state, *place, made._replace(seen=n), result, n, n, n + 1.0, n))
    return [t.result.value for t in trials if t.result and t.result.value is not None]


@pytest.mark.parametrize(
    ("algorithm", "seeds"),
    [
        ("random", 10),
        ("tpe", 4),
        pytest.param("tpe", 10, marks=pytest.mark.nightly),
        pytest.param("auto", 5, marks=pytest.mark.nightly),
        pytest.param("bayesian", 5, marks=pytest.mark.nightly),
    ],
)
def test_so_often_as_it_says_the_next_ten_do_improve(algorithm: str, seeds: int) -> None:
    said, came = [], []
    for case in CASES:
        for seed in range(seeds):
            losses = searched(algorithm, case, seed)
            for n in range(20, LONG - AHEAD + 1, AHEAD):
                found = prospect_of(history(losses[:n]), algorithm)
                assert found is not None
                said.append(found.probability)
                came.append(min(losses[n : n + AHEAD]) < min(losses[:n]) - found.by)
    p, y = np.array(said), np.array(came, dtype=float)
    for low, high in ((0.0, 1.0), (0.0, 0.15), (0.15, 0.35), (0.35, 1.0)):
        kept = (p >= low) & (p < high)
        if kept.sum() >= 20:
            error = sqrt(p[kept].mean() * (1 - p[kept].mean()) / kept.sum())
            assert abs(p[kept].mean() - y[kept].mean()) < 0.06 + 2.5 * error, (low, high)
    assert ((p - y) ** 2).mean() < 0.25, "worse than a coin"
