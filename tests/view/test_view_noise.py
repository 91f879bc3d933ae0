"""When the best result may be put down to luck: where the results show noise, and not where a model alone sees it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from luthier.history import History
from luthier.search.gaussian import believed_draws
from luthier.space import Configuration
from luthier.space.grammar import parse_params
from luthier.testing.searcher import history_of
from luthier.trial import Outcome, Result
from luthier.view.certainty import sentence, weighed
from luthier.view.noise import is_noise_shown


def searched(loss: Callable[[float, float], float], noise: float = 0.0, seed: int = 1) -> History:
    """Thirty results anywhere and thirty about the best place, as a search leaves them; less is better."""
    rng = np.random.default_rng(seed)
    near = np.clip([0.37, 0.61] + 0.03 * rng.standard_normal((30, 2)), 0.0, 1.0)
    places = np.vstack([rng.random((30, 2)), near])
    trials = history_of([Configuration({"x": float(x), "y": float(y)}) for x, y in places]).trials
    ended = tuple(
        t._replace(result=Result(Outcome.SUCCEEDED, "", loss(x, y) + noise * float(rng.standard_normal())))
        for t, (x, y) in zip(trials, places, strict=True)
    )
    return History(trials=ended, maximize=False)


def bowl(x: float, y: float) -> float:
    return (x - 0.37) ** 2 + (y - 0.61) ** 2


SQUARE = parse_params(["x=0:1", "y=0:1"])
RULED: dict[str, Callable[[float, float], float]] = {
    "steps": lambda x, y: math.floor(abs(x - 0.37) * 20) + abs(y - 0.61),
    "terraces": lambda x, y: round(10 * ((x - 0.37) ** 2 + (y - 0.61) ** 2)) / 10 + 0.01 * x,
    "a kink": lambda x, y: abs(x - 0.37) + abs(y - 0.61),
    "a wall": lambda x, y: (x - 0.37) ** 2 + (y - 0.61) ** 2 + (x + y > 0.99),
    "a plateau": lambda x, y: round(20 * ((x - 0.37) ** 2 + (y - 0.61) ** 2)) / 20,
}


def best_of(history: History) -> int:
    return min((t.result.value, t.number) for t in history.trials if t.result and t.result.value is not None)[
        1
    ]


@pytest.mark.parametrize("name", RULED)
def test_without_noise_no_model_passes_the_best_result_over(name: str) -> None:
    for seed in range(6):
        record = searched(RULED[name], seed=seed)
        sure = weighed(SQUARE, record, believe=believed_draws)
        assert not sure.is_passed_over
        assert sure.ranking[0] == best_of(record)
        assert not is_noise_shown(SQUARE, record)


def test_where_the_model_alone_sees_luck_nothing_is_claimed() -> None:
    sure = weighed(SQUARE, searched(RULED["a wall"]), believe=believed_draws)
    assert sure.method == "none" and sentence(sure, 1) is None
    assert (
        len(sure.ranking) == 60
    )  # what the model preferred is behind the best one, and is run again with it


def test_where_noise_is_shown_a_lucky_result_is_passed_over() -> None:
    passed = 0
    for seed in range(12):
        record = searched(bowl, noise=0.05, seed=seed)
        assert is_noise_shown(SQUARE, record)
        sure = weighed(SQUARE, record, believe=believed_draws)
        if sure.is_passed_over:
            passed += 1
            assert "had the best value (" in (sentence(sure, 7) or "")
    assert passed >= 4


def test_far_apart_results_show_no_noise() -> None:
    record = searched(bowl, noise=0.5)
    assert not is_noise_shown(SQUARE, record._replace(trials=record.trials[:6]))
