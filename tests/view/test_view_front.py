"""The front of an experiment, which trial is best under constraints, and how the hypervolume grew."""

from __future__ import annotations

import pytest
from figure_scene import aimed

from luthier.description import Algorithm, Description
from luthier.history import History
from luthier.space import Float, Parameter, Space
from luthier.store.memory import MemoryStore
from luthier.view.certainty import certainty
from luthier.view.experiments import best_trials, is_allowed
from luthier.view.front import front, growth_of


def test_the_front_has_the_trade_offs_that_keep_the_constraint() -> None:
    store = aimed(
        ("minimize", "minimize")
    )  # trial n has n and 10 - n, 4 has 4 and 1; from 8 on the limit is broken
    found = front(store, store.experiment(1), 0.0)
    assert found is not None
    assert [row.number for row in found.rows] == [1, 2, 3, 4]
    assert found.values == ((1.0, 9.0), (2.0, 8.0), (3.0, 7.0), (4.0, 1.0))
    assert (found.allowed, found.scored) == (7, 9)


def test_directions_count() -> None:
    found = front(store := aimed(("minimize", "maximize")), store.experiment(1), 0.0)
    assert found is not None and [row.number for row in found.rows] == [1]
    found = front(store := aimed(("maximize", "maximize")), store.experiment(1), 0.0)
    assert found is not None and [row.number for row in found.rows] == [7, 6, 5, 3, 2, 1]


def test_no_trial_no_front() -> None:
    store = MemoryStore()
    space = Space([Parameter("x", Float(0.0, 1.0))])
    record, _ = store.open_experiment(Description("/p", space, Algorithm("random"), trials=1))
    assert front(store, record, 0.0) is None
    assert growth_of(History()) is None


def test_the_best_keeps_the_constraints() -> None:
    store = aimed(("maximize", "minimize"))
    record = store.experiment(1)
    assert [t.number for t in best_trials(store, record, 3)] == [7, 6, 5]
    assert [t.number for t in best_trials(store, record, 3, 2)] == [5, 4, 3]
    assert [n for n in range(1, 10) if not is_allowed(record, store.trial(1, n))] == [8, 9]
    ranking = certainty(store, record).ranking
    assert ranking and all(number <= 7 for number in ranking)


def test_the_hypervolume_only_grows() -> None:
    history = aimed(("minimize", "minimize")).history(1)
    growth = growth_of(history)
    assert growth is not None
    assert growth.finished == tuple(range(1, 10))
    assert list(growth.volumes) == sorted(growth.volumes)
    assert growth.volumes[3] > growth.volumes[2] > 0 and growth.volumes[4:] == (growth.volumes[3],) * 5
    assert growth.reference == pytest.approx((4.3, 9.8))


def test_a_reference_is_in_the_objectives_own_units() -> None:
    growth = growth_of(aimed(("maximize", "maximize")).history(1))
    assert growth is not None
    assert growth.reference[0] < 1.0 and growth.reference[1] < 3.0
