"""Confirmations as experiments: found again, grown, kept apart from the search, with seeds of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
import svm_search

from luthier.clock import FakeClock
from luthier.drive.confirming import confirmation, confirmations, open_confirmation
from luthier.drive.planning import top_up
from luthier.errors import UsageError
from luthier.store import ExperimentRecord, Store
from luthier.trial import trial_seed


@pytest.fixture
def store(tmp_path: Path):
    made = svm_search.build(tmp_path, files=False)
    yield made
    made.close()


def opened(store: Store, numbers: tuple[int, ...], times: int) -> tuple[ExperimentRecord, bool]:
    leaders = [store.trial(1, number) for number in numbers]
    return open_confirmation(store, confirmation(store.experiment(1), leaders, times))


def test_the_same_leaders_are_the_same_experiment_and_more_rounds_go_further(store) -> None:
    first, created = opened(store, (2, 3), 2)
    assert created and first.description.name == "confirm 1" and first.target == 4
    again, created = opened(store, (2, 3), 2)
    assert (again.id, created) == (first.id, False)
    further, created = opened(store, (2, 3), 5)
    assert (further.id, created, further.target) == (first.id, False, 10)
    other, created = opened(store, (2, 1), 2)
    assert created and other.id != first.id and other.description.name == "confirm 1"
    assert [record.id for record in confirmations(store, 1)] == [first.id, other.id]
    assert confirmations(store, first.id) == []


def test_more_runs_than_the_space_has_configurations(store) -> None:
    record, _ = opened(store, (2, 3, 1), 10)
    assert record.target == 30
    while top_up(store, record.id, record.description, 32, "w", FakeClock()):
        pass
    trials = store.trials(record.id)
    assert len(trials) == 30
    wanted = [store.trial(1, number).configuration for number in (2, 3, 1)]
    assert [trial.configuration for trial in trials] == wanted * 10
    assert trials[0].configuration.texts() == wanted[0].texts()


def test_the_search_is_left_as_it_is(store) -> None:
    before = store.experiment(1), store.trials(1)
    opened(store, (2, 3), 2)
    assert (store.experiment(1), store.trials(1)) == before


def test_no_fresh_run_has_a_seed_of_the_search(store) -> None:
    record, _ = opened(store, (2, 3), 50)
    searched = {trial_seed(store.experiment(1).seed, n) for n in range(1, 101)}
    fresh = {trial_seed(record.seed, n) for n in range(1, 101)}
    assert len(fresh) == 100 and not fresh & searched


def test_a_search_typed_without_a_name_does_not_go_on_with_a_confirmation(store) -> None:
    opened(store, (2, 3), 2)
    record, created = store.open_experiment(svm_search.description(name=None), any_seed=True)
    assert (record.id, created) == (1, False)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"command": None}, "has no command"), ({"objective": None}, "has no objective")],
)
def test_what_cannot_be_confirmed_is_refused(store, changes, sentence) -> None:
    record, _ = store.open_experiment(svm_search.description(name="other", **changes), fresh=True)
    with pytest.raises(UsageError, match=sentence):
        confirmation(record, [store.trial(1, 2)], 2)


def test_nothing_to_confirm_is_said(store) -> None:
    with pytest.raises(UsageError, match="nothing to confirm"):
        confirmation(store.experiment(1), [], 2)
