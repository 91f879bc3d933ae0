"""Several objectives and constraints from Python."""

from __future__ import annotations

from typing import Any

import pytest

import luthier
from luthier.errors import NotFound, UsageError

SQUARE = {"x": luthier.uniform(0, 1), "y": luthier.uniform(0, 1)}
AIMS: dict[str, Any] = {"also": ["minimize:latency"], "constraints": ["memory <= 0.8"]}


def costs(x: float, y: float) -> dict[str, float]:
    return {"loss": x, "latency": (1 - x) ** 2 + y, "memory": x + y}


@pytest.mark.parametrize("algorithm", ["auto", "random"])
def test_the_front_of_a_function(algorithm: str) -> None:
    found = luthier.minimize(
        costs, SQUARE, trials=15, workers=0, seed=2, algorithm=algorithm, progress=False, **AIMS
    )
    front = found.front
    assert front and [t.value for t in front] == sorted(t.value for t in front if t.value is not None)
    latencies = [t.metrics["latency"] for t in front]
    assert latencies == sorted(latencies, reverse=True)
    assert all(t.metrics["memory"] <= 0.8 for t in front)
    assert str(found).endswith(f"\n{len(front)} best trade-offs, in .front")
    with pytest.raises(
        NotFound, match=r"several objectives \(loss, latency\), so no trial alone is best; .*\.front"
    ):
        _ = found.best
    assert found.run(costs, 17, workers=0, progress=False).front  # going on asks for no best trial either


def test_asked_trials_are_told_all_objectives() -> None:
    experiment = luthier.Experiment.create(SQUARE, trials=6, seed=1, **AIMS)
    for _ in range(5):
        asked = experiment.ask()
        assert asked is not None
        experiment.tell(asked, costs(**asked.params))
    assert experiment.front
    asked = experiment.ask()
    assert asked is not None
    experiment.tell(asked, {"loss": 1.0, "memory": 0.1})
    last = experiment.trial(6)
    assert last.outcome == "failed" and "latency" in last.reason


def test_what_is_no_objective_is_refused() -> None:
    with pytest.raises(UsageError, match="write minimize:METRIC"):
        luthier.Experiment.create(SQUARE, also=["latency"])
    with pytest.raises(UsageError, match="METRIC <= NUMBER"):
        luthier.Experiment.create(SQUARE, constraints=["memory"])
